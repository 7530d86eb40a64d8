// From the checked file to a plan: each step and sink is given its input and its fields, and rows their way. All mistakes
// are collected with their places. What expressions and windows come to is found elsewhere.
#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "config/kafka_properties.h"
#include "operators/expr/ast.h"
#include "operators/plan/binder.h"
#include "operators/plan/cost_warnings.h"
#include "operators/plan/plan.h"
#include "operators/plan/window_planner.h"

namespace tidemark {
namespace {

TimestampUnit unit_of(TimestampForm form) {
  switch (form) {
    case TimestampForm::kSeconds: return TimestampUnit::kSeconds;
    case TimestampForm::kMillis: return TimestampUnit::kMillis;
    case TimestampForm::kMicros: return TimestampUnit::kMicros;
    case TimestampForm::kIso: return TimestampUnit::kIso;
  }
  __builtin_unreachable();
}

std::vector<std::pair<std::string, std::string>> pairs_of(const std::vector<Property>& properties) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const Property& p : properties) pairs.emplace_back(p.name.value, p.value.value);
  return pairs;
}

// Whether a condition holds for final rows alone, as far as `&&` tells.
bool only_finals(const expr::Node& condition) {
  if (condition.kind == expr::NodeKind::kIdent) return condition.name == "is_final";
  const bool both = condition.kind == expr::NodeKind::kOperator && condition.name == "&&";
  return both && std::ranges::any_of(condition.children, [](const auto& child) { return only_finals(*child); });
}

// `withdrawn`, `revision` and `is_final` come last in every row that has them.
void move_revision_last(Scope& scope) {
  const auto is_other = [](const Field& field) { return field.name != "withdrawn" && field.name != "revision" && field.name != "is_final"; };
  std::ranges::stable_partition(scope.fields, is_other);
}

class Planner {
 public:
  Planner(const PipelineSpec& spec, Diagnostics& diagnostics) : spec_(spec), diagnostics_(diagnostics), binder_(diagnostics) {}

  std::optional<Plan> run() {
    for (const SourceSpec& source : spec_.sources) plan_source(source);
    plan_consumer();
    for (size_t i = 0; i < spec_.steps.size(); ++i) plan_step(i);
    for (const SinkSpec& sink : spec_.sinks) plan_sink(sink);
    finish();
    const bool sound = spec_.sound && !diagnostics_.has_errors();
    if (sound) warn_of_costs(spec_, plan_, diagnostics_);
    diagnostics_.sort();
    if (!sound) return std::nullopt;
    return std::move(plan_);
  }

 private:
  // What a step or sink can take rows from: the source, or a step's output.
  const Scope& scope_of(const InputRef& input) const {
    return input.kind == InputRef::Kind::kStep ? plan_.steps[input.index].output : source_scope_;
  }
  Missing missing_in(const InputRef& input, bool sound) const {
    Missing missing;
    if (input.kind == InputRef::Kind::kStep) missing = missing_[input.index];
    else missing = missing_in_sources();
    missing.any |= !sound;
    return missing;
  }
  // They have one schema, whichever is asked for.
  Missing missing_in_sources() const {
    Missing missing;
    for (const SourceSpec& source : spec_.sources) {
      missing.any |= !source.schema_sound;
      for (const SchemaFieldSpec& field : source.schema) {
        if (!field.sound || !source_scope_.find(field.name.value)) missing.names.insert(field.name.value);
      }
    }
    return missing;
  }
  bool is_revised(const InputRef& input) const {
    return input.kind == InputRef::Kind::kStep && plan_.steps[input.index].revised;
  }
  // The window whose result rows they are.
  std::optional<size_t> window_before(const InputRef& input) const {
    if (input.kind != InputRef::Kind::kStep) return std::nullopt;
    const PlannedStep& step = plan_.steps[input.index];
    return step.window() ? step.window()->window.ordinal : step.behind_window;
  }

