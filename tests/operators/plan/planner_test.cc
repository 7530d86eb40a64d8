// What the planner says of a pipeline file: mistakes and warnings of expressions and aggregates, each at its place.
// Deliberately knows nothing of how a plan runs.
#include <string>
#include <string_view>

#include "config/pipeline.h"
#include "operators/plan/plan.h"
#include "tests/catch.h"
#include "tests/operators/plan/planned.h"

namespace tidemark {
namespace {

// What is said of one step, a line each, with its column but without what stands in every such file: where late
// records and dead letters go.
std::string said_of(std::string_view step) {
  const std::string text = "name: p\nsources:\n  in:\n    kafka: {brokers: b, topic: t}\n"
                           "    schema: {n: int, amount: double, flag: 'bool?'}\nsteps:\n  - " +
                           std::string(step) +
                           "\nsinks:\n  - stdout: {}\n  - {from: late, drop: {}}\n  - {from: dead_letter, drop: {}}\n";
  Diagnostics diagnostics;
  const auto spec = load_pipeline(text, "p.yaml", {}, diagnostics);
  if (spec) (void)make_plan(*spec, diagnostics);
  std::string out;
  for (const Diagnostic& d : diagnostics.all()) out += to_string(d) + "\n";
  return out;
}

std::string said_of_aggregate(std::string_view expression) {
  return said_of("window: {tumbling: 1m, by: [n], aggregates: {x: \"" + std::string(expression) + "\"}}");
}

TEST_CASE("a time zone that there is not is refused with the nearest one") {
  const auto window = [](std::string_view zone) {
    return said_of("window: {calendar: {unit: day, timezone: " + std::string(zone) + "}, aggregates: {c: count()}}");
  };
  CHECK(window("Europe/Stockholm").empty());
  CHECK_THAT(window("Europe/Stokholm"), Contains("7:46: error: there is no time zone `Europe/Stokholm`; did you mean `Europe/Stockholm`?"));
  CHECK_THAT(window("Moon/Base_Alpha_One"), Contains("write an IANA name, such as Europe/Stockholm"));
}

// The steps behind a first one that counts by `n`, speaking as `emission` says.
std::string behind(std::string_view emission, std::string_view steps) {
  return "{name: w, window: {tumbling: 1m, by: [n], " + std::string(emission) + "aggregates: {c: count()}}}\n" + std::string(steps);
}

TEST_CASE("rows that may be revised bear their revision, and say so where they are filtered") {
  CHECK(said_of(behind("emit: on_change, ", "  - map: {d: revision + 1, last: is_final}")).empty());
  CHECK_THAT(said_of(behind("", "  - map: {d: revision + 1}")), Contains("`revision`"));
  const std::string warning = "8:13: warning: this filter sees revised rows";
  for (const char* emission : {"emit: on_change, ", "emit: {every: 1s}, ", "allowed_lateness: 1s, "}) {
    CHECK_THAT(said_of(behind(emission, "  - filter: c > 3")), Contains(warning));
    CHECK(said_of(behind(emission, "  - filter: is_final && c > 3")).empty());
  }
  CHECK_THAT(said_of(behind("emit: on_change, ", "  - map: {d: c * 2}\n  - filter: d > 3")), Contains("9:13: warning: this filter sees"));
  CHECK_THAT(said_of(behind("emit: on_change, ", "  - filter: is_final || c > 3")), Contains(warning));
  CHECK(said_of(behind("", "  - filter: c > 3")).empty());
}

TEST_CASE("rows of sessions that may speak more than once say whether they are withdrawn, and are then of no record") {
  const auto sessions = [](std::string_view emission, std::string_view map) {
    return said_of("{name: w, window: {session: {gap: 1m, max: 1h}, by: [flag], " + std::string(emission) +
                   "aggregates: {c: count(), s: avg(n)}}}\n  - map: {d: \"" + std::string(map) + "\"}");
  };
  CHECK(sessions("emit: on_change, ", "withdrawn ? 0 : c").empty());
  CHECK_THAT(sessions("", "withdrawn ? 0 : c"), Contains("unknown field `withdrawn`"));
  CHECK_THAT(said_of(behind("emit: on_change, ", "  - map: {d: withdrawn}")), Contains("unknown field `withdrawn`"));
  CHECK(sessions("", "s + 1.0").empty());
  CHECK_THAT(sessions("allowed_lateness: 1s, ", "s + 1.0"), Contains("warning"));  // null where it is withdrawn
  CHECK_THAT(said_of("window: {session: 1m, emit: on_change, aggregates: {withdrawn: count()}}"), Contains("may not be called `withdrawn`"));
}

TEST_CASE("rows of running totals name no window and are never withdrawn") {
  const auto running = [](std::string_view emission, std::string_view steps) {
    return said_of("{name: w, window: {running: 30d, by: [n], " + std::string(emission) + "aggregates: {c: count()}}}\n" + std::string(steps));
  };
  CHECK(running("emit: on_change, ", "  - map: {d: n + c + revision}").empty());
  CHECK_THAT(running("emit: on_change, ", "  - map: {d: window_start}"), Contains("unknown field `window_start`"));
  CHECK_THAT(running("emit: on_change, ", "  - map: {d: window_end}"), Contains("unknown field `window_end`"));
  CHECK_THAT(running("emit: on_change, ", "  - map: {d: withdrawn}"), Contains("unknown field `withdrawn`"));
  CHECK_THAT(running("", ""), Contains("warning: these totals speak only once their ttl has passed; write `emit: on_change`"));
}

TEST_CASE("a dedupe stands before windows, and says what nulls are to it") {
  CHECK(said_of("dedupe: {by: [n], within: 10m}").empty());
  CHECK_THAT(said_of("dedupe: {by: [m], within: 10m}"), Contains("there is no field 'm' to tell repeats by"));
  CHECK_THAT(said_of("dedupe: {by: [n, flag], within: 10m}"), Contains("warning: `flag` may be null, and records without it"));
  CHECK_THAT(said_of(behind("", "  - dedupe: {by: [n], within: 10m}")), Contains("8:5: error: a dedupe behind a window is refused"));
}

TEST_CASE("where the keys of all steps are promised to share a partition, rows need no exchange") {
  const auto lanes = [](std::string_view promised, std::string_view steps) {
    Diagnostics diagnostics;
    const auto spec = load_pipeline("name: p\nsources:\n  in:\n    kafka: {brokers: b, topic: t, partitioned_by: " + std::string(promised) +
                                        "}\n    schema: {n: int, m: int}\nsteps:\n" + std::string(steps) + "sinks:\n  - drop: {}\n",
                                    "p.yaml", {}, diagnostics);
    REQUIRE(spec);
    const auto plan = make_plan(*spec, diagnostics);
    REQUIRE(plan);
    return plan->lane_choice;
  };
  const std::string window = "  - window: {tumbling: 1m, by: [n], aggregates: {c: count()}}\n";
  CHECK(lanes("[n]", "  - dedupe: {by: [m, n], within: 1m}\n") == Lanes::kByPartition);
  CHECK(lanes("[n]", "  - dedupe: {by: [m, n], within: 1m}\n" + window) == Lanes::kByPartition);
  CHECK(lanes("[n]", "  - dedupe: {by: [m], within: 1m}\n" + window) == Lanes::kByKey);
  CHECK(lanes("[m]", "  - dedupe: {by: [m], within: 1m}\n" + window) == Lanes::kByKey);
  CHECK(lanes("[n]", "  - map: {n: m}\n  - dedupe: {by: [n], within: 1m}\n") == Lanes::kByKey);
}

TEST_CASE("a window over a step that may speak more than once is refused") {
  const std::string over = "  - window: {tumbling: 1h, aggregates: {c: count()}}";
  CHECK_THAT(said_of(behind("allowed_lateness: 1s, ", over)),
             Contains("8:5: error: a window over a step that may speak of the same more than once is refused"));
  CHECK_THAT(said_of(behind("emit: on_change, ", "  - map: {d: c}\n" + over)), Contains("9:5: error: a window over a step that may"));
}

TEST_CASE("quantiles of one expression in one window share a sketch") {
  const auto window = [](const std::string& aggregates) {
    const std::string text = "name: p\nsources:\n  in:\n    kafka: {brokers: b, topic: t}\n    schema: {x: 'double?', y: double, flag: bool}\n"
                             "steps:\n  - name: w\n    window:\n      tumbling: 1m\n      aggregates: {" + aggregates + "}\nsinks:\n  - drop: {}\n";
    Diagnostics diagnostics;
    const auto spec = load_pipeline(text, "p.yaml", {}, diagnostics);
    auto plan = spec ? make_plan(*spec, diagnostics) : std::nullopt;
    for (const Diagnostic& d : diagnostics.all()) UNSCOPED_INFO(to_string(d));
    REQUIRE(plan);
    return std::move(*plan);
  };
  const Plan one = window("a: 'quantile(x, 0.5)'");
  const Plan three = window("a: 'quantile(x, 0.5)', b: 'quantile(x, 0.95)', c: 'quantile(x, 0.5) * 2.0', d: 'quantile(x,0.99)'");
  CHECK(three.window(0).window.aggregates.size() == 1);
  CHECK(three.window(0).window.results.size() == 3);
  CHECK(three.window(0).window.state_size == one.window(0).window.state_size);
  CHECK(three.window(0).inputs.size() == one.window(0).inputs.size());
  CHECK(three.signatures[0].aggregates[1].text == "in the state of quantile(x; 0.01)");
  CHECK(three.window_step(0).output.find("b")->nullable);
  for (const char* apart : {"b: 'quantile(y, 0.95)'", "b: 'quantile(x, 0.95, 0.05)'", "b: 'quantile(x, 0.95).where(flag)'",
                            "b: 'quantile(x + 1.0, 0.95)'"}) {
    const Plan two = window("a: 'quantile(x, 0.5)', " + std::string(apart));
    CHECK(two.window(0).window.aggregates.size() == 2);
  }
  CHECK(window("a: 'quantile(x * y, 0.5).where(flag)', b: 'quantile(x * y, 0.9).where(flag)'").window(0).window.aggregates.size() == 1);
}

TEST_CASE("a window may stand beside another one, over it, or over one that stands over it") {
  const std::string over = "  - {name: over, window: {tumbling: 1h, by: [n], aggregates: {s: sum(c)}}}\n";
  const std::string top = "  - window: {session: 5s, aggregates: {s: max(s), at: last(window_start)}}";
  CHECK(said_of(behind("", over + top + "\n  - {name: w2, from: in, window: {tumbling: 1m, aggregates: {c: sum(amount)}}}\n  - {from: over, filter: s > 3}"))
            .find("error") == std::string::npos);
  CHECK_THAT(said_of(behind("", "  - window: {tumbling: 1h, by: [window_end], aggregates: {s: sum(c)}}")),
             Contains("a field of `by` may not be called `window_end`"));
  CHECK_THAT(said_of("{name: w, window: {tumbling: 1m, aggregates: {l: 'list(n, 3)'}}}\n  - window: {tumbling: 1h, by: [l], aggregates: {c: count()}}"),
             Contains("`l` is list<int>, and a list is no key"));
  CHECK_THAT(said_of(behind("", "  - window: {tumbling: 1h, aggregates: {s: sum(amount)}}")), Contains("unknown field `amount`"));
}

// The plan of steps behind a source that promises `partitioned`, all but the last sink's.
Plan plan_of(const std::string& partitioned, const std::string& steps) {
  const std::string text = "name: p\nsources:\n  in:\n    kafka: {brokers: b, topic: t, partitioned_by: [" + partitioned +
                           "]}\n    schema: {user: string, n: int}\nsteps:\n" + steps + "sinks:\n  - drop: {}\n";
  return planned(text);
}

std::string window_by(const std::string& name, const std::string& from, const std::string& by) {
  return "  - {name: " + name + ", from: " + from + ", window: {tumbling: 1m, by: [" + by + "], aggregates: {" + name + "_n: count()}}}\n";
}

TEST_CASE("rows of a window find other lanes only where the next one's key does not hold all of theirs") {
  const std::string first = window_by("a", "in", "user, n");
  const auto second = [&](const std::string& by) { return plan_of("", first + window_by("b", "a", by)); };
  CHECK_FALSE(second("n, user").window(1).exchanged);
  CHECK_FALSE(second("user, n, a_n").window(1).exchanged);
  CHECK(second("user").window(1).exchanged);
  CHECK(second("").window(1).exchanged);
  CHECK(second("user").levels == 2);
  CHECK(second("n, user").levels == 1);
  // A map that replaces a key makes another field of it.
  CHECK(plan_of("", first + "  - map: {n: n / 10}\n" + window_by("b", "map-2", "user, n")).window(1).exchanged);
  const Plan tower = plan_of("", first + window_by("b", "a", "user") + window_by("c", "b", "user, b_n") + window_by("d", "c", "") +
                                     window_by("beside", "in", "n"));
  CHECK(tower.levels == 3);
  std::vector<uint32_t> levels;
  for (size_t i = 0; i < tower.windows.size(); ++i) levels.push_back(tower.window(i).level);
  CHECK(levels == std::vector<uint32_t>{0, 1, 1, 2, 0});
}

TEST_CASE("the promise of partitions holds over a window as long as its key bears the promised fields") {
  const std::string first = window_by("a", "in", "user, n");
  const Plan kept = plan_of("user", first + window_by("b", "a", "user"));
  CHECK(kept.lane_choice == Lanes::kByPartition);
  CHECK_FALSE(kept.window(1).exchanged);
  const Plan broken = plan_of("user", first + window_by("b", "a", "n"));
  CHECK(broken.lane_choice == Lanes::kByKey);
  CHECK(broken.window(1).exchanged);
  CHECK(plan_of("user", first + window_by("b", "in", "n")).lane_choice == Lanes::kByKey);
  CHECK(plan_of("user", first + "  - map: {user: user + '!'}\n" + window_by("b", "map-2", "user")).lane_choice == Lanes::kByKey);
}

TEST_CASE("the state of a window over another one is that of just this pair") {
  const Plan plan = plan_of("", window_by("a", "in", "user") + window_by("b", "a", "user"));
  CHECK_THAT(plan.signatures[1].window, Contains(" over=a"));
  CHECK_THAT(plan.signatures[0].window, !Contains("over="));
}

TEST_CASE("an aggregate outside of a window is refused as what it is") {
  CHECK_THAT(said_of("filter: sum(amount) > 1.0"),
             Contains("7:13: error: `sum` is an aggregate, and this step sees one row at a time"));
  CHECK_THAT(said_of("map: {m: 2.0 * max(amount)}"), Contains("`max` is an aggregate"));
  CHECK_THAT(said_of("select: {m: 'stddev(amount)'}"), Contains("`stddev` is an aggregate"));
  CHECK(said_of("filter: n > 1").empty());
}

TEST_CASE("what other systems call an aggregate is answered with our word") {
  CHECK_THAT(said_of_aggregate("1.0 + stdev(amount)"), Contains("unknown function `stdev`; did you mean `stddev`?"));
  CHECK_THAT(said_of_aggregate("var_samp(amount)"), Contains("unknown function `var_samp`; did you mean `variance`?"));
  CHECK_THAT(said_of_aggregate("median(amount)"), Contains("7:54: error: unknown function `median`; did you mean `quantile`?"));
}

TEST_CASE("a field beside aggregates is answered with how to gather it") {
  CHECK_THAT(said_of_aggregate("amount"),
             Contains("7:54: error: `amount` has a value in each row, and a window gathers many rows; take an aggregate of it, "
                      "such as `sum(amount)`, or put it into `by`"));
  CHECK_THAT(said_of_aggregate("sum(amount) / amount"), Contains("`amount` has a value in each row"));
  CHECK_THAT(said_of_aggregate("flag"), Contains("such as `last(flag)`"));
  CHECK_THAT(said_of_aggregate("double(n) * sum(amount)"), !Contains("error"));
}

TEST_CASE("functions and names of other languages are answered with ours") {
  CHECK_THAT(said_of("map: {m: 'abs(amount)'}"), Contains("unknown function `abs`; did you mean `math.abs`?"));
  CHECK_THAT(said_of("map: {m: 'ifnull(amount, 0.0)'}"), Contains("unknown function `ifnull`; write `coalesce(x, y)`"));
  CHECK_THAT(said_of("map: {m: lower(string(n))}"), Contains("unknown function `lower`; write `x.lowerAscii()`"));
  CHECK_THAT(said_of("map: {m: string(n).length()}"), Contains("unknown function `length`; write `x.size()`"));
  CHECK_THAT(said_of("map: {m: now()}"), Contains("unknown function `now`; results follow from the records alone"));
  CHECK_THAT(said_of("filter: flag == NULL"), Contains("unknown field `NULL`; write `null`"));
  CHECK_THAT(said_of("filter: flag == True"), Contains("unknown field `True`; write `true`"));
  CHECK_THAT(said_of("filter: this.amount > 1.0"), Contains("unknown field `this.amount`; a field is written by its name alone: `amount`"));
  CHECK_THAT(said_of("filter: '\"amount\" > 1.0'"),
             Contains("no operator for string > double; in quotes `amount` is text; the field is written `amount`"));
  CHECK_THAT(said_of("filter: n && flag"), Contains("`&&` needs a bool, but `n` is int; compare it, as in `x > 0`"));
  CHECK_THAT(said_of("map: {m: string(n) || 'x'}"), Contains("`||` needs a bool, but `string(n)` is string; `+` joins text"));
}

TEST_CASE("calls with the wrong number of arguments or of the wrong types are refused at their place") {
  CHECK_THAT(said_of_aggregate("1 + sum(n, n)"), Contains("error: `sum` takes 1 argument, not 2; write sum(x)"));
  CHECK_THAT(said_of_aggregate("count(n, n)"), Contains("error: `count` takes 0 to 1 argument, not 2"));
  CHECK_THAT(said_of_aggregate("quantile(amount)"), Contains("error: `quantile` takes 2 to 3 arguments, not 1; write quantile(x, q)"));
  CHECK_THAT(said_of_aggregate("1.0 + quantile(amount, 95)"), Contains("error: `q` of quantile(x, q) is 0 to 1, not 95"));
  CHECK_THAT(said_of_aggregate("quantile(amount, amount)"),
             Contains("error: `q` of quantile(x, q) is a number that is written out; write quantile(x, q)"));
  CHECK_THAT(said_of_aggregate("top_k(n, 2.5)"), Contains("`k` of top_k(x, k) is a whole number that is written out"));
  CHECK_THAT(said_of_aggregate("list(n, 0)"), Contains("`max` of list(x, max) is 1 to 10000, not 0"));
  CHECK_THAT(said_of_aggregate("histogram(n, [2.0, 1.0])"), Contains("rise: 1 does not come after 2"));
  CHECK_THAT(said_of_aggregate("histogram(n, 3)"), Contains("is a list of numbers that is written out"));
  CHECK_THAT(said_of_aggregate("arg_max(n)"), Contains("error: `arg_max` takes 2 arguments, not 1; write arg_max(x, by)"));
  CHECK_THAT(said_of_aggregate("list(n, 2) == 3"), Contains("error"));
  for (const char* right : {"quantile(amount, 0.5, 0.05)", "histogram(amount, [-1, 0.5, 7])", "top_k(n, 3, 50)",
                            "arg_min(amount, n).where(n > 0)", "distinct(n) + approx_distinct(n)", "list(string(n), 5)"}) {
    INFO(said_of_aggregate(right));
    CHECK(said_of_aggregate(right).find("error") == std::string::npos);
  }
  CHECK_THAT(said_of_aggregate("stddev(string(n))"), Contains("error: stddev(x) takes int, uint or double, not string"));
}

TEST_CASE("a misspelt aggregate, or its condition, is met with the nearest word") {
  CHECK_THAT(said_of_aggregate("sun(amount)"), Contains("unknown function `sun`; did you mean `sum`?"));
  CHECK_THAT(said_of_aggregate("SUM(amount)"), Contains("unknown function `SUM`; did you mean `sum`?"));
  CHECK_THAT(said_of_aggregate("sum()"), Contains("`sum` takes 1 argument, not 0; write sum(x)"));
  CHECK_THAT(said_of_aggregate("1 + cuont()"), Contains("unknown function `cuont`; did you mean `count`?"));
  CHECK_THAT(said_of_aggregate("count().whre(n > 1)"), Contains("unknown function `whre`; did you mean `where`?"));
  CHECK_THAT(said_of_aggregate("frobnicate(amount)"), Contains("unknown function `frobnicate`; the aggregates are: count, sum, avg"));
  CHECK_THAT(said_of("filter: sun(amount) > 1.0"), !Contains("did you mean"));
}

TEST_CASE("an aggregate over what is never null is not warned of as null") {
  CHECK(said_of_aggregate("max(n) - min(n) > 3 && avg(amount) > 1.0 && first(amount) < last(amount)").empty());
  CHECK(said_of_aggregate("sum(amount) / 2.0 + double(count())").empty());
  CHECK_THAT(said_of_aggregate("max(n).where(n > 3) + 1"), Contains("`max(n).where(n > 3)` may be null"));
  CHECK_THAT(said_of_aggregate("max(flag) && true"), Contains("`max(flag)` may be null"));
  CHECK_THAT(said_of_aggregate("sum(n) + 1"), Contains("`sum(n)` may be null"));  // beyond 64 bits
  CHECK_THAT(said_of_aggregate("distinct(n) + 1"), Contains("`distinct(n)` may be null"));
  CHECK_THAT(said_of_aggregate("stddev(n) + 1.0"), Contains("`stddev(n)` may be null"));
}

TEST_CASE("a mistake beside aggregates names only fields that can be written") {
  const std::string said = said_of_aggregate("sum(amount) + price");
  CHECK_THAT(said, Contains("unknown field `price`; there are: n, window_start, window_end\n"));
}

TEST_CASE("a condition that may be null is warned of") {
  CHECK_THAT(said_of("filter: flag"),
             Contains("7:13: warning: this condition may be null, which sends the record to dead_letter"));
  CHECK_THAT(said_of_aggregate("count().where(flag)"), Contains("warning: this condition may be null"));
  CHECK(said_of("filter: coalesce(flag, false)").empty());
  CHECK(said_of("filter: has(flag) && flag").empty());
}

// Two sources, of which a union takes both.
Plan united(const std::string& a, const std::string& b, const std::string& window = "by: [user]") {
  const auto source = [](const std::string& topic, const std::string& more) {
    return "{kafka: {brokers: b, topic: " + topic + more + "}";
  };
  const std::string text = "name: p\nsources:\n  a: " + source("t", a) + "\n  b: " + source("u", b) +
                           "\nsteps:\n  - union: [b, a]\n  - window: {tumbling: 1m, " + window + ", aggregates: {s: sum(n)}}\n"
                           "  - {from: b, filter: n > 1}\nsinks:\n  - drop: {}\n  - {from: window-2, drop: {}}\n";
  return planned(text);
}

TEST_CASE("fields of one name have one column in all sources, whatever their order") {
  const Plan plan = united("}, schema: {user: string, n: int, x: double, ts: timestamp(ms)}, event_time: {field: ts, max_delay: 1s}",
                           "}, schema: {ts: timestamp(s), x: double, n: int, user: string}, event_time: {max_drift: 3s}");
  REQUIRE(plan.sources.size() == 2);
  const auto slot = [&](size_t source, std::string_view name) {
    return std::ranges::find(plan.sources[source].decode.fields, name, &DeclaredField::name)->slot;
  };
  for (const char* name : {"user", "n"}) {
    REQUIRE(slot(0, name));
    CHECK(slot(0, name) == slot(1, name));
  }
  CHECK_FALSE(slot(1, "x"));
  CHECK(plan.sources[0].slots == plan.sources[1].slots);
  CHECK(plan.sources[0].next_steps == std::vector<size_t>{0});
  CHECK(plan.sources[1].next_steps == std::vector<size_t>{0, 2});
  CHECK(plan.consumer.topics == std::vector<std::string>{"t", "u"});
  CHECK(plan.source_of("u") == 1);
  CHECK(plan.max_drift == Duration::seconds(3));
  CHECK(plan.sources[0].decode.event_time.has_value());
  CHECK_FALSE(plan.sources[1].decode.event_time.has_value());
}

TEST_CASE("what sources are idle for is the longest, and never where one says so") {
  const std::string schema = "}, schema: {user: string, n: int}, event_time: ";
  CHECK(united(schema + "{close_after_idle: 5s}", schema + "{close_after_idle: 7s}").close_after_idle == Duration::seconds(7));
  CHECK_FALSE(united(schema + "{close_after_idle: off}", schema + "{close_after_idle: 7s}").close_after_idle);
  CHECK_FALSE(united(schema + "{close_after_idle: 5s}", schema + "{close_after_idle: off}").close_after_idle);
}

TEST_CASE("a promise saves the exchange where all sources make it") {
  const std::string promise = ", partitioned_by: [user]}, schema: {user: string, n: int}";
  const std::string none = "}, schema: {user: string, n: int}";
  CHECK(united(promise, promise).lane_choice == Lanes::kByPartition);
  CHECK(united(promise, promise, "by: [n]").lane_choice == Lanes::kByKey);
  CHECK(united(promise, none).lane_choice == Lanes::kByKey);
  CHECK(united(none, promise).lane_choice == Lanes::kByKey);
}

TEST_CASE("a topic that no source names is of the one with a pattern") {
  const Plan plan = plan_of("", "  - filter: n > 1\n");
  CHECK(plan.source_of("any") == 0);
  Plan two;
  two.sources.resize(2);
  two.sources[0].topic_pattern = "^a";
  two.sources[1].topics = {"ab", "c"};
  CHECK(two.source_of("ab") == 1);
  CHECK(two.source_of("aa") == 0);
}

TEST_CASE("a plan tells what it reads of a record beside its value") {
  const std::string text = "name: p\nsources:\n  in: {kafka: {brokers: b, topic: t}, schema: {n: int}}\n"
                           "steps:\n  - map: {k: kafka.key, h: \"kafka.headers['a']\"}\n  - filter: kafka.key != 'x' || kafka.offset > n\n"
                           "sinks:\n  - drop: {}\n";
  Diagnostics diagnostics;
  const auto spec = load_pipeline(text, "p.yaml", {}, diagnostics);
  REQUIRE(spec);
  const auto plan = make_plan(*spec, diagnostics);
  REQUIRE(plan);
  CHECK_THAT(explain(*plan), Contains("  reads kafka.key, kafka.headers['a'], kafka.offset of each record\n"));
  CHECK(plan->sources[0].keep_keys);
  CHECK(plan->sources[0].record_fields.size() == 3);
}

}  // namespace
}  // namespace tidemark
