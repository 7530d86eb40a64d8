// From the checked file to a plan: names are bound to slots, expressions compiled, aggregates made, and rows given their
// way. All mistakes are collected with their places.
#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "operators/plan/aggregate_calls.h"
#include "operators/plan/plan.h"

namespace tidemark {
namespace {

using expr::Ast;
using expr::Problem;

bool can_be_field(const Type& type) {
  switch (type.kind) {
    case TypeKind::kBool:
    case TypeKind::kInt:
    case TypeKind::kUint:
    case TypeKind::kDouble:
    case TypeKind::kString:
    case TypeKind::kBytes:
    case TypeKind::kTimestamp:
    case TypeKind::kDuration: return true;
    case TypeKind::kNull:
    case TypeKind::kList:
    case TypeKind::kMap:
    case TypeKind::kDyn: return false;
  }
  __builtin_unreachable();
}

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

bool is_aggregate(std::string_view name) {
  return find_aggregate_function(name) != nullptr;
}

std::string window_text(const WindowSpec& spec) {
  const bool tumbling = std::holds_alternative<TumblingSpec>(spec.kind);
  return fmt::format("{} size={} step={} offset={}", tumbling ? "tumbling" : "sliding", format_duration(spec.size()),
                     format_duration(spec.step()), format_duration(spec.offset()));
}

// Fields that a scope lacks because of errors that were reported: what stumbles over their absence may be right.
struct Missing {
  bool any = false;  // it cannot be told which
  std::set<std::string> names;
  bool has(const std::string& name) const { return any || names.contains(name); }
};

class Planner {
 public:
  Planner(const PipelineSpec& spec, Diagnostics& diagnostics) : spec_(spec), diagnostics_(diagnostics) {}

  std::optional<Plan> run() {
    plan_source();
    for (size_t i = 0; i < spec_.steps.size(); ++i) plan_step(i);
    for (const SinkSpec& sink : spec_.sinks) plan_sink(sink);
    finish();
    diagnostics_.sort();
    if (!spec_.sound || diagnostics_.has_errors()) return std::nullopt;
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
    else missing = missing_in_source(input);
    missing.any |= !sound;
    return missing;
  }
  Missing missing_in_source(const InputRef& input) const {
    Missing missing{input.index > 0 || !spec_.sources[0].schema_sound, {}};
    for (const SchemaFieldSpec& field : spec_.sources[0].schema) {
      if (!field.sound) missing.names.insert(field.name.value);
    }
    return missing;
  }
  bool is_behind(const InputRef& input) const {
    if (input.kind != InputRef::Kind::kStep) return false;
    const PlannedStep& step = plan_.steps[input.index];
    return step.behind_window || step.window() != nullptr;
  }

  void plan_source();
  void plan_step(size_t index);
  void plan_filter(const StepSpec& spec, const FilterSpec& filter, PlannedStep& step);
  void plan_map(const std::vector<NamedExpression>& fields, bool keep_others, const StepSpec& spec, PlannedStep& step);
  std::unique_ptr<const expr::Program> plan_field(const NamedExpression& field, const Scope& input, bool behind);
  void plan_window(const StepSpec& spec, const WindowSpec& window, PlannedStep& step);
  void plan_keys(const WindowSpec& spec, const Scope& input, PlannedWindow& window, PlannedStep& step, StepSignature& signature);
  void plan_results(const WindowSpec& spec, const Scope& input, PlannedWindow& window, PlannedStep& step, StepSignature& signature);
  Missing missing_keys(const WindowSpec& spec, const Scope& output) const;
  // An aggregate's place among the window's, and whether its result can be null in a window that has rows.
  struct PlannedCall {
    uint32_t place = 0;
    bool nullable = false;
  };
  struct InputType {
    Type type;
    bool nullable = false;
  };
  std::optional<PlannedCall> plan_call(const expr::AggregateCall& call, const SourceText& text, const Scope& input,
                                    PlannedWindow& window, StepSignature& signature);
  std::optional<uint32_t> plan_input(const Ast& ast, const SourceText& text, const Scope& input, PlannedWindow& window,
                                     std::optional<uint32_t> condition, InputType& type, bool must_be_bool);
  void plan_sink(const SinkSpec& spec);
  void plan_kafka_sink(const SinkSpec& spec, const KafkaSinkSpec& kafka, PlannedSink& sink);
  void finish();
  bool partitioned_by_covers(const WindowSpec& spec, const Scope& input) const;