  void plan_source(const SourceSpec& spec);
  void plan_format(const SourceFormatSpec& format, PlannedSource& source);
  void plan_consumer();
  void finish_sources();
  // What takes rows of `input`: steps, or sinks.
  void add_taker(const InputRef& input, std::vector<size_t> PlannedSource::*of_source, std::vector<size_t> PlannedStep::*of_step,
                 size_t taker);
  void plan_step(size_t index);
  void plan_filter(const StepSpec& spec, const FilterSpec& filter, PlannedStep& step);
  void plan_map(const std::vector<NamedExpression>& fields, bool keep_others, const StepSpec& spec, PlannedStep& step);
  void warn_of_revisions(const SourceText& condition);
  std::unique_ptr<const expr::Program> plan_field(const NamedExpression& field, const Sight& input);
  void plan_dedupe(const StepSpec& spec, const DedupeSpec& dedupe, PlannedStep& step);
  void plan_window_step(const StepSpec& spec, const WindowSpec& window, PlannedStep& step);
  void plan_sink(const SinkSpec& spec);
  void plan_kafka_sink(const SinkSpec& spec, const KafkaSinkSpec& kafka, PlannedSink& sink);
  void finish();
  std::optional<uint32_t> source_slot(std::optional<size_t> behind_window, uint32_t slot) const;
  bool partitioned_by_covers(const std::vector<uint32_t>& key_slots, std::optional<size_t> behind_window) const;
  bool needs_exchange(const PlannedWindow& window, std::optional<size_t> behind_window) const;
  void plan_levels();

  const PipelineSpec& spec_;
  Diagnostics& diagnostics_;
  Binder binder_;
  Plan plan_;
  Scope source_scope_;
  Duration longest_span_;
  bool all_partitioned_ = true;
  bool all_promise_ = true;  // the same in `partitioned_by`
  bool keeps_keys_ = false;  // of records, for a sink
  std::vector<Missing> missing_;  // by step, in its output; while it is planned, in what its expressions see
};

void Planner::plan_format(const SourceFormatSpec& format, PlannedSource& source) {
  source.format = std::holds_alternative<RawFormatSpec>(format.kind) ? "raw" : "json";
  const auto* const csv = std::get_if<CsvFormatSpec>(&format.kind);
  if (csv == nullptr) return;
  source.format = "csv";
  source.csv = {csv->delimiter, csv->quote, {}, csv->null_text, csv->trim};
  for (const auto& column : csv->columns) source.csv.columns.push_back(column.value);
}

// Fields of one name have one slot in all sources; what only one of them has was reported.
void Planner::plan_source(const SourceSpec& spec) {
  const bool first = plan_.sources.empty();
  const KafkaSourceSpec& kafka = spec.kafka();
  PlannedSource& source = plan_.sources.emplace_back();
  source.name = spec.name.value;
  for (const auto& topic : kafka.topics) source.topics.push_back(topic.value);
  if (kafka.topic_pattern) source.topic_pattern = kafka.topic_pattern->value;
  source.start = kafka.start;
  plan_format(spec.format, source);
  source.event_time = spec.event_time;
  source.skip_tombstones = spec.tombstones == Tombstones::kSkip;
  source.max_record = spec.max_record;
  for (const SchemaFieldSpec& field : spec.schema) {
    if (!field.sound) continue;
    if (field.name.value == kRecordName) {
      diagnostics_.warn(field.name.where, "the field `kafka` hides what records have beside their value, such as `kafka.key`",
                        "to have both, give the field another name, as in `body: {type: string, path: kafka}`");
    }
    if (first) source_scope_.fields.push_back({field.name.value, field.type, field.nullable, binder_.new_slot(kSourceStage)});
    const Field* const known = source_scope_.find(field.name.value);
    if (!known) continue;
    if (spec.event_time.field && spec.event_time.field->value == field.name.value) {
      source.decode.event_time = source.decode.fields.size();
    }
    source.decode.fields.push_back({field.name.value, field.type, field.nullable, field.path, unit_of(field.timestamp_form), known->slot});
  }
}

void Planner::plan_consumer() {
  PlannedConsumer& consumer = plan_.consumer;
  const KafkaSourceSpec& kafka = spec_.sources[0].kafka();  // what they share
  consumer.brokers = kafka.brokers.value;
  consumer.group = kafka.group.value;
  consumer.properties = pairs_of(kafka.properties);
  consumer.native_fetch = kafka.fetch == Fetch::kNative && may_fetch_natively(consumer.properties);
  for (const PlannedSource& source : plan_.sources) {
    consumer.topics.insert(consumer.topics.end(), source.topics.begin(), source.topics.end());
    if (!source.topic_pattern.empty()) consumer.topic_pattern = source.topic_pattern;
  }
  const auto promise_of = [](const SourceSpec& source) {
    std::set<std::string_view> names;
    for (const auto& name : source.kafka().partitioned_by) names.insert(name.value);
    return names;
  };
  all_promise_ = std::ranges::all_of(spec_.sources, [&](const SourceSpec& s) { return promise_of(s) == promise_of(spec_.sources[0]); });
  const auto by_kafka = [](const SourceSpec& source) { return !source.event_time.field; };
  if (std::ranges::all_of(spec_.sources, by_kafka)) binder_.expect_timestamps();
}

