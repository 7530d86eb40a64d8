// Each kind of aggregate over whatever field it takes, alone and in expressions that the oracle works out by itself.
#include "tests/daemon/property/case_results.h"

#include <utility>

#include "tests/daemon/property/case_columns.h"
#include "tests/daemon/property/case_rows.h"

namespace tidemark::property {

using oracle::Aggregate;
using oracle::AggregateKind;
using oracle::Condition;
using oracle::Expression;
using oracle::Json;
using oracle::Row;

const char* word_of(AggregateKind kind) {
  switch (kind) {
    case AggregateKind::kCount: return "count";
    case AggregateKind::kSum: return "sum";
    case AggregateKind::kAvg: return "avg";
    case AggregateKind::kMin: return "min";
    case AggregateKind::kMax: return "max";
    case AggregateKind::kFirst: return "first";
    case AggregateKind::kLast: return "last";
    case AggregateKind::kVariance: return "variance";
    case AggregateKind::kStddev: return "stddev";
    case AggregateKind::kDistinct: return "distinct";
    case AggregateKind::kApproxDistinct: return "approx_distinct";
    case AggregateKind::kTopK: return "top_k";
    case AggregateKind::kQuantile: return "quantile";
    case AggregateKind::kList: return "list";
    case AggregateKind::kHistogram: return "histogram";
    case AggregateKind::kArgMin: return "arg_min";
    case AggregateKind::kArgMax: return "arg_max";
  }
  return "";
}

Aggregate part(AggregateKind kind, Expression argument, Condition where) {
  return {"", kind, std::move(argument), std::move(where)};
}

// None where a window over this one does not take it.
std::string type_of(const std::string& name) {
  if (name == "n") return "int";
  if (name == "x") return "double";
  if (name == "seen") return "timestamp";
  return name == "flag" ? "" : "string";
}

namespace {

const Condition kNotZero = [](const Row& row) { return std::optional(n_of(row) != 0); };
const Condition kAbove20 = [](const Row& row) { return std::optional(n_of(row) > 20); };

void choose(Random& random, ResultField& out) {
  if (random.percent(30)) {
    out.expression += ".where(n > 20)";
    out.parts[0].where = kAbove20;
  } else if (random.percent(10)) {
    out.expression += ".where(flag)";  // null where the flag is: an expression error
    out.parts[0].where = flag_of;
  }
}

// What takes numbers or a second column, or sees all values again.
ResultField collecting(Random& random) {
  using K = AggregateKind;
  const K kind = random.one_of({K::kVariance, K::kStddev, K::kDistinct, K::kApproxDistinct, K::kTopK, K::kQuantile, K::kList,
                                K::kHistogram, K::kArgMin, K::kArgMax});
  const bool numeric = kind == K::kVariance || kind == K::kStddev || kind == K::kQuantile || kind == K::kHistogram;
  const std::string name = numeric ? random.one_of<std::string>({"n", "x"})
                                   : random.one_of<std::string>({"n", "x", "user", "region", "seen", "note", "flag"});
  Aggregate made = part(kind, field(name));
  std::string more;
  if (kind == K::kDistinct && random.percent(50)) made.numbers = {static_cast<double>(random.in(1, 6))};
  if (kind == K::kTopK) made.numbers = {static_cast<double>(random.in(1, 4))};
  if (kind == K::kTopK && random.percent(50)) made.numbers.push_back(static_cast<double>(random.in(1, 6)));
  if (kind == K::kQuantile) made.numbers = {random.one_of({0.0, 0.5, 0.95, 1.0})};
  if (kind == K::kList) made.numbers = {static_cast<double>(random.in(1, 5))};
  if (kind == K::kHistogram) made.numbers = {-10, 0.5, 20, 60};
  if (kind == K::kArgMin || kind == K::kArgMax) {
    const std::string by = random.one_of<std::string>({"n", "x", "user", "seen", "flag"});
    made.by = field(by);
    more = ", " + by;
  }
  std::string numbers;
  for (const double number : made.numbers) {
    const bool whole = kind == K::kDistinct || kind == K::kTopK || kind == K::kList;
    numbers += (numbers.empty() ? ", " : ", ") + (whole ? std::to_string(static_cast<int64_t>(number)) : oracle::render_double(number));
  }
  if (kind == K::kHistogram) numbers = ", [" + numbers.substr(2) + "]";
  ResultField out{"", std::string(word_of(kind)) + "(" + name + more + numbers + ")", {std::move(made)}, nullptr};
  choose(random, out);
  return out;
}

ResultField simple(Random& random) {
  using K = AggregateKind;
  const K kind = random.one_of({K::kCount, K::kSum, K::kAvg, K::kMin, K::kMax, K::kFirst, K::kLast});
  std::string name = random.one_of<std::string>({"n", "x"});
  const bool any = kind == K::kCount || kind == K::kMin || kind == K::kMax || kind == K::kFirst || kind == K::kLast;
  if (any && random.percent(50)) name = random.one_of<std::string>({"user", "region", "seen", "note"});
  if ((kind == K::kCount || kind == K::kFirst || kind == K::kLast) && random.percent(15)) name = "flag";
  ResultField out{"", std::string(word_of(kind)) + "(" + name + ")", {part(kind, field(name))}, nullptr};
  out.type = kind == K::kCount ? "int" : kind == K::kAvg ? "double" : type_of(name);
  choose(random, out);
  return out;
}

// An aggregate of what sources make columns of.
ResultField of_columns(Random& random, bool lists) {
  const Argument one = lists && random.percent(50) ? list_argument(random) : record_argument(random);
  Aggregate made = part(one.kind, one.expression);
  if (one.kind == AggregateKind::kArgMax) made.by = field("n");
  ResultField out{"", std::string(word_of(one.kind)) + "(" + one.text + ")", {std::move(made)}, nullptr};
  choose(random, out);
  return out;
}

// Of which every window keeps a running total, where it shares slices with the next ones.
ResultField sum_like(Random& random) {
  using K = AggregateKind;
  const K kind = random.one_of({K::kCount, K::kSum, K::kAvg, K::kVariance, K::kStddev});
  const std::string name = random.one_of<std::string>({"n", "x"});
  ResultField out{"", std::string(word_of(kind)) + "(" + name + ")", {part(kind, field(name))}, nullptr};
  out.type = kind == K::kCount ? "int" : kind == K::kSum ? type_of(name) : "double";
  choose(random, out);
  return out;
}

ResultField arithmetic(Random& random) {
  using K = AggregateKind;
  const Aggregate rows = part(K::kCount, nullptr);
  switch (random.in(0, 9)) {
    case 0:
      return {"", "double(count().where(n > 20)) / double(count())", {part(K::kCount, nullptr, kAbove20), rows},
              [](const auto& p) { return oracle::render_double(double_of(p[0]) / double_of(p[1])); }};
    case 1:
      return {"", "max(n) - min(n)", {part(K::kMax, field("n")), part(K::kMin, field("n"))}, [](const auto& p) {
                int64_t out = 0;
                const bool bad = is_null(p[0]) || __builtin_sub_overflow(int_of(p[0]), int_of(p[1]), &out);
                return bad ? std::string("null") : std::to_string(out);
              }};
    case 2:
      return {"", "double(sum(n)) / double(count())", {part(K::kSum, field("n")), rows}, [](const auto& p) {
                if (is_null(p[0])) return std::string("null");
                return oracle::render_double(static_cast<double>(int_of(p[0])) / double_of(p[1]));
              }};
    case 3:
      return {"", "coalesce(sum(x), 0.0)", {part(K::kSum, field("x"))},
              [](const auto& p) { return is_null(p[0]) ? std::string("0.0") : oracle::render_double(double_of(p[0])); }};
    case 4:
      return {"", "avg(x) * 2.0", {part(K::kAvg, field("x"))},
              [](const auto& p) { return is_null(p[0]) ? std::string("null") : oracle::render_double(double_of(p[0]) * 2.0); }};
    case 5:
      return {"", "sum(n * 3)", {part(K::kSum, [](const Row& r) { return times(r, 3); })}, nullptr};
    case 6:  // what fails only where the condition keeps it away
      return {"", "sum(1000 / n).where(n != 0)", {part(K::kSum, thousand_by_n, kNotZero)}, nullptr};
    case 7:  // the same argument, once with a condition and once without
      return {"", "max(1000 / n).where(n > 20) == max(1000 / n)", {part(K::kMax, thousand_by_n, kAbove20), part(K::kMax, thousand_by_n)},
              [](const auto& p) {
                const bool equal = is_null(p[0]) || is_null(p[1]) ? is_null(p[0]) == is_null(p[1]) : int_of(p[0]) == int_of(p[1]);
                return std::string(equal ? "true" : "false");
              }};
    case 8: {
      Aggregate dearest = part(K::kArgMax, field("user"), kNotZero);
      dearest.by = thousand_by_n;
      return {"", "arg_max(user, 1000 / n).where(n != 0)", {std::move(dearest)}, nullptr};
    }
    default:
      return {"", "sum(n).where(n > 20) > 100", {part(K::kSum, field("n"), kAbove20)}, [](const auto& p) {
                if (is_null(p[0])) return std::string("null");
                return std::string(int_of(p[0]) > 100 ? "true" : "false");
              }};
  }
}

// The same quantile at another rank, which the engine reads from one sketch with the first.
ResultField other_rank(Random& random, const ResultField& first) {
  ResultField out = first;
  const double q = random.one_of({0.0, 0.25, 0.5, 0.9, 1.0});
  const size_t from = first.expression.find(", ") + 2;
  out.parts[0].numbers = {q};
  out.expression.replace(from, first.expression.find(')') - from, oracle::render_double(q));
  return out;
}

}  // namespace

std::vector<ResultField> random_results(Random& random, bool lists) {
  std::vector<ResultField> results = {{"c", "count()", {part(AggregateKind::kCount, nullptr)}, nullptr, "int"}};
  const bool sums = random.percent(25);
  for (int64_t n = random.in(1, 5); n > 0; --n) {
    const int64_t kind = random.in(0, 99);
    results.push_back(sums ? sum_like(random) : kind < 40 ? simple(random) : kind < 70 ? collecting(random)
                      : kind < 80 ? of_columns(random, lists) : arithmetic(random));
    results.back().name = "a" + std::to_string(n);
    if (!results.back().expression.starts_with("quantile") || random.percent(40)) continue;
    results.push_back(other_rank(random, results.back()));
    results.back().name = "b" + std::to_string(n);
  }
  return results;
}

}  // namespace tidemark::property
