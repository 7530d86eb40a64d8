// The sections of the file, and the order of the work: YAML, then the specs, then what sections know together. After
// errors it finds out which sections are still whole; what they hold is for their own specs.
#include "config/pipeline.h"

#include <limits>
#include <set>

#include "config/names.h"
#include "config/resolve.h"
#include "config/resolve_sources.h"
#include "config/resolve_tests.h"
#include "config/specs.h"

namespace tidemark {
namespace {

Kind<CheckpointSpec> checkpoint_kind() {
  return Spec<CheckpointSpec>("checkpoint", "How often the state is made durable and the output committed.",
                              "checkpoint: {every: 5s}")
      .field(
          "every", &CheckpointSpec::every, kinds::duration(Duration::millis(10)),
          "The time between two checkpoints; rows become visible with each. With an exactly_once sink at most 3m45s.")
      .foreign({"interval", "period", "frequency", "checkpoint_interval", "interval_ms", "commit_interval"}, "every")
      .foreign({"dir", "directory", "path", "storage", "state_dir", "backend"}, "",
               "where state lies is said by `tidemark run --state-dir DIR`")
      .kind();
}

// A list with at least one item.
template <class V>
Kind<std::vector<V>> some(Kind<std::vector<V>> kind, std::string wanted) {
  kind.read = [read = kind.read, wanted](const Node& node, std::string_view what, std::vector<V>& out,
                                         Diagnostics& diagnostics) {
    if (!read(node, what, out, diagnostics)) return false;
    if (!out.empty()) return true;
    diagnostics.error(node.where(), std::string(what) + " is empty", "write " + wanted);
    return false;
  };
  return kind;
}

}  // namespace

Kind<PipelineSpec> pipeline_kind() {
  return Spec<PipelineSpec>("pipeline",
                            "A pipeline: records come from a source, pass the steps, and rows go to the sinks.")
      .required("name", &PipelineSpec::name, name_kind(),
                "the pipeline's name, the default consumer group and the prefix of all that it owns")
      .required("sources", &PipelineSpec::sources,
                some(kinds::keyed(&SourceSpec::name, source_kind(), name_rules()), "one source"),
                "a map from names to sources; several are read as one group, have one schema and meet in a `union` step")
      .field("steps", &PipelineSpec::steps, kinds::list(step_kind()),
             "What is done to the rows, one step after the other.")
      .required("sinks", &PipelineSpec::sinks,
                some(kinds::list(sink_kind()), "at least one sink, such as `- stdout: {}`"),
                "a list of places where rows go")
      .field("checkpoint", &PipelineSpec::checkpoint, checkpoint_kind(), "How often the state is made durable.")
      .field("lanes", &PipelineSpec::lanes, kinds::integer(1, 65'535),
             "Units of keyed state and of parallelism; fixed once state exists.")
      .field("exchange", &PipelineSpec::exchange, kinds::words<Exchange>({{"memory", Exchange::kMemory}}, {"topic"}),
             "How rows find their lane.")
      .field("tests", &PipelineSpec::tests, kinds::list(test_kind()), "Cases for `tidemark test`.")
      .foreign({"source", "input", "inputs", "from"}, "sources", "write `sources: {NAME: {kafka: ...}}`")
      .foreign({"output", "outputs", "to"}, "sinks", "write `sinks: [...]`, a list")
      .foreign({"pipeline", "processors", "transforms", "operators", "stages"}, "steps", "write `steps: [...]`, a list")
      .foreign({"id", "job", "title", "application_id", "group_id"}, "name")
      .foreign({"parallelism", "num_stream_threads", "threads"}, "lanes",
               "`lanes` are the units of parallelism, and `tidemark run --threads N` says how many threads run them")
      .foreign({"checkpointing", "checkpoint_interval", "checkpoints", "state", "commit_interval_ms"}, "checkpoint",
               "write `checkpoint: {every: 5s}`")
      .foreign({"apiversion", "kind", "metadata", "spec"}, "",
               "a pipeline file is no Kubernetes resource: it begins with `name:` and `sources:`")
      .foreign({"description", "version", "comment", "labels", "tags"}, "", "write it as a comment behind `#`")
      .foreign({"http", "metrics", "logger", "logging", "memory", "state_dir"}, "", "it is an option of `tidemark run`; see tidemark run --help")
      .foreign({"env", "vars", "variables", "parameters"}, "", "write ${NAME:-default} in values, and set it in the environment or with --set")
      .sound(&PipelineSpec::sources_sound, {"sources"})
      .sound(&PipelineSpec::steps_sound, {"steps"})
      .sound(&PipelineSpec::sinks_sound, {"sinks"})
      .sound(&PipelineSpec::checkpoint_sound, {"checkpoint"})
      .sound(&PipelineSpec::tests_sound, {"tests"})
      .kind();
}

namespace {

void collect_bad_lines(const Node& node, std::set<int>& lines) {
  if (node.bad) lines.insert(node.where().line);
  for (const Node::Entry& entry : node.entries) collect_bad_lines(entry.value, lines);
  for (const Node& item : node.items) collect_bad_lines(item, lines);
}

// Errors of the YAML that may have taken something out of the tree: what is marked as bad in it is still there.
Diagnostics losses(const Diagnostics& yaml_errors, const Node& root) {
  std::set<int> bad;
  collect_bad_lines(root, bad);
  Diagnostics out;
  for (const Diagnostic& d : yaml_errors.all()) {
    if (d.severity == Severity::kError && !bad.contains(d.where.line)) out.error(d.where, d.message, d.hint);
  }
  return out;
}

// Whether one of the errors lies in the section, which reaches to where the next one begins.
bool touched(const Node& root, std::string_view section, const Diagnostics& errors) {
  for (size_t i = 0; i < root.entries.size(); ++i) {
    if (root.entries[i].key.value != section) continue;
    const int first = root.entries[i].key.where.line;
    const int next = i + 1 < root.entries.size() ? root.entries[i + 1].key.where.line : std::numeric_limits<int>::max();
    return std::ranges::any_of(errors.all(), [&](const Diagnostic& d) {
      return d.where.line >= first && (d.where.line < next || first == next);
    });
  }
  return false;
}

// What was lost in a section may be anything in it.
void mark_sections(PipelineSpec& pipeline, const Node& root, const Diagnostics& lost) {
  const bool sources_whole = !touched(root, "sources", lost);
  pipeline.sources_sound &= sources_whole;
  pipeline.steps_sound &= !touched(root, "steps", lost);
  pipeline.sinks_sound &= !touched(root, "sinks", lost);
  pipeline.checkpoint_sound &= !touched(root, "checkpoint", lost);
  pipeline.tests_sound &= !touched(root, "tests", lost);
  for (SourceSpec& source : pipeline.sources) {
    source.schema_sound = sources_whole && (source.schema_sound || source.names_all_fields());
  }
}

// What the errors around sections leave unknown.
void mark_unsound(PipelineSpec& pipeline) {
  if (pipeline.sources.empty()) pipeline.sources.emplace_back().schema_sound = false;
  if (pipeline.steps_sound || !pipeline.steps.empty()) return;
  for (SinkSpec& sink : pipeline.sinks) sink.sound = false;  // their steps may be what was refused
}

}  // namespace

std::optional<PipelineSpec> draft_pipeline(std::string_view text, const std::string& file,
                                           const Environment& environment, Diagnostics& diagnostics) {
  Diagnostics found;
  std::optional<PipelineSpec> pipeline;
  if (const std::optional<Node> root = parse_yaml(text, file, environment, found)) {
    pipeline.emplace().file = file;
    const Diagnostics lost = losses(found, *root);
    (void)pipeline_kind().read(*root, "the pipeline", *pipeline, found);
    mark_sections(*pipeline, *root, lost);
    resolve(*pipeline, found);
    resolve_sources(*pipeline, found);
    resolve_tests(*pipeline, found);
    mark_unsound(*pipeline);
    pipeline->sound = !found.has_errors();
  }
  found.sort();
  for (const Diagnostic& d : found.all()) {
    if (d.severity == Severity::kError) diagnostics.error(d.where, d.message, d.hint);
    else diagnostics.warn(d.where, d.message, d.hint);
  }
  return pipeline;
}

std::optional<PipelineSpec> load_pipeline(std::string_view text, const std::string& file,
                                          const Environment& environment, Diagnostics& diagnostics) {
  std::optional<PipelineSpec> pipeline = draft_pipeline(text, file, environment, diagnostics);
  if (pipeline && !pipeline->sound) pipeline.reset();
  return pipeline;
}

}  // namespace tidemark
