// Arguments and conditions become inputs, equal calls share one aggregate, and what is left of an expression reads the
// results. States lie one behind the other, in the order in which their calls are met.
#include "operators/plan/window_planner.h"

#include <map>
#include <utility>

#include <fmt/format.h>

#include "operators/expr/ast.h"
#include "operators/expr/zones.h"
#include "operators/plan/aggregate_calls.h"
#include "operators/windows/state_block.h"

namespace tidemark {
namespace {

using expr::Ast;

// A shape as the plan has it, and as what state was kept for says it.
struct WrittenShape {
  WindowShape shape;
  std::string text;
};

WrittenShape shape_of(const TumblingSpec& spec, Duration offset) {
  const Duration size = spec.size.value;
  return {AlignedShape{size, size, offset}, fmt::format("tumbling size={0} step={0} offset={1}", format_duration(size),
                                                        format_duration(offset))};
}

WrittenShape shape_of(const SlidingSpec& spec, Duration offset) {
  return {AlignedShape{spec.size.value, spec.step.value, offset},
          fmt::format("sliding size={} step={} offset={}", format_duration(spec.size.value),
                      format_duration(spec.step.value), format_duration(offset))};
}

WrittenShape shape_of(const SessionSpec& spec, Duration) {
  const std::optional<Duration> max = spec.max ? std::optional(spec.max->value) : std::nullopt;
  return {SessionShape{spec.gap.value, max}, fmt::format("session gap={} max={}", format_duration(spec.gap.value),
                                                         max ? format_duration(*max) : "none")};
}

WrittenShape shape_of(const CumulativeSpec& spec, Duration offset) {
  return {CumulativeShape{spec.size.value, spec.step.value, offset},
          fmt::format("cumulative size={} step={} offset={}", format_duration(spec.size.value),
                      format_duration(spec.step.value), format_duration(offset))};
}

WrittenShape shape_of(const CalendarSpec& spec, Duration) {
  constexpr CalendarUnit kUnits[] = {CalendarUnit::kDay, CalendarUnit::kWeek, CalendarUnit::kMonth};
  const CalendarUnit unit = kUnits[static_cast<size_t>(spec.unit)];
  const auto zone = expr::Zone::find(spec.timezone.value);
  // A zone that there is not was reported; its place is taken by another.
  auto calendar = std::make_shared<const Calendar>(unit, (zone ? *zone : *expr::Zone::find("UTC")).changes());
  return {CalendarShape{unit, spec.timezone.value, std::move(calendar)},
          fmt::format("calendar unit={} timezone={}", to_string(unit), spec.timezone.value)};
}

WrittenShape shape_of(const RunningSpec& spec, Duration) {
  return {SessionShape{spec.ttl.value, std::nullopt, true}, "running ttl=" + format_duration(spec.ttl.value)};
}

EmitWhen emit_of(EmitWord word) {
  switch (word) {
    case EmitWord::kOnClose: return EmitWhen::kOnClose;
    case EmitWord::kEvery: return EmitWhen::kEvery;
    case EmitWord::kOnChange: return EmitWhen::kOnChange;
  }
  __builtin_unreachable();
}

class WindowPlanner {
 public:
  WindowPlanner(const WindowSpec& spec, size_t ordinal, const Sight& input, Binder& binder, const TopicTable& topics,
                Diagnostics& diagnostics)
      : spec_(spec),
        input_(input),
        own_stage_(stage_behind(ordinal)),
        binder_(binder),
        topics_(topics),
        diagnostics_(diagnostics) {
    window_.ordinal = ordinal;
  }

  WindowOutcome run(const std::string& step_name) {
    window_.step_name = step_name;
    check_timezone();
    auto [shape, text] = std::visit([&](const auto& kind) { return shape_of(kind, spec_.offset()); }, spec_.kind);
    window_.shape = std::move(shape);
    window_.allowed_lateness = spec_.allowed_lateness.value;
    window_.emit = emit_of(spec_.emit.word);
    window_.every = spec_.emit.every;
    // State of windows that are closed and still take rows is kept for this long.
    window_.state_size = state_head_size(window_);
    // What was said of a session is kept beside it.
    if (window_.revises() && std::holds_alternative<SessionShape>(window_.shape)) text += " notes";
    if (window_.allowed_lateness > Duration{0}) text += " lateness=" + format_duration(window_.allowed_lateness);
    out_.signature = {step_name, "window", {}, std::move(text), {}};
    plan_keys();
    plan_results();
    plan_revision();
    return std::move(out_);
  }

