// Windows over windows beside the direct ones, on the fake Kafka: where both count the same records, their rows are the same
// to the last byte, through crashes and spilled state.
#include <map>

#include <fmt/format.h>

#include "tests/catch.h"
#include "tests/daemon/property/cases.h"
#include "tests/daemon/property/compare.h"
#include "tests/daemon/property/run.h"

using namespace tidemark;
using namespace tidemark::property;

namespace {

constexpr const char* kSums = "c: sum(c), s: sum(s), x: sum(x), least: min(least), most: max(most)";

std::string window(const std::string& name, const std::string& from, const std::string& shape, const std::string& by,
                   const std::string& aggregates) {
  return fmt::format("  - {{name: {}, from: {}, window: {{{}, by: [{}], aggregates: {{{}}}}}}}\n", name, from, shape, by, aggregates);
}

// Each of the ways is written twice: straight from the source, and over the seconds of each user and region.
Case both_ways(uint64_t seed) {
  struct Way {
    const char* name;
    const char* shape;
    const char* by;
  };
  const std::vector<Way> ways = {{"tens", "tumbling: 10s", "user, region"}, {"users", "sliding: {size: 10s, step: 2s}", "user"},
                                 {"all", "cumulative: {size: 12s, step: 3s}", ""}};
  Case one;
  one.yaml = "name: prop\nsources:\n  events:\n    kafka: {brokers: fake:9092, topics: [in]}\n"
             "    schema: {user: string, region: string, n: int, x: double, ts: timestamp(ms)}\n"
             "    event_time: {field: ts, max_delay: 2s, idle_after: 7d}\nsteps:\n";
  std::string sinks = "sinks:\n";
  one.yaml += window("seconds", "events", "tumbling: 1s", "user, region", "c: count(), s: sum(n), x: sum(x), least: min(x), most: max(x)");
  for (const Way& way : ways) {
    const std::string name = way.name;
    one.yaml += window(name, "events", way.shape, way.by, "c: count(), s: sum(n), x: sum(x), least: min(x), most: max(x)");
    one.yaml += window(name + "-over", "seconds", way.shape, way.by, kSums);
    for (const char* end : {"", "-over"}) sinks += fmt::format("  - {{from: {0}{1}, kafka: {{topic: {0}{1}}}}}\n", name, end);
  }
  one.yaml += sinks;
  Random random(seed);
  for (int32_t p = 0; p < 3; ++p) {
    oracle::PartitionLog log{"in", p, {}};
    int64_t ms = kBaseUs / 1000;
    for (int64_t i = 0; i < 800; ++i) {
      ms += random.in(0, 80);
      const int64_t ts = ms - random.in(0, 2000);  // never late
      // Quarters: sums of them are exact, so that rounding them once or twice is the same.
      log.records.push_back({i, ts, std::nullopt,
                             fmt::format(R"({{"user":"u{}","region":"r{}","n":{},"x":{}.25,"ts":{}}})", random.in(0, 20), random.in(0, 3),
                                         random.in(-1'000'000'000'000, 1'000'000'000'000), random.in(-100'000, 100'000), ts),
                             {}});
    }
    one.log_ends.push_back(static_cast<int64_t>(log.records.size()));
    one.logs.push_back(std::move(log));
  }
  return one;
}

// Multisets of rows, by topic.
std::map<std::string, std::map<std::string, int>> rows_of(const FakeBroker& broker) {
  std::map<std::string, std::map<std::string, int>> rows;
  for (const Written& row : broker.committed_rows()) {
    rows[row.topic][fmt::format("{} {} {}", row.key.value_or("null"), row.timestamp_ms, row.value.value_or("null"))] += 1;
  }
  return rows;
}

}  // namespace

TEST_CASE("sums of counts and of sums, the least of the least and the greatest of the greatest are the direct ones") {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    CAPTURE(seed);
    const Case one = both_ways(seed);
    FakeBroker broker(one.logs, one.log_ends, 3);
    const StateDir dir;
    Random random(seed);
    Shape shape;
    // With one lane the timestamps agree, too: they show the newest record of a window in its lane.
    shape.lanes = seed % 2 == 0 ? 1 : 4;
    shape.checkpoint_every_ms = 20;
    shape.state_bytes = seed % 3 == 0 ? 64 << 10 : 64 << 20;
    shape.channel_bytes = seed > 3 ? 64 : 32 << 20;
    for (int64_t life = 0; life <= 2; ++life) {
      LifePlan plan;
      plan.seed = random.next();
      plan.workers = shape.lanes == 1 ? 1 : 3;
      plan.batch_rows = 64;
      if (life < 2) plan.death = {random.one_of({Act::kFile, Act::kProduce, Act::kTransaction}), random.in(1, 150), random.percent(50)};
      const LifeEnd end = live(one, shape, plan, broker, dir);
      INFO(end.error);
      REQUIRE((end.died || end.exit_code == 0));
      if (!end.died) CHECK(end.status["ledger"]["closed"] == true);
    }
    auto rows = rows_of(broker);
    for (const char* way : {"tens", "users", "all"}) {
      CHECK(rows[way].size() > 5);
      if (shape.lanes == 1) {
        CHECK(rows[way] == rows[std::string(way) + "-over"]);
        continue;
      }
      std::map<std::string, int> direct, over;
      const auto without_time = [](const std::string& row) { return row.substr(row.find('{')); };
      for (const auto& [row, n] : rows[way]) direct[without_time(row)] += n;
      for (const auto& [row, n] : rows[std::string(way) + "-over"]) over[without_time(row)] += n;
      CHECK(direct == over);
    }
    CHECK(broker.violations().empty());
  }
}