void Planner::add_taker(const InputRef& input, std::vector<size_t> PlannedSource::*of_source,
                        std::vector<size_t> PlannedStep::*of_step, size_t taker) {
  auto& takers = input.kind == InputRef::Kind::kStep ? plan_.steps[input.index].*of_step : plan_.sources[input.index].*of_source;
  takers.push_back(taker);
}

void Planner::plan_step(size_t index) {
  const StepSpec& spec = spec_.steps[index];
  PlannedStep& step = plan_.steps.emplace_back();
  step.name = spec.name.value;
  step.behind_window = window_before(spec.input);
  step.revised = is_revised(spec.input);
  missing_.push_back(missing_in(spec.input, spec.sound));
  if (const auto* filter = std::get_if<FilterSpec>(&spec.what)) plan_filter(spec, *filter, step);
  if (const auto* map = std::get_if<MapSpec>(&spec.what)) plan_map(map->fields, true, spec, step);
  if (const auto* select = std::get_if<SelectSpec>(&spec.what)) plan_map(select->fields, false, spec, step);
  if (const auto* dedupe = std::get_if<DedupeSpec>(&spec.what)) plan_dedupe(spec, *dedupe, step);
  if (const auto* window = std::get_if<WindowSpec>(&spec.what)) plan_window_step(spec, *window, step);
  const auto* all = std::get_if<UnionSpec>(&spec.what);
  if (!all) return add_taker(spec.input, &PlannedSource::next_steps, &PlannedStep::next_steps, index);
  step.output = source_scope_;
  step.what = PlannedUnion{};
  for (const size_t source : all->sources) plan_.sources[source].next_steps.push_back(index);
}

void Planner::plan_filter(const StepSpec& spec, const FilterSpec& filter, PlannedStep& step) {
  step.output = scope_of(spec.input);
  if (!spec.sound && filter.condition.where.line == 0) step.output.fields.clear();  // it may be no filter at all
  PlannedFilter planned;
  planned.text = filter.condition.value;
  if (const auto ast = binder_.parse_without_aggregates(filter.condition)) {
    if (step.revised && !only_finals(*ast->root)) warn_of_revisions(filter.condition);
    const Sight sight{step.output, missing_.back(), stage_behind(step.behind_window)};
    planned.condition = binder_.compile(*ast, filter.condition, sight);
    if (planned.condition && planned.condition->type().kind != TypeKind::kBool) {
      diagnostics_.error(filter.condition.where, "a filter needs a condition, this is of type " + to_string(planned.condition->type()),
                         "compare it with something, as in `x > 0`");
    }
    if (planned.condition && planned.condition->type().kind == TypeKind::kBool && planned.condition->nullable()) {
      binder_.warn_of_null(filter.condition, sight, "drops the row");
    }
  }
  step.what = std::move(planned);
}

// Behind a window that speaks again a filter may pass a row and then drop the one that takes its place.
void Planner::warn_of_revisions(const SourceText& condition) {
  diagnostics_.warn(condition.where,
                    "this filter sees revised rows: what it let pass is not taken back where a later revision fails it",
                    "let only final rows pass, as in `is_final && ...`, or filter where rows are read");
}

std::unique_ptr<const expr::Program> Planner::plan_field(const NamedExpression& field, const Sight& input) {
  const auto ast = binder_.parse_without_aggregates(field.expression);
  auto program = ast ? binder_.compile(*ast, field.expression, input) : nullptr;
  if (!program || can_be_field(program->type())) return program;
  const bool list = program->type().kind == TypeKind::kList;
  diagnostics_.error(field.expression.where, fmt::format("a field cannot be of type {}", to_string(program->type())),
                     list ? "its elements have to be of one type, and never null, as in `[coalesce(x, 0), y]`" : "");
  return nullptr;
}