 private:
  // An aggregate's place among the window's, and whether its result can be null in a window that has rows.
  struct PlannedCall {
    uint32_t place = 0;
    bool nullable = false;
  };
  // What a state is fed from, and whether that may leave it without any value. The state is the aggregate's at `place`.
  struct KeptState {
    PlannedAggregate feed;
    std::vector<Type> types;
    bool over_nothing = false;
    size_t place = 0;
  };
  struct InputType {
    Type type;
    bool nullable = false;
  };
  // What is left of a field's expression when its calls are planned.
  struct Remainder {
    const NamedExpression* field;
    Ast ast;
  };

  void check_timezone();
  void plan_keys();
  void plan_results();
  void plan_revision();
  std::optional<Ast> plan_calls(const NamedExpression& field, const std::string& prefix, Scope& raw);
  const PlannedCall* known_call(const expr::AggregateCall& call, const SourceText& text);
  std::optional<PlannedCall> plan_call(const expr::AggregateCall& call, const SourceText& text);
  std::optional<KeptState> plan_state(const expr::AggregateCall& call, const SourceText& text, size_t columns);
  std::optional<uint32_t> plan_input(const Ast& ast, const SourceText& text, std::optional<uint32_t> condition,
                                     InputType& type, bool must_be_bool);
  void plan_result(const Remainder& remainder, const Sight& behind);
  Missing missing_keys(const Scope& raw) const;

