// Rows of JSON values through steps of functions, one row after the other. Where the language leaves a choice (null in
// arithmetic, absorbed errors), the answer here is that of the contract and not what an evaluator happens to do.
#include "tests/operators/transforms/naive_steps.h"

#include <fmt/format.h>

#include <limits>
#include <set>

namespace tidemark::naive {
namespace {

using IntOperator = std::function<Answer(int64_t, int64_t)>;

Answer checked_add(int64_t x, int64_t y) {
  int64_t sum = 0;
  return __builtin_add_overflow(x, y, &sum) ? Answer() : Answer(sum);
}
bool divides(int64_t x, int64_t y) { return y != 0 && !(y == -1 && x == std::numeric_limits<int64_t>::min()); }
Answer checked_divide(int64_t x, int64_t y) { return divides(x, y) ? Answer(x / y) : Answer(); }
Answer checked_modulo(int64_t x, int64_t y) { return divides(x, y) ? Answer(x % y) : Answer(); }
Answer greater(int64_t x, int64_t y) { return Answer(x > y); }

std::string pick_name(Rng& rng, const std::vector<std::string>& names) {
  return names[static_cast<size_t>(rng.between(0, static_cast<int64_t>(names.size()) - 1))];
}

std::vector<std::string> names_of(const Fields& fields, Kind kind, bool nullable_only = false) {
  std::vector<std::string> names;
  for (const auto& [name, type] : fields) {
    if (type.kind == kind && (type.nullable || !nullable_only)) names.push_back(name);
  }
  return names;
}

Expression field(const Fields& fields, const std::string& name) {
  return {name, fields.at(name), [name](const Row& row) -> Answer { return row.at(name); }};
}

Expression literal(Rng& rng, Kind kind) {
  const int64_t n = rng.between(1, 6);
  if (kind == Kind::kInt) return {std::to_string(n), {kind}, [n](const Row&) -> Answer { return n; }};
  if (kind == Kind::kBool) return {n > 3 ? "true" : "false", {kind}, [n](const Row&) -> Answer { return n > 3; }};
  return {fmt::format("'{}'", n), {kind}, [n](const Row&) -> Answer { return std::to_string(n); }};
}

// Null in arithmetic is an error.
Expression of_two_ints(const std::string& sign, IntOperator apply, Kind kind, Expression x, Expression y) {
  const std::string text = fmt::format("({} {} {})", x.text, sign, y.text);
  return {text, {kind}, [apply, x = x.answer, y = y.answer](const Row& row) -> Answer {
            const Answer left = x(row), right = y(row);
            if (!left || !right || left->is_null() || right->is_null()) return {};
            return apply(left->get<int64_t>(), right->get<int64_t>());
          }};
}

Expression choice(Expression c, Expression x, Expression y) {
  const FieldKind type{x.type.kind, x.type.nullable || y.type.nullable};
  return {fmt::format("({} ? {} : {})", c.text, x.text, y.text), type,
          [c = c.answer, x = x.answer, y = y.answer](const Row& row) -> Answer {
            const Answer which = c(row);
            if (!which || which->is_null()) return {};
            return which->get<bool>() ? x(row) : y(row);
          }};
}

// One side that decides absorbs what is wrong with the other.
Expression both_or_either(bool both, Expression x, Expression y) {
  return {fmt::format("({} {} {})", x.text, both ? "&&" : "||", y.text), {Kind::kBool},
          [both, x = x.answer, y = y.answer](const Row& row) -> Answer {
            const Answer left = x(row), right = y(row);
            const auto is = [](const Answer& a, bool value) { return a && *a == Json(value); };
            if (is(left, !both) || is(right, !both)) return Answer(!both);
            return is(left, both) && is(right, both) ? Answer(both) : Answer();
          }};
}

Expression random_int(Rng& rng, const Fields& fields, int depth) {
  const auto sub = [&](Kind kind) { return random_expression(rng, fields, kind, depth - 1); };
  switch (rng.between(1, 5)) {
    case 1: return of_two_ints("+", checked_add, Kind::kInt, sub(Kind::kInt), sub(Kind::kInt));
    case 2: return of_two_ints("/", checked_divide, Kind::kInt, sub(Kind::kInt), sub(Kind::kInt));
    case 3: return of_two_ints("%", checked_modulo, Kind::kInt, sub(Kind::kInt), sub(Kind::kInt));
    case 4: return choice(sub(Kind::kBool), sub(Kind::kInt), sub(Kind::kInt));
    default: break;
  }
  const auto nullable = names_of(fields, Kind::kInt, true);
  if (nullable.empty()) return sub(Kind::kInt);
  const Expression first = field(fields, pick_name(rng, nullable)), second = sub(Kind::kInt);
  return {fmt::format("coalesce({}, {})", first.text, second.text), {Kind::kInt, second.type.nullable},
          [x = first.answer, y = second.answer](const Row& row) -> Answer {
            const Answer present = x(row);
            return present->is_null() ? y(row) : present;
          }};
}

Expression random_bool(Rng& rng, const Fields& fields, int depth) {
  const auto sub = [&](Kind kind) { return random_expression(rng, fields, kind, depth - 1); };
  switch (rng.between(1, 6)) {
    case 1: return both_or_either(true, sub(Kind::kBool), sub(Kind::kBool));
    case 2: return both_or_either(false, sub(Kind::kBool), sub(Kind::kBool));
    case 3:
    case 4: return of_two_ints(">", greater, Kind::kBool, sub(Kind::kInt), sub(Kind::kInt));
    case 5: return choice(sub(Kind::kBool), sub(Kind::kBool), sub(Kind::kBool));
    default: break;
  }
  const auto nullable = names_of(fields, rng.one_in(2) ? Kind::kInt : Kind::kBool, true);
  if (nullable.empty()) return sub(Kind::kBool);
  const std::string name = pick_name(rng, nullable);
  return {fmt::format("has({})", name), {Kind::kBool},
          [name](const Row& row) -> Answer { return !row.at(name).is_null(); }};
}

Expression random_text(Rng& rng, const Fields& fields, int depth) {
  const Expression x = random_expression(rng, fields, Kind::kText, depth - 1);
  if (rng.one_in(2)) {
    return choice(random_expression(rng, fields, Kind::kBool, depth - 1), x, literal(rng, Kind::kText));
  }
  return {fmt::format("({} + '!')", x.text), {Kind::kText}, [x = x.answer](const Row& row) -> Answer {
            const Answer text = x(row);
            return text && !text->is_null() ? Answer(text->get<std::string>() + "!") : Answer();
          }};
}

Kind random_kind(Rng& rng) { return rng.one_in(5) ? Kind::kText : rng.one_in(3) ? Kind::kBool : Kind::kInt; }

Step random_step(Rng& rng, const Fields& input) {
  Step step;
  step.output = input;
  const auto expression = [&](Kind kind) {
    return random_expression(rng, input, kind, static_cast<int>(rng.between(0, 3)));
  };
  const int64_t which = rng.between(1, 7);
  if (which <= 2) {
    step.condition = expression(Kind::kBool);
    return step;
  }
  if (which == 7) {
    step.what = Step::What::kWindow;
    step.values.emplace("x", expression(Kind::kInt));
    if (rng.one_in(2)) step.condition = expression(Kind::kBool);
    return step;
  }
  step.what = which <= 4 ? Step::What::kMap : Step::What::kSelect;
  if (step.what == Step::What::kSelect) step.output.clear();
  static const std::vector<std::string> kNames = {"a", "b", "m", "flag", "maybe", "s", "new1", "new2"};
  for (int64_t left = rng.between(1, step.what == Step::What::kMap ? 3 : 5); left > 0; --left) {
    const std::string name = pick_name(rng, kNames);
    const Expression value = expression(random_kind(rng));
    if (step.values.emplace(name, value).second) step.output[name] = value.type;
  }
  return step;
}

// Answers the row behind the step, or nothing where it ends there.
std::optional<Row> run_step(const Step& step, const Row& row, int64_t number, Outcome& outcome) {
  Outcome::Counts& counts = outcome.counts[step.name];
  ++counts.in;
  const auto refuse = [&]() -> std::optional<Row> {
    ++counts.dead_lettered;
    outcome.lines.push_back(error_line(step.name, number));
    return {};
  };
  Answer chosen = Answer(true);
  if (step.condition) chosen = step.condition->answer(row);
  if (!chosen || chosen->is_null()) return refuse();
  if (step.what == Step::What::kFilter) {
    const bool passes = chosen->get<bool>();
    ++(passes ? counts.out : counts.filtered);
    return passes ? std::optional(row) : std::nullopt;
  }
  if (step.what == Step::What::kWindow) {
    const Answer argument = *chosen == Json(true) ? step.values.at("x").answer(row) : Answer(nullptr);
    if (!argument) return refuse();
    outcome.lines.push_back(window_line(step.name, number, *chosen, *argument));
    return {};
  }
  Row result = step.what == Step::What::kMap ? row : Row();
  for (const auto& [name, value] : step.values) {
    const Answer answer = value.answer(row);
    if (!answer) return refuse();
    result[name] = *answer;
  }
  ++counts.out;
  return result;
}

}  // namespace

Expression random_expression(Rng& rng, const Fields& fields, Kind kind, int depth) {
  const auto names = names_of(fields, kind);
  if (depth <= 0 || rng.one_in(5)) {
    if (names.empty() || rng.one_in(4)) return literal(rng, kind);
    return field(fields, pick_name(rng, names));
  }
  if (kind == Kind::kInt) return random_int(rng, fields, depth);
  if (kind == Kind::kBool) return random_bool(rng, fields, depth);
  return random_text(rng, fields, depth);
}

std::string Step::line() const {
  const std::string head = fmt::format("  - {{name: {}, from: {}, ", name, from);
  if (what == What::kFilter) return head + fmt::format("filter: \"{}\"}}\n", condition->text);
  if (what == What::kWindow) {
    const std::string where = condition ? fmt::format(".where({})", condition->text) : "";
    return head + fmt::format("window: {{tumbling: 1m, aggregates: {{total: \"sum({}){}\"}}}}}}\n",
                              values.at("x").text, where);
  }
  std::string list;
  for (const auto& [field_name, value] : values) {
    list += fmt::format("{}{}: \"{}\"", list.empty() ? "" : ", ", field_name, value.text);
  }
  return head + fmt::format("{}: {{{}}}}}\n", what == What::kMap ? "map" : "select", list);
}

std::string Pipeline::text() const {
  std::string out = fmt::format(
      "name: p\nsources:\n  {}:\n    kafka: {{brokers: b, topic: t}}\n"
      "    schema: {{a: int, b: int, m: 'int?', flag: bool, maybe: 'bool?', s: string}}\nsteps:\n", kSource);
  for (const Step& step : steps) out += step.line();
  out += "sinks:\n";
  for (size_t i = 0; i < sinks.size(); ++i) {
    out += fmt::format("  - {{name: k{}, from: {}, kafka: {{topic: t{}}}}}\n", i, sinks[i], i);
  }
  return out + "  - {from: dead_letter, drop: {}}\n  - {from: late, drop: {}}\n";
}

Fields source_fields() {
  return {{"a", {Kind::kInt}},           {"b", {Kind::kInt}},         {"m", {Kind::kInt, true}},
          {"flag", {Kind::kBool}}, {"maybe", {Kind::kBool, true}}, {"s", {Kind::kText}}};
}

Row random_row(Rng& rng) {
  const auto number = [&]() -> int64_t {
    using Limits = std::numeric_limits<int64_t>;
    if (rng.one_in(20)) return rng.one_in(2) ? Limits::max() : Limits::min();
    return rng.between(-2, 6);
  };
  return {{"a", number()},
          {"b", number()},
          {"m", rng.one_in(3) ? Json() : Json(number())},
          {"flag", rng.one_in(2)},
          {"maybe", rng.one_in(3) ? Json() : Json(rng.one_in(2))},
          {"s", std::string(static_cast<size_t>(rng.between(0, 12)), 's')}};
}

Pipeline random_pipeline(Rng& rng) {
  Pipeline out;
  std::map<std::string, Fields> sources = {{kSource, source_fields()}};
  std::vector<std::string> names = {kSource};
  std::set<std::string> taken;
  for (int64_t left = rng.between(1, 7); left > 0; --left) {
    const std::string from = rng.one_in(2) ? names.back() : pick_name(rng, names);
    Step step = random_step(rng, sources.at(from));
    step.name = fmt::format("s{}", out.steps.size());
    step.from = from;
    taken.insert(from);
    if (step.what == Step::What::kWindow) {
      out.sinks.push_back(step.name);
    } else {
      sources[step.name] = step.output;
      names.push_back(step.name);
    }
    out.steps.push_back(std::move(step));
  }
  for (const std::string& name : names) {
    if (!taken.contains(name) || rng.one_in(3)) out.sinks.push_back(name);
  }
  return out;
}

void run_row(const Pipeline& pipeline, const Row& row, int64_t number, Outcome& outcome) {
  std::map<std::string, Row> alive = {{kSource, row}};
  for (const Step& step : pipeline.steps) {
    const auto from = alive.find(step.from);
    if (from == alive.end()) continue;
    if (auto result = run_step(step, from->second, number, outcome)) alive[step.name] = std::move(*result);
  }
  for (size_t i = 0; i < pipeline.sinks.size(); ++i) {
    const auto from = alive.find(pipeline.sinks[i]);
    if (from != alive.end()) outcome.lines.push_back(sink_line(i, number, Json(from->second)));
  }
}

std::string sink_line(size_t sink, int64_t row, const Json& fields) {
  return fmt::format("k{} {} {}", sink, row, fields.dump());
}
std::string window_line(const std::string& step, int64_t row, const Json& condition, const Json& argument) {
  return fmt::format("{} {} {} {}", step, row, condition.dump(), argument.dump());
}
std::string error_line(const std::string& step, int64_t row) { return fmt::format("{} {} failed", step, row); }

}  // namespace tidemark::naive