void Planner::plan_map(const std::vector<NamedExpression>& fields, bool keep_others, const StepSpec& spec, PlannedStep& step) {
  const Scope input = scope_of(spec.input);
  if (keep_others) step.output = input;
  if (fields.empty()) step.output.fields.clear();  // refused before it was read: any field may be another
  PlannedMap planned;
  planned.keeps_others = keep_others;
  Missing missing;
  if (keep_others || !spec.sound) missing = missing_.back();
  for (const NamedExpression& field : fields) {
    auto program = plan_field(field, {input, missing_.back(), stage_behind(step.behind_window)});
    if (!program) {
      missing.names.insert(field.name.value);
      std::erase_if(step.output.fields, [&](const Field& old) { return old.name == field.name.value; });
      continue;
    }
    Field out{field.name.value, program->type(), program->nullable() || (step.behind_window && program->fallible()), 0};
    if (const auto slot = program->field_slot()) {
      out.slot = *slot;
    } else {
      out.slot = binder_.new_slot(stage_behind(step.behind_window));
      planned.fields.push_back({out.name, out.slot, std::move(program), std::nullopt});
    }
    const auto old = std::ranges::find(step.output.fields, out.name, &Field::name);
    if (old != step.output.fields.end()) {
      *old = std::move(out);
    } else {
      step.output.fields.push_back(std::move(out));
    }
  }
  if (keep_others && step.revised) move_revision_last(step.output);
  missing_.back() = std::move(missing);
  step.what = std::move(planned);
}

void Planner::plan_dedupe(const StepSpec& spec, const DedupeSpec& dedupe, PlannedStep& step) {
  if (step.behind_window) {
    diagnostics_.error(spec.where, "a dedupe behind a window is refused: no two of its rows have one key, window and revision",
                       "let the dedupe stand before the window");
  }
  const Scope& input = scope_of(spec.input);
  PlannedDedupe planned;
  StepSignature signature{step.name, "dedupe", {}, "within=" + format_duration(dedupe.within.value), {}};
  for (const auto& name : dedupe.by) {
    const Field* const field = input.find(name.value);
    if (!field) {
      binder_.report_no_field(name, input, missing_.back(), "to tell repeats by");
      continue;
    }
    if (!binder_.may_be_key(name, *field)) continue;
    if (field->nullable) {
      diagnostics_.warn(name.where, fmt::format("`{}` may be null, and records without it count as repeats of each other", name.value),
                        "keep them out with a filter such as `has(" + name.value + ")`, or make the field required");
    }
    binder_.use(stage_behind(step.behind_window), field->slot);
    planned.keys.push_back(field->name);
    planned.key_slots.push_back(field->slot);
    signature.key.push_back({field->name, to_string(field->type)});
  }
  planned.dedupe = {.step_name = step.name, .ordinal = plan_.dedupes.size(), .within = dedupe.within.value};
  longest_span_ = std::max(longest_span_, dedupe.within.value);
  all_partitioned_ = all_partitioned_ && partitioned_by_covers(planned.key_slots, step.behind_window);
  plan_.dedupes.push_back(plan_.steps.size() - 1);
  plan_.signatures.push_back(std::move(signature));
  step.output = input;
  step.what = std::move(planned);
}

void Planner::plan_window_step(const StepSpec& spec, const WindowSpec& window, PlannedStep& step) {
  if (step.revised) {
    diagnostics_.error(spec.where, "a window over a step that may speak of the same more than once is refused",
                       "let the window before it speak once: `emit: on_close`, without `allowed_lateness`");
  }
  const Sight sight{scope_of(spec.input), missing_.back(), stage_behind(step.behind_window)};
  auto outcome = plan_window(step.name, plan_.windows.size(), window, sight, binder_, *plan_.topics, diagnostics_);
  const WindowPlan& planned = outcome.planned.window;
  const Duration span = std::visit([](const auto& shape) { return span_of(shape); }, planned.shape);
  longest_span_ = std::max(longest_span_, span);
  all_partitioned_ = all_partitioned_ && partitioned_by_covers(outcome.planned.key_slots, step.behind_window);
  // What it holds are results of that one.
  if (step.behind_window) outcome.signature.window += " over=" + plan_.window_step(*step.behind_window).name;
  plan_.windows.push_back(plan_.steps.size() - 1);
  plan_.signatures.push_back(std::move(outcome.signature));
  missing_.back() = std::move(outcome.missing);
  step.output = std::move(outcome.output);
  step.revised = outcome.planned.window.revises();
  step.what = std::move(outcome.planned);
}