  const WindowSpec& spec_;
  const Sight& input_;
  const StageNumber own_stage_;  // of its result rows
  Binder& binder_;
  const TopicTable& topics_;
  Diagnostics& diagnostics_;
  WindowOutcome out_;
  WindowPlan& window_ = out_.planned.window;
  std::map<std::string, PlannedCall> calls_;  // by their text
  std::map<std::string, KeptState> states_;   // by state_of() the first call of each
  uint32_t revision_slot_ = 0;
  uint32_t withdrawn_slot_ = 0;
};

void WindowPlanner::check_timezone() {
  const auto* const calendar = std::get_if<CalendarSpec>(&spec_.kind);
  if (!calendar || expr::Zone::find(calendar->timezone.value)) return;
  const std::string_view near = nearest_word(calendar->timezone.value, expr::zone_names());
  diagnostics_.error(calendar->timezone.where, fmt::format("there is no time zone `{}`", calendar->timezone.value),
                     did_you_mean(near, "write an IANA name, such as Europe/Stockholm"));
}

void WindowPlanner::plan_keys() {
  for (const auto& name : spec_.by) {
    const Field* field = input_.scope.find(name.value);
    if (!field) {
      binder_.report_no_field(name, input_.scope, input_.missing, "to group by");
      continue;
    }
    if (!binder_.may_be_key(name, *field)) continue;
    binder_.use(input_.stage, field->slot);
    out_.planned.key_slots.push_back(field->slot);
    window_.key_types.push_back(field->type);
    out_.signature.key.push_back({field->name, to_string(field->type)});
    out_.output.fields.push_back({field->name, field->type, field->nullable, binder_.new_slot(own_stage_)});
  }
  for (const char* name : {"window_start", "window_end"}) {
    const uint32_t slot = binder_.new_slot(own_stage_);
    if (!window_.is_running()) out_.output.fields.push_back({name, TypeKind::kTimestamp, false, slot});
  }
  out_.planned.result_types = window_.key_types;
  out_.planned.result_types.insert(out_.planned.result_types.end(), 2, TypeKind::kTimestamp);
}

void WindowPlanner::plan_results() {
  Scope raw = out_.output;  // what the expressions over aggregates see: keys, the window's times, and the calls
  for (const AggregateFunction& f : aggregate_functions()) raw.aggregates.push_back(f.name);
  raw.gathered = input_.scope.fields;
  std::vector<Remainder> remainders;
  for (size_t i = 0; i < spec_.aggregates.size(); ++i) {
    const NamedExpression& field = spec_.aggregates[i];
    auto rest = plan_calls(field, fmt::format("aggregate {}.", i), raw);
    if (rest) remainders.push_back({&field, std::move(*rest)});
  }
  for (const PlannedResult& r : window_.results) {
    out_.planned.result_types.push_back(r.function->result_type());
    binder_.new_slot(own_stage_);
  }
  if (window_.withdraws()) {
    out_.planned.result_types.push_back(TypeKind::kBool);
    withdrawn_slot_ = binder_.new_slot(own_stage_);
  }
  if (window_.revises()) {
    out_.planned.result_types.insert(out_.planned.result_types.end(), {TypeKind::kInt, TypeKind::kBool});
    revision_slot_ = binder_.new_slot(own_stage_);
    binder_.new_slot(own_stage_);
  }
  out_.missing = missing_keys(raw);
  const Sight behind{raw, out_.missing, own_stage_};
  for (const Remainder& remainder : remainders) plan_result(remainder, behind);
  for (const NamedExpression& field : spec_.aggregates) {
    if (!out_.output.find(field.name.value)) out_.missing.names.insert(field.name.value);
  }
}

// Plans the aggregates that a field calls, and names their results in `raw`; what is left of its expression reads them.
std::optional<Ast> WindowPlanner::plan_calls(const NamedExpression& field, const std::string& prefix, Scope& raw) {
  const auto ast = binder_.parse(field.expression);
  if (!ast) return std::nullopt;
  auto split = expr::split_aggregates(*ast, prefix, is_aggregate);
  if (!split) return binder_.report(field.expression, split.error()), std::nullopt;
  if (const auto foreign = foreign_aggregate_in(split->rest)) {
    return binder_.report(field.expression, {*foreign}), std::nullopt;
  }
  for (size_t k = 0; k < split->calls.size(); ++k) {
    const PlannedCall* const call = known_call(split->calls[k], field.expression);
    if (!call) return std::nullopt;
    const auto slot = static_cast<uint32_t>(window_.key_types.size() + 2 + call->place);
    const Type type = window_.results[call->place].function->result_type();
    raw.fields.push_back({prefix + std::to_string(k), type, call->nullable, slot});
  }
  return std::move(split->rest);
}

const WindowPlanner::PlannedCall* WindowPlanner::known_call(const expr::AggregateCall& call, const SourceText& text) {
  if (const auto known = calls_.find(call.text); known != calls_.end()) return &known->second;
  const auto planned = plan_call(call, text);
  return planned ? &calls_.emplace(call.text, *planned).first->second : nullptr;
}

std::string text_of(const Ast& part) { return part.text.substr(part.root->begin, part.root->end - part.root->begin); }

// What decides over the state that a call keeps: all of it but the numbers that only its result goes by.
std::string state_of(const expr::AggregateCall& call, const AggregateFunction& function,
                     const std::vector<std::vector<double>>& parameters) {
  std::string out = call.name + "(";
  for (size_t i = 0; i < column_count(call, function); ++i) out += (i > 0 ? ", " : "") + text_of(call.args[i]);
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (!function.parameters[i].reads_only) out += fmt::format("; {}", fmt::join(parameters[i], " "));
  }
  return out + ")" + (call.where ? " where " + text_of(*call.where) : "");
}

// Plans the aggregate behind one call, or a reader of the state that another one keeps.
std::optional<WindowPlanner::PlannedCall> WindowPlanner::plan_call(const expr::AggregateCall& call,
                                                                   const SourceText& text) {
  const AggregateFunction& function = *find_aggregate_function(call.name);
  const auto parameters = read_parameters(call, function);
  if (!parameters) return binder_.report(text, {parameters.error()}), std::nullopt;
  const std::string state = state_of(call, function, *parameters);
  auto kept = states_.find(state);
  const bool shares = kept != states_.end();
  if (!shares) {
    auto planned = plan_state(call, text, column_count(call, function));
    if (!planned) return std::nullopt;
    kept = states_.emplace(state, std::move(*planned)).first;
  }
  const std::vector<Type>& types = kept->second.types;
  auto made = function.make({types, *parameters, topics_});
  if (!made) {
    if (!shares) states_.erase(kept);
    return diagnostics_.error(locate(text, call.offset), made.error().message), std::nullopt;
  }
  const Aggregate& aggregate = **made;
  std::string type_text = to_string(aggregate.result_type());
  if (!types.empty()) type_text = " -> " + type_text;
  for (size_t i = types.size(); i-- > 0;) type_text = (i > 0 ? ", " : "") + to_string(types[i]) + type_text;
  out_.signature.aggregates.push_back({call.text, shares ? "in the state of " + state : call.text, std::move(type_text)});
  const bool nullable = aggregate.can_overflow() || (aggregate.result_nullable() && kept->second.over_nothing);
  const PlannedCall planned{static_cast<uint32_t>(window_.results.size()), nullable};
  if (shares) {
    const size_t offset = window_.aggregates[kept->second.place].state_offset;
    window_.results.push_back({&aggregate, offset, std::move(*made)});
    return planned;
  }
  PlannedAggregate& feed = kept->second.feed;
  window_.results.push_back({&aggregate, window_.state_size});
  kept->second.place = window_.aggregates.size();
  window_.aggregates.push_back({std::move(*made), feed.arg_slot, feed.by_slot, feed.where_slot, window_.state_size});
  window_.state_size += aggregate.state_size();
  return planned;
}

// The columns and the condition of a call that keeps a state of its own.
std::optional<WindowPlanner::KeptState> WindowPlanner::plan_state(const expr::AggregateCall& call, const SourceText& text,
                                                                  size_t columns) {
  KeptState kept;
  InputType condition_type;
  if (call.where) {
    kept.feed.where_slot = plan_input(*call.where, text, std::nullopt, condition_type, true);
    if (!kept.feed.where_slot) return std::nullopt;
  }
  // No value may be left to it, and rows that withdraw have none.
  kept.over_nothing = call.where.has_value() || window_.withdraws();
  for (size_t i = 0; i < columns; ++i) {
    InputType type;
    auto& slot = i == 0 ? kept.feed.arg_slot : kept.feed.by_slot;
    slot = plan_input(call.args[i], text, kept.feed.where_slot, type, false);
    if (!slot) return std::nullopt;
    kept.over_nothing |= type.nullable;
    kept.types.push_back(std::move(type.type));
  }
  return kept;
}

// An aggregate's argument or condition: worked out before the exchange, into a slot of its own unless it is a field.
std::optional<uint32_t> WindowPlanner::plan_input(const Ast& ast, const SourceText& text,
                                                  std::optional<uint32_t> condition, InputType& type,
                                                  bool must_be_bool) {
  auto program = binder_.compile(ast, text, input_);
  if (!program) return std::nullopt;
  type = {program->type(), program->nullable() || (input_.behind_window() && program->fallible())};
  if (must_be_bool && type.type.kind != TypeKind::kBool) {
    diagnostics_.error(text.where, "`.where` needs a condition, this is of type " + to_string(type.type));
    return std::nullopt;
  }
  if (must_be_bool && program->nullable()) binder_.warn_of_null(text, input_, "leaves the row out");
  // A condition gets a column of its own even when it is a field, since a null in it refuses the row.
  if (const auto slot = program->field_slot(); slot && !must_be_bool) return slot;
  const uint32_t slot = binder_.new_slot(input_.stage);
  out_.planned.inputs.push_back({ast.text, slot, std::move(program), condition});
  return slot;
}

void WindowPlanner::plan_result(const Remainder& remainder, const Sight& behind) {
  const NamedExpression& field = *remainder.field;
  auto program = binder_.compile(remainder.ast, field.expression, behind);
  if (!program) return;
  if (!can_be_field(program->type()) && program->type().kind != TypeKind::kList) {
    diagnostics_.error(field.expression.where, fmt::format("a result cannot be of type {}", to_string(program->type())));
    return;
  }
  Field out{field.name.value, program->type(), program->nullable() || program->fallible(), 0};
  if (const auto slot = program->field_slot()) {
    out.slot = *slot;
  } else {
    out.slot = binder_.new_slot(own_stage_);
    out_.planned.results.push_back({out.name, out.slot, std::move(program), std::nullopt});
  }
  out_.output.fields.push_back(std::move(out));
}

void WindowPlanner::plan_revision() {
  if (!window_.revises()) return;
  if (window_.withdraws()) out_.output.fields.push_back({"withdrawn", TypeKind::kBool, false, withdrawn_slot_});
  out_.output.fields.push_back({"revision", TypeKind::kInt, false, revision_slot_});
  out_.output.fields.push_back({"is_final", TypeKind::kBool, false, revision_slot_ + 1});
}

// Behind a window nothing of its input is left but the keys.
Missing WindowPlanner::missing_keys(const Scope& raw) const {
  Missing missing{!spec_.sound, {}};
  for (const auto& name : spec_.by) {
    if (!raw.find(name.value)) missing.names.insert(name.value);
  }
  return missing;
}

}  // namespace

WindowOutcome plan_window(const std::string& step_name, size_t ordinal, const WindowSpec& spec, const Sight& input,
                          Binder& binder, const TopicTable& topics, Diagnostics& diagnostics) {
  return WindowPlanner(spec, ordinal, input, binder, topics, diagnostics).run(step_name);
}

}  // namespace tidemark