  std::optional<Ast> parse(const SourceText& text);
  std::optional<Ast> parse_without_aggregates(const SourceText& text);
  void warn_of_null(const SourceText& text, bool behind);
  void no_field(const Located<std::string>& name, const Scope& scope, const Missing& missing, std::string_view purpose);
  std::unique_ptr<const expr::Program> compile(const Ast& ast, const SourceText& text, const Scope& scope, bool behind);
  void report(const SourceText& text, const std::vector<Problem>& problems, bool as_warning = false);
  uint32_t new_slot(bool behind) { return behind ? result_slots_++ : plan_.source.slots++; }
  void use(uint32_t slot) { used_.insert(slot); }

  const PipelineSpec& spec_;
  Diagnostics& diagnostics_;
  Plan plan_;
  Scope source_scope_;
  std::set<uint32_t> used_;     // slots of source batches that something reads
  uint32_t result_slots_ = 0;
  bool fallible_ = false;       // some expression before a window can fail
  Duration longest_window_;
  bool all_partitioned_ = true;
  std::vector<Missing> missing_;  // by step, in its output; while it is planned, in what its expressions see
};

void Planner::report(const SourceText& text, const std::vector<Problem>& problems, bool as_warning) {
  for (const Problem& p : problems) {
    const Location where = locate(text, p.offset);
    as_warning ? diagnostics_.warn(where, p.message, p.hint) : diagnostics_.error(where, p.message, p.hint);
  }
}

std::optional<Ast> Planner::parse(const SourceText& text) {
  if (text.where.line == 0) return std::nullopt;  // refused before it was read
  auto ast = expr::parse(text.value);
  if (ast) return std::move(*ast);
  report(text, ast.error());
  return std::nullopt;
}

void Planner::no_field(const Located<std::string>& name, const Scope& scope, const Missing& missing,
                       std::string_view purpose) {
  if (missing.has(name.value)) return;
  std::vector<std::string_view> names;
  for (const Field& f : scope.fields) names.push_back(f.name);
  const std::string_view near = nearest_word(name.value, names);
  diagnostics_.error(name.where, fmt::format("there is no field '{}' {}", name.value, purpose),
                     near.empty() ? "" : fmt::format("did you mean '{}'?", near));
}

// Of a step that looks at one row at a time.
std::optional<Ast> Planner::parse_without_aggregates(const SourceText& text) {
  auto ast = parse(text);
  const auto split = ast ? expr::split_aggregates(*ast, "", is_aggregate) : expr::SplitAggregates{};
  if (!split || split->calls.empty()) return ast;
  for (const expr::AggregateCall& call : split->calls) {
    diagnostics_.error(locate(text, call.offset),
                       fmt::format("`{}` is an aggregate, and this step sees one row at a time", call.name),
                       "write it in a window's `aggregates`; steps behind the window see it as a field");
  }
  return std::nullopt;
}

void Planner::warn_of_null(const SourceText& text, bool behind) {
  const std::string_view effect = behind ? "drops the row" : "sends the record to dead_letter";
  diagnostics_.warn(text.where, fmt::format("this condition may be null, which {}", effect),
                    "write `coalesce(..., false)` around it");
}

std::unique_ptr<const expr::Program> Planner::compile(const Ast& ast, const SourceText& text, const Scope& scope, bool behind) {
  const auto lost = [&](const std::string& name) { return !scope.find(name) && missing_.back().has(name); };
  if (std::ranges::any_of(expr::fields_of(ast), lost)) return nullptr;
  auto compiled = expr::compile(ast, scope);
  if (!compiled) return report(text, compiled.error()), nullptr;
  report(text, compiled->warnings, true);
  if (!behind) {
    for (const std::string& name : expr::fields_of(ast)) {
      if (const Field* field = scope.find(name)) use(field->slot);
    }
    fallible_ |= compiled->program->fallible();
  }
  return std::move(compiled->program);
}

void Planner::plan_source() {
  const SourceSpec& spec = spec_.sources[0];
  const KafkaSourceSpec& kafka = spec.kafka();
  PlannedSource& source = plan_.source;
  source.name = spec.name.value;
  source.brokers = kafka.brokers.value;
  source.group = kafka.group.value;
  for (const auto& topic : kafka.topics) source.topics.push_back(topic.value);
  if (kafka.topic_pattern) source.topic_pattern = kafka.topic_pattern->value;
  source.start = kafka.start;
  source.properties = pairs_of(kafka.properties);
  source.format = std::holds_alternative<RawFormatSpec>(spec.format.kind) ? "raw" : "json";
  source.event_time = spec.event_time;
  source.skip_tombstones = spec.tombstones == Tombstones::kSkip;
  source.max_record = spec.max_record;
  for (const SchemaFieldSpec& field : spec.schema) {
    if (!field.sound) continue;
    const uint32_t slot = source.slots++;
    source_scope_.fields.push_back({field.name.value, field.type, field.nullable, slot});
    if (spec.event_time.field && spec.event_time.field->value == field.name.value) {
      source.decode.event_time = source.decode.fields.size();
    }
    source.decode.fields.push_back({field.name.value, field.type, field.nullable, field.path, unit_of(field.timestamp_form), slot});
  }
}

void Planner::plan_step(size_t index) {
  const StepSpec& spec = spec_.steps[index];
  PlannedStep& step = plan_.steps.emplace_back();
  step.name = spec.name.value;
  step.behind_window = is_behind(spec.input);
  missing_.push_back(missing_in(spec.input, spec.sound));
  if (const auto* filter = std::get_if<FilterSpec>(&spec.what)) plan_filter(spec, *filter, step);
  if (const auto* map = std::get_if<MapSpec>(&spec.what)) plan_map(map->fields, true, spec, step);
  if (const auto* select = std::get_if<SelectSpec>(&spec.what)) plan_map(select->fields, false, spec, step);
  if (const auto* window = std::get_if<WindowSpec>(&spec.what)) plan_window(spec, *window, step);
  auto& takers = spec.input.kind == InputRef::Kind::kStep ? plan_.steps[spec.input.index].next_steps : plan_.source.next_steps;
  takers.push_back(index);
}

void Planner::plan_filter(const StepSpec& spec, const FilterSpec& filter, PlannedStep& step) {
  step.output = scope_of(spec.input);
  if (!spec.sound && filter.condition.where.line == 0) step.output.fields.clear();  // it may be no filter at all
  PlannedFilter planned;
  if (const auto ast = parse_without_aggregates(filter.condition)) {
    planned.condition = compile(*ast, filter.condition, step.output, step.behind_window);
    if (planned.condition && planned.condition->type().kind != TypeKind::kBool) {
      diagnostics_.error(filter.condition.where, "a filter needs a condition, this is of type " + to_string(planned.condition->type()),
                         "compare it with something, as in `x > 0`");
    }
    if (planned.condition && planned.condition->type().kind == TypeKind::kBool && planned.condition->nullable()) {
      warn_of_null(filter.condition, step.behind_window);
      fallible_ = true;
    }
  }
  step.what = std::move(planned);
}

std::unique_ptr<const expr::Program> Planner::plan_field(const NamedExpression& field, const Scope& input, bool behind) {
  const auto ast = parse_without_aggregates(field.expression);
  auto program = ast ? compile(*ast, field.expression, input, behind) : nullptr;
  if (!program || can_be_field(program->type())) return program;
  diagnostics_.error(field.expression.where, fmt::format("a field cannot be of type {}", to_string(program->type())));
  return nullptr;
}

void Planner::plan_map(const std::vector<NamedExpression>& fields, bool keep_others, const StepSpec& spec, PlannedStep& step) {
  const Scope input = scope_of(spec.input);
  if (keep_others) step.output = input;
  if (fields.empty()) step.output.fields.clear();  // refused before it was read: any field may be another
  PlannedMap planned;
  Missing missing;
  if (keep_others || !spec.sound) missing = missing_.back();
  for (const NamedExpression& field : fields) {
    auto program = plan_field(field, input, step.behind_window);
    if (!program) {
      missing.names.insert(field.name.value);
      std::erase_if(step.output.fields, [&](const Field& old) { return old.name == field.name.value; });
      continue;
    }
    Field out{field.name.value, program->type(), program->nullable() || (step.behind_window && program->fallible()), 0};
    if (const auto slot = program->field_slot()) {
      out.slot = *slot;
    } else {
      out.slot = new_slot(step.behind_window);
      planned.fields.push_back({out.name, out.slot, std::move(program), std::nullopt});
    }
    const auto old = std::ranges::find(step.output.fields, out.name, &Field::name);
    if (old != step.output.fields.end()) {
      *old = std::move(out);
    } else {
      step.output.fields.push_back(std::move(out));
    }
  }
  missing_.back() = std::move(missing);
  step.what = std::move(planned);
}

void Planner::plan_window(const StepSpec& spec, const WindowSpec& window_spec, PlannedStep& step) {
  PlannedWindow planned;
  if (step.behind_window) {
    diagnostics_.error(spec.where, "a window over a window is not supported yet", "aggregate in one window step");
  }
  if (!plan_.windows.empty()) {
    diagnostics_.error(spec.where, "several windows in one pipeline are not supported yet", "write a second pipeline file; `run` takes several");
  }
  const Scope input = scope_of(spec.input);
  planned.window.step_name = step.name;
  planned.window.ordinal = plan_.windows.size();
  planned.window.shape = {window_spec.size(), window_spec.step(), window_spec.offset()};
  planned.window.allowed_lateness = window_spec.allowed_lateness.value;
  longest_window_ = std::max(longest_window_, window_spec.size());
  all_partitioned_ = all_partitioned_ && partitioned_by_covers(window_spec, input);
  StepSignature signature{step.name, "window", {}, window_text(window_spec), {}};
  plan_keys(window_spec, input, planned, step, signature);
  plan_results(window_spec, input, planned, step, signature);
  plan_.windows.push_back(plan_.steps.size() - 1);
  plan_.signatures.push_back(std::move(signature));
  step.what = std::move(planned);
}

void Planner::plan_keys(const WindowSpec& spec, const Scope& input, PlannedWindow& window, PlannedStep& step,
                        StepSignature& signature) {
  for (const auto& name : spec.by) {
    const Field* field = input.find(name.value);
    if (!field) {
      no_field(name, input, missing_.back(), "to group by");
      continue;
    }
    use(field->slot);
    window.key_slots.push_back(field->slot);
    window.window.key_types.push_back(field->type);
    signature.key.push_back({field->name, to_string(field->type)});
    step.output.fields.push_back({field->name, field->type, field->nullable, result_slots_++});
  }
  step.output.fields.push_back({"window_start", TypeKind::kTimestamp, false, result_slots_++});
  step.output.fields.push_back({"window_end", TypeKind::kTimestamp, false, result_slots_++});
  window.result_types = window.window.key_types;
  window.result_types.insert(window.result_types.end(), 2, TypeKind::kTimestamp);
}

void Planner::plan_results(const WindowSpec& spec, const Scope& input, PlannedWindow& window, PlannedStep& step,
                           StepSignature& signature) {
  Scope raw = step.output;  // what the expressions over aggregates see: keys, the window's times, and the calls
  for (const AggregateFunction& f : aggregate_functions()) raw.aggregates.push_back(f.name);
  std::map<std::string, PlannedCall> known;  // by the call's text
  struct Entry {
    const NamedExpression* field;
    Ast rest;
  };
  std::vector<Entry> entries;
  for (size_t i = 0; i < spec.aggregates.size(); ++i) {
    const NamedExpression& field = spec.aggregates[i];
    const auto ast = parse(field.expression);
    if (!ast) continue;
    const std::string prefix = fmt::format("aggregate {}.", i);
    auto split = expr::split_aggregates(*ast, prefix, is_aggregate);
    if (!split) {
      report(field.expression, split.error());
      continue;
    }
    if (const auto foreign = foreign_aggregate_in(split->rest)) {
      report(field.expression, {*foreign});
      continue;
    }
    bool ok = true;
    for (size_t k = 0; k < split->calls.size() && ok; ++k) {
      auto place = known.find(split->calls[k].text);
      if (place == known.end()) {
        const auto made = plan_call(split->calls[k], field.expression, input, window, signature);
        if (!made) {
          ok = false;
          break;
        }
        place = known.emplace(split->calls[k].text, *made).first;
      }
      const Aggregate& function = *window.window.aggregates[place->second.place].function;
      const auto slot = static_cast<uint32_t>(window.window.key_types.size() + 2 + place->second.place);
      raw.fields.push_back({prefix + std::to_string(k), function.result_type(), place->second.nullable, slot});
    }
    if (ok) entries.push_back({&field, std::move(split->rest)});
  }
  for (const PlannedAggregate& a : window.window.aggregates) window.result_types.push_back(a.function->result_type());
  result_slots_ = static_cast<uint32_t>(window.result_types.size());
  missing_.back() = missing_keys(spec, raw);
  for (Entry& entry : entries) {
    auto program = compile(entry.rest, entry.field->expression, raw, true);
    if (!program) continue;
    if (!can_be_field(program->type()) && program->type().kind != TypeKind::kList) {
      diagnostics_.error(entry.field->expression.where, fmt::format("a result cannot be of type {}", to_string(program->type())));
      continue;
    }
    Field out{entry.field->name.value, program->type(), program->nullable() || program->fallible(), 0};
    if (const auto slot = program->field_slot()) {
      out.slot = *slot;
    } else {
      out.slot = result_slots_++;
      window.results.push_back({out.name, out.slot, std::move(program), std::nullopt});
    }
    step.output.fields.push_back(std::move(out));
  }
  for (const NamedExpression& field : spec.aggregates) {
    if (!step.output.find(field.name.value)) missing_.back().names.insert(field.name.value);
  }
}

// Behind a window nothing of its input is left but the keys.
Missing Planner::missing_keys(const WindowSpec& spec, const Scope& output) const {
  Missing missing{!spec.sound, {}};
  for (const auto& name : spec.by) {
    if (!output.find(name.value)) missing.names.insert(name.value);
  }
  return missing;
}

// Plans the aggregate behind one call.
std::optional<Planner::PlannedCall> Planner::plan_call(const expr::AggregateCall& call, const SourceText& text,
                                                       const Scope& input, PlannedWindow& window, StepSignature& signature) {
  const AggregateFunction& function = *find_aggregate_function(call.name);
  const auto parameters = read_parameters(call, function);
  if (!parameters) {
    report(text, {parameters.error()});
    return std::nullopt;
  }
  PlannedAggregate planned;
  InputType condition_type;
  if (call.where) {
    planned.where_slot = plan_input(*call.where, text, input, window, std::nullopt, condition_type, true);
    if (!planned.where_slot) return std::nullopt;
  }
  std::vector<Type> types;
  bool over_nothing = call.where.has_value();  // no value may be left to it
  for (size_t i = 0; i < column_count(call, function); ++i) {
    InputType type;
    auto& slot = i == 0 ? planned.arg_slot : planned.by_slot;
    slot = plan_input(call.args[i], text, input, window, planned.where_slot, type, false);
    if (!slot) return std::nullopt;
    over_nothing |= type.nullable;
    types.push_back(std::move(type.type));
  }
  auto made = function.make({types, *parameters, *plan_.topics});
  if (!made) {
    diagnostics_.error(locate(text, call.offset), made.error().message);
    return std::nullopt;
  }
  planned.function = std::move(*made);
  planned.state_offset = window.window.state_size;
  window.window.state_size += planned.function->state_size();
  std::string type_text = to_string(planned.function->result_type());
  if (!types.empty()) type_text = " -> " + type_text;
  for (size_t i = types.size(); i-- > 0;) type_text = (i > 0 ? ", " : "") + to_string(types[i]) + type_text;
  signature.aggregates.push_back({call.text, call.text, std::move(type_text)});
  const Aggregate& made_one = *planned.function;
  const bool nullable = made_one.can_overflow() || (made_one.result_nullable() && over_nothing);
  window.window.aggregates.push_back(std::move(planned));
  return PlannedCall{static_cast<uint32_t>(window.window.aggregates.size() - 1), nullable};
}

// An aggregate's argument or condition: worked out before the exchange, into a slot of its own unless it is a field.
std::optional<uint32_t> Planner::plan_input(const Ast& ast, const SourceText& text, const Scope& input, PlannedWindow& window,
                                            std::optional<uint32_t> condition, InputType& type, bool must_be_bool) {
  auto program = compile(ast, text, input, false);
  if (!program) return std::nullopt;
  type = {program->type(), program->nullable()};
  if (must_be_bool && type.type.kind != TypeKind::kBool) {
    diagnostics_.error(text.where, "`.where` needs a condition, this is of type " + to_string(type.type));
    return std::nullopt;
  }
  if (must_be_bool && program->nullable()) {
    warn_of_null(text, false);
    fallible_ = true;
  }
  // A condition gets a column of its own even when it is a field, since a null in it refuses the row.
  if (const auto slot = program->field_slot(); slot && !must_be_bool) return slot;
  const uint32_t slot = new_slot(false);
  window.inputs.push_back({ast.text, slot, std::move(program), condition});
  return slot;
}

bool Planner::partitioned_by_covers(const WindowSpec& spec, const Scope& input) const {
  const auto& promised = spec_.sources[0].kafka().partitioned_by;
  if (promised.empty()) return false;
  return std::ranges::all_of(promised, [&](const Located<std::string>& name) {
    const Field* original = source_scope_.find(name.value);
    return original && std::ranges::any_of(spec.by, [&](const Located<std::string>& by) {
      const Field* field = input.find(by.value);
      return field && field->slot == original->slot;
    });
  });
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
  sink.behind_window = is_behind(spec.input);
  const Scope& scope = scope_of(spec.input);
  const auto timestamps = spec.format.json().timestamps == TimestampsOut::kMillis ? TimestampFormat::kMillis : TimestampFormat::kRfc3339;
  std::vector<OutputField> fields;
  for (const Field& f : scope.fields) {
    fields.push_back({f.name, f.type, f.slot});
    if (!sink.behind_window && sink.kind != SinkKind::kDrop) use(f.slot);
  }
  sink.row.emplace(std::move(fields), timestamps);
  if (kafka) plan_kafka_sink(spec, *kafka, sink);
  auto& takers = spec.input.kind == InputRef::Kind::kStep ? plan_.steps[spec.input.index].next_sinks : plan_.source.next_sinks;
  takers.push_back(plan_.sinks.size() - 1);
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
        if (!sink.behind_window) use(field->slot);
        continue;
      }
      no_field(name, scope, missing, "for the key");
    }
    sink.key.emplace(std::move(fields), timestamps);
    return;
  }
  if (!sink.behind_window) {
    plan_.source.keep_keys = true;
    return;
  }
  const PlannedWindow& window = *plan_.steps[plan_.windows[0]].window();
  const Scope& window_scope = plan_.steps[plan_.windows[0]].output;
  for (size_t i = 0; i < window.window.key_types.size(); ++i) {
    fields.push_back({window_scope.fields[i].name, window.window.key_types[i], static_cast<uint32_t>(i)});
  }
  sink.key.emplace(std::move(fields), timestamps);
}

