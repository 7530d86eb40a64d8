#include "config/pipeline.h"

#include "config/names.h"
#include "config/resolve.h"
#include "config/specs.h"

namespace tidemark {
namespace {

// Each test is a map; what it holds is for those who run it.
Kind<Node> tests_kind() {
  auto shape = std::make_shared<Shape>();
  shape->form = Shape::Form::kList;
  shape->element = kinds::any().shape;
  Kind<Node> kind{shape, nullptr, nullptr};
  kind.read = [](const Node& node, std::string_view what, Node& out, Diagnostics& diagnostics) {
    if (node.kind != Node::Kind::kSequence) return wrong_kind(node, what, "a list of tests", diagnostics);
    bool ok = true;
    for (const Node& test : node.items) {
      if (test.kind != Node::Kind::kMap)
        ok &= wrong_kind(test, "a test", "a map with `input` and `expect`", diagnostics);
    }
    out = node;
    return ok;
  };
  return kind;
}

Kind<CheckpointSpec> checkpoint_kind() {
  return Spec<CheckpointSpec>("checkpoint", "How often the state is made durable and the output committed.",
                              "checkpoint: {every: 5s}")
      .field(
          "every", &CheckpointSpec::every, kinds::duration(Duration::millis(10)),
          "The time between two checkpoints; rows become visible with each. With an exactly_once sink at most 3m45s.")
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
                "a map from names to sources; exactly one for now")
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
      .field("tests", &PipelineSpec::tests, tests_kind(), "Cases for `tidemark test`.")
      .kind();
}

namespace {

// What the errors around sections leave unknown.
void mark_unsound(PipelineSpec& pipeline, bool yaml_sound, bool sections_read) {
  if (pipeline.sources.empty()) pipeline.sources.emplace_back().schema_sound = false;
  for (SourceSpec& source : pipeline.sources) source.schema_sound &= yaml_sound;
  if (sections_read || !pipeline.steps.empty()) return;
  for (SinkSpec& sink : pipeline.sinks) sink.sound = false;  // their steps may be what was refused
}

}  // namespace

std::optional<PipelineSpec> draft_pipeline(std::string_view text, const std::string& file,
                                           const Environment& environment, Diagnostics& diagnostics) {
  Diagnostics found;
  std::optional<PipelineSpec> pipeline;
  if (const std::optional<Node> root = parse_yaml(text, file, environment, found)) {
    pipeline.emplace().file = file;
    const bool yaml_sound = !found.has_errors();
    const bool read = pipeline_kind().read(*root, "the pipeline", *pipeline, found);
    resolve(*pipeline, read && yaml_sound, found);
    mark_unsound(*pipeline, yaml_sound, read);
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
