// What `explain` says of a plan, drawn for people and as JSON.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "operators/plan/plan.h"
#include "operators/windows/slices.h"
#include "tests/catch.h"
#include "tests/operators/plan/planned.h"

namespace tidemark {
namespace {

// A pipeline over one topic.
Plan over_topic(const std::string& steps, const std::string& sinks = "  - drop: {}\n", const std::string& kafka = "") {
  return planned("name: p\nsources:\n  in:\n    kafka: {brokers: b, topic: t" + kafka + "}\n    schema: {user: string, n: int}\n" +
                 "    event_time: {max_delay: 2s}\nsteps:\n" + steps + "sinks:\n" + sinks);
}

nlohmann::json json_of(const Plan& plan) { return nlohmann::json::parse(explain_json(plan)); }

const std::string kUnion = R"(name: p
sources:
  web: {kafka: {brokers: b, topic: w}, schema: {user: string, n: int}}
  app: {kafka: {brokers: b, topic_pattern: '^a'}, schema: {user: string, n: int}}
steps:
  - union: [web, app]
  - select: {user: user, twice: n * 2}
  - {name: some, from: web, filter: n > 1}
  - {from: select-2, window: {sliding: {size: 5m, step: 1m}, by: [user], aggregates: {s: sum(twice)}}}
sinks:
  - kafka: {topic: out}
  - {from: some, stdout: {}}
  - {from: late, kafka: {topic: late}, delivery: at_least_once}
)";

TEST_CASE("a plan is drawn as a tree, in which what takes rows of several stands by itself") {
  CHECK_THAT(explain(planned(kUnion)), Contains(R"(pipeline p (p.yaml)

source web: json from w
└─ filter some: n > 1
   └─ sink stdout-2: standard output, at least once
source app: json from ^a
union union-1: web, app
└─ select select-2: user, twice
   └─ window window-4: sliding 5m by 1m, by user
      └─ sink kafka-1: kafka out, exactly once
late records
└─ sink kafka-3: kafka late, at least once

source web
)"));
}

TEST_CASE("every branch is drawn, and each once") {
  const std::string text = explain(over_topic("  - map: {m: n + 1}\n  - {name: a, window: {tumbling: 1m, aggregates: {c: count()}}}\n"
                                              "  - {name: b, from: map-1, filter: m > 2}\n",
                                              "  - {from: a, drop: {}}\n  - {from: b, drop: {}}\n  - {from: b, stdout: {}}\n"));
  CHECK_THAT(text, Contains("source in: json from t\n└─ map map-1: m\n   ├─ window a: tumbling 1m, by nothing (one global key)\n"
                            "   │  └─ sink drop-1: counts its rows and writes none\n   └─ filter b: m > 2\n"
                            "      ├─ sink drop-2: counts its rows and writes none\n      └─ sink stdout-3: standard output, at least once\n"));
}

TEST_CASE("fields, lanes and time of a window over another one are told") {
  const std::string steps = "  - {name: a, window: {tumbling: 1m, by: [user, n], aggregates: {c: count()}}}\n";
  const std::string moved = explain(over_topic(steps + "  - {name: b, window: {tumbling: 1h, by: [n], aggregates: {c: count()}}}\n"));
  CHECK_THAT(moved, Contains("over window a: a row's time is its window_end less 1 ms"));
  CHECK_THAT(moved, Contains("rows find theirs by the hash of the key; time is that of the slowest lane of a"));
  CHECK_THAT(moved, Contains("gives n: int, window_start: timestamp, window_end: timestamp, c: int\n"));
  const std::string kept = explain(over_topic(steps + "  - {name: b, window: {tumbling: 1h, by: [n, user], aggregates: {c: count()}}}\n"));
  CHECK_THAT(kept, Contains("lanes: each row stays in its lane of a"));
}

// The most slices that are open at once where the lane's time stands anywhere in two periods and records lie up to `ahead` of
// it, counted one by one.
template <class Shape>
int64_t most_open(const Shape& shape, Duration lateness, Duration ahead) {
  const Slices slices(shape);
  const Duration grain = Duration::seconds(1);
  int64_t most = 0;
  for (Time now{0}; now < Time{0} + shape.size + shape.size; now = now + grain) {
    std::set<int64_t> open;
    for (Time t = now - shape.size - lateness; t <= now + ahead; t = t + grain) {
      const Slice slice = slices.slice_of(t);
      if (slices.end_of(slice.last_window) + lateness > now) open.insert(slice.start.us);
    }
    most = std::max(most, static_cast<int64_t>(open.size()));
  }
  return most;
}

nlohmann::json state_of(const std::string& window) {
  return json_of(over_topic("  - window: {" + window + ", by: [user], aggregates: {c: count(), s: sum(n)}}\n"))["steps"][0]["state"];
}

TEST_CASE("what a key costs is told in bytes, by slices that are open") {
  const nlohmann::json tumbling = state_of("tumbling: 1m");
  const int64_t entry = tumbling["bytes_per_key_and_slice"];
  CHECK(tumbling["accumulator_bytes"].get<int64_t>() < entry);
  CHECK(tumbling["slices_per_window"] == 1);
  CHECK(tumbling["slices_open"] == 3);  // the one at the lane's time, 62 s ahead of it another, and one between
  CHECK(tumbling["bytes_per_key"] == 3 * entry);
  CHECK(state_of("sliding: {size: 5m, step: 1m}")["slices_per_window"] == 5);
  CHECK(state_of("sliding: {size: 150s, step: 1m}")["slices_per_window"] == 6);
  CHECK_FALSE(state_of("session: {gap: 30s, max: 1h}").contains("slices_open"));
  CHECK(state_of("calendar: {unit: day}")["slices_open"] == 3);
}

TEST_CASE("the slices that may be open at a time are those that a count of them finds") {
  const auto seconds = [](int64_t n) { return Duration::seconds(n); };
  const auto told = [](const std::string& window) { return state_of(window)["slices_open"].get<int64_t>(); };
  // `max_delay` is 2 s, `max_drift` the longest window or a minute.
  CHECK(told("sliding: {size: 5m, step: 1m}") == most_open(AlignedShape{seconds(300), seconds(60), {}}, {}, seconds(302)));
  CHECK(told("sliding: {size: 150s, step: 1m}") == most_open(AlignedShape{seconds(150), seconds(60), {}}, {}, seconds(152)));
  CHECK(told("sliding: {size: 65s, step: 20s}") == most_open(AlignedShape{seconds(65), seconds(20), {}}, {}, seconds(67)));
  CHECK(told("cumulative: {size: 5m, step: 1m}") == most_open(CumulativeShape{seconds(300), seconds(60), {}}, {}, seconds(302)));
  CHECK(told("cumulative: {size: 100s, step: 30s}") == most_open(CumulativeShape{seconds(100), seconds(30), {}}, {}, seconds(102)));
  const int64_t late = told("tumbling: 1m, allowed_lateness: 10m");
  CHECK(late == most_open(AlignedShape{seconds(60), seconds(60), {}}, seconds(600), seconds(62)));
}

TEST_CASE("what restarts and rebalances cost depends on where lanes are") {
  const std::string window = "  - window: {tumbling: 1m, by: [user], aggregates: {c: count()}}\n";
  const Plan by_key = over_topic(window);
  CHECK(json_of(by_key)["recovery"]["unit"] == "pipeline");
  CHECK(json_of(by_key)["lanes"] == nlohmann::json::parse(R"({"by": "key", "count": 32, "notes": ["32, by the hash of the key, in memory: one instance owns all partitions, and its threads share the lanes", "their number is fixed once there is state"]})"));
  CHECK_THAT(explain(by_key), Contains("a rebalance is a restart: another instance can only take over all partitions"));
  const Plan promised = over_topic(window, "  - drop: {}\n", ", partitioned_by: [user]");
  CHECK(json_of(promised)["recovery"]["unit"] == "partition number");
  CHECK(json_of(promised)["lanes"]["by"] == "partition");
  const Plan stateless = over_topic("  - filter: n > 1\n");
  CHECK(json_of(stateless)["recovery"]["unit"] == "partition");
  CHECK_THAT(explain(stateless), Contains("no state to restore"));
}

TEST_CASE("the JSON names every node, what it takes, and the guarantee of each sink") {
  const nlohmann::json plan = json_of(planned(kUnion));
  CHECK(plan["pipeline"] == "p");
  CHECK(plan["sources"][1]["topics"] == nlohmann::json({"^a"}));
  CHECK(plan["sources"][0]["takes"].empty());
  CHECK(plan["steps"][0]["takes"] == nlohmann::json({"web", "app"}));
  CHECK(plan["steps"][1]["kind"] == "select");
  CHECK(plan["steps"][1]["gives"] == nlohmann::json::parse(R"({"user": "string", "twice": "int"})"));
  CHECK(plan["steps"][3]["keys"] == nlohmann::json::parse(R"(["user"])"));
  std::vector<std::string> guarantees;
  for (const auto& sink : plan["sinks"]) guarantees.push_back(sink["guarantee"]);
  CHECK(guarantees == std::vector<std::string>{"exactly_once", "at_least_once", "at_least_once"});
  CHECK(plan["sinks"][2]["takes"] == nlohmann::json::parse(R"(["late"])"));
  CHECK(plan["checkpoint"]["every"] == "5s");
}

TEST_CASE("a dedupe tells its keys and what it remembers") {
  const std::string text = explain(over_topic("  - dedupe: {by: [user, n], within: 10m}\n"));
  CHECK_THAT(text, Contains("dedupe dedupe-1: the first of each user, n within 10m\n"));
  CHECK_THAT(text, Contains("state: 40 bytes, and the part of the key beyond 12 bytes, for each key that passed within 10m\n"));
}

}  // namespace
}  // namespace tidemark