void Planner::finish() {
  plan_.name = spec_.name.value;
  plan_.file = spec_.file;
  plan_.lanes = static_cast<uint32_t>(spec_.lanes.value);
  plan_.checkpoint_every = spec_.checkpoint.every.value;
  plan_.transaction_timeout = spec_.transaction_timeout();
  plan_.result_slots = result_slots_;
  plan_.partitioned_by = !plan_.windows.empty() && all_partitioned_;
  plan_.lane_choice = plan_.windows.empty() || all_partitioned_ ? Lanes::kByPartition : Lanes::kByKey;
  const auto& drift = spec_.sources[0].event_time.max_drift;
  plan_.max_drift = drift ? drift->value : std::max(longest_window_, Duration::minutes(1));
  const bool dead_letters = plan_.has_sink(SinkInput::kDeadLetter);
  const bool row_sink_before_window = std::ranges::any_of(
      plan_.sinks, [](const PlannedSink& s) { return s.input == SinkInput::kRows && s.kind == SinkKind::kKafka && !s.behind_window; });
  plan_.source.keep_raw = (dead_letters && (fallible_ || row_sink_before_window)) ||
                          (plan_.has_sink(SinkInput::kLate) && !plan_.windows.empty());
  for (DeclaredField& field : plan_.source.decode.fields) {
    if (!used_.contains(*field.slot)) field.slot.reset();
  }
}

}  // namespace

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