// Of a column behind a window: that of the source whose values it has, unchanged. The keys of a window come first among
// the columns of its results.
std::optional<uint32_t> Planner::source_slot(std::optional<size_t> behind_window, uint32_t slot) const {
  while (behind_window) {
    const PlannedStep& step = plan_.window_step(*behind_window);
    const std::vector<uint32_t>& keys = step.window()->key_slots;
    if (slot >= keys.size()) return std::nullopt;
    slot = keys[slot];
    behind_window = step.behind_window;
  }
  return slot;
}

bool Planner::partitioned_by_covers(const std::vector<uint32_t>& key_slots,
                                    std::optional<size_t> behind_window) const {
  const auto& promised = spec_.sources[0].kafka().partitioned_by;
  if (promised.empty() || !all_promise_) return false;
  return std::ranges::all_of(promised, [&](const Located<std::string>& name) {
    const Field* original = source_scope_.find(name.value);
    return original && std::ranges::any_of(key_slots, [&](uint32_t slot) {
      return source_slot(behind_window, slot) == original->slot;
    });
  });
}

// Over a window: whether rows of one key may come from several keys of that one, and so from several of its lanes.
bool Planner::needs_exchange(const PlannedWindow& window, std::optional<size_t> behind_window) const {
  if (!behind_window || plan_.lane_choice == Lanes::kByPartition) return false;
  for (uint32_t key = 0; key < plan_.window(*behind_window).key_slots.size(); ++key) {
    if (std::ranges::find(window.key_slots, key) == window.key_slots.end()) return true;
  }
  return false;
}

// Those before a window come before it.
void Planner::plan_levels() {
  for (const size_t at : plan_.windows) {
    PlannedStep& step = plan_.steps[at];
    auto& window = std::get<PlannedWindow>(step.what);
    window.result_slots = binder_.slots(stage_behind(window.window.ordinal));
    window.exchanged = needs_exchange(window, step.behind_window);
    if (!step.behind_window) continue;
    auto& before = std::get<PlannedWindow>(plan_.steps[plan_.windows[*step.behind_window]].what);
    before.window.feeds_window = true;
    window.level = before.level + (window.exchanged ? 1 : 0);
    plan_.levels = std::max(plan_.levels, window.level + 1);
  }
}

void Planner::plan_sink(const SinkSpec& spec) {
  PlannedSink& sink = plan_.sinks.emplace_back();
  sink.name = spec.name.value;
  sink.delivery = spec.delivery;
  if (spec.input.kind == InputRef::Kind::kLate) sink.input = SinkInput::kLate;
  if (spec.input.kind == InputRef::Kind::kDeadLetter) sink.input = SinkInput::kDeadLetter;
  const auto* kafka = std::get_if<KafkaSinkSpec>(&spec.what);
  sink.kind = kafka ? SinkKind::kKafka : std::holds_alternative<StdoutSinkSpec>(spec.what) ? SinkKind::kStdout : SinkKind::kDrop;
  if (kafka) {
    sink.topic = kafka->topic.value;
    sink.brokers = kafka->brokers.value;
    sink.properties = pairs_of(kafka->properties);
  }
  if (sink.input != SinkInput::kRows) return;
  sink.behind_window = window_before(spec.input);
  const Scope& scope = scope_of(spec.input);
  const auto timestamps = spec.format.json().timestamps == TimestampsOut::kMillis ? TimestampFormat::kMillis : TimestampFormat::kRfc3339;
  std::vector<OutputField> fields;
  for (const Field& f : scope.fields) {
    fields.push_back({f.name, f.type, f.slot});
    if (sink.kind != SinkKind::kDrop) binder_.use(stage_behind(sink.behind_window), f.slot);
  }
  sink.row.emplace(std::move(fields), timestamps);
  if (kafka) plan_kafka_sink(spec, *kafka, sink);
  add_taker(spec.input, &PlannedSource::next_sinks, &PlannedStep::next_sinks, plan_.sinks.size() - 1);
}

void Planner::plan_kafka_sink(const SinkSpec& spec, const KafkaSinkSpec& kafka, PlannedSink& sink) {
  const Scope& scope = scope_of(spec.input);
  const auto timestamps = spec.format.json().timestamps == TimestampsOut::kMillis ? TimestampFormat::kMillis : TimestampFormat::kRfc3339;
  std::vector<OutputField> fields;
  if (kafka.key) {
    const Missing missing = missing_in(spec.input, spec.sound);
    for (const auto& name : *kafka.key) {
      if (const Field* field = scope.find(name.value)) {
        fields.push_back({field->name, field->type, field->slot});
        binder_.use(stage_behind(sink.behind_window), field->slot);
        continue;
      }
      binder_.report_no_field(name, scope, missing, "for the key");
    }
    sink.key.emplace(std::move(fields), timestamps);
    return;
  }
  if (!sink.behind_window) {
    keeps_keys_ = true;
    return;
  }
  const PlannedStep& step = plan_.window_step(*sink.behind_window);
  const std::vector<Type>& key_types = step.window()->window.key_types;
  for (size_t i = 0; i < key_types.size(); ++i) {
    fields.push_back({step.output.fields[i].name, key_types[i], static_cast<uint32_t>(i)});
  }
  sink.key.emplace(std::move(fields), timestamps);
}

void Planner::finish() {
  plan_.name = spec_.name.value;
  plan_.file = spec_.file;
  plan_.lanes = static_cast<uint32_t>(spec_.lanes.value);
  plan_.checkpoint_every = spec_.checkpoint.every.value;
  plan_.transaction_timeout = spec_.transaction_timeout();
  plan_.partitioned_by = plan_.keyed() && all_partitioned_;
  plan_.lane_choice = !plan_.keyed() || all_partitioned_ ? Lanes::kByPartition : Lanes::kByKey;
  plan_levels();
  finish_sources();
}

// Drift and idleness are of all partitions together: the least drift that is allowed anywhere, the longest rest.
void Planner::finish_sources() {
  std::optional<Duration> drift;
  plan_.close_after_idle = Duration{0};
  for (const PlannedSource& source : plan_.sources) {
    const auto& written = source.event_time.max_drift;
    if (written) drift = std::min(drift.value_or(written->value), written->value);
    const auto& rest = source.event_time.close_after_idle;
    if (!rest) plan_.close_after_idle.reset();
    if (plan_.close_after_idle) plan_.close_after_idle = std::max(*plan_.close_after_idle, *rest);
  }
  plan_.max_drift = drift.value_or(std::max(longest_span_, Duration::minutes(1)));
  const bool dead_letters = plan_.has_sink(SinkInput::kDeadLetter);
  const bool row_sink_before_window = std::ranges::any_of(
      plan_.sinks, [](const PlannedSink& s) { return s.input == SinkInput::kRows && s.kind == SinkKind::kKafka && !s.behind_window; });
  const auto reads_key = [](const RecordField& field) { return field.part == RecordPart::kKey; };
  for (PlannedSource& source : plan_.sources) {
    source.slots = binder_.slots(kSourceStage);
    source.record_fields = binder_.record_fields();
    source.keep_keys = keeps_keys_ || std::ranges::any_of(source.record_fields, reads_key);
    source.keep_raw = (dead_letters && (binder_.fallible() || row_sink_before_window)) ||
                      (plan_.has_sink(SinkInput::kLate) && plan_.keyed());
    for (DeclaredField& field : source.decode.fields) {
      if (!binder_.uses(*field.slot)) field.slot.reset();
    }
  }
}

}  // namespace

uint32_t Plan::source_of(std::string_view topic) const {
  uint32_t with_pattern = 0;
  for (uint32_t i = 0; i < sources.size(); ++i) {
    if (std::ranges::find(sources[i].topics, topic) != sources[i].topics.end()) return i;
    if (!sources[i].topic_pattern.empty()) with_pattern = i;
  }
  return with_pattern;
}

std::string Plan::source_names() const {
  std::string names;
  for (const PlannedSource& source : sources) names += (names.empty() ? "" : ", ") + source.name;
  return (sources.size() > 1 ? "sources " : "source ") + names;
}

bool Plan::transactional() const {
  return std::ranges::any_of(sinks, [](const PlannedSink& s) { return s.delivery == Delivery::kExactlyOnce; });
}

bool Plan::has_sink(SinkInput input) const {
  return std::ranges::any_of(sinks, [&](const PlannedSink& s) { return s.input == input; });
}

std::optional<Plan> make_plan(const PipelineSpec& spec, Diagnostics& diagnostics) {
  return Planner(spec, diagnostics).run();
}

}  // namespace tidemark
