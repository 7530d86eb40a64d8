// Repeats that lie in different partitions: which of them passes is up to the run, that one of them does is not.
#include <map>

#include <fmt/format.h>

#include "tests/catch.h"
#include "tests/daemon/property/run.h"

using namespace tidemark;
using namespace tidemark::property;

namespace {

constexpr int64_t kPartitions = 4;
constexpr int64_t kIds = 400;

// Every id once in every partition, each partition in an order of its own.
Case scattered(Random& random) {
  Case one;
  one.yaml = R"(name: prop
sources:
  events:
    kafka: {brokers: 'fake:9092', topics: [in]}
    schema: {id: string, n: int}
    event_time: {max_delay: 0s, idle_after: 7d}
steps:
  - filter: n < 3
  - dedupe: {by: [id], within: 7d}
  - map: {once: 1}
sinks:
  - kafka: {topic: rows, key: [id]}
)";
  one.sink_partitions = 3;
  for (int32_t p = 0; p < kPartitions; ++p) {
    oracle::PartitionLog log{"in", p, {}};
    std::vector<int64_t> ids;
    for (int64_t id = 0; id < kIds; ++id) ids.insert(ids.begin() + random.in(0, id), id);
    for (const int64_t id : ids) {
      oracle::Record record;
      record.offset = static_cast<int64_t>(log.records.size());
      record.timestamp_ms = kBaseUs / 1000 + record.offset;
      record.value = fmt::format(R"({{"id":"e{}","n":{}}})", id, p);
      log.records.push_back(std::move(record));
    }
    one.log_ends.push_back(kIds);
    one.logs.push_back(std::move(log));
  }
  return one;
}

LifePlan random_life(Random& random, bool last) {
  LifePlan plan;
  plan.seed = random.next();
  plan.workers = random.one_of<uint32_t>({1, 2, 4});
  plan.batch_rows = random.one_of<uint32_t>({1, 7, 4096});
  plan.weather.longest_run = random.one_of<int64_t>({1, 10, 1000});
  if (last) return plan;
  plan.death.at = random.one_of({Act::kFile, Act::kProduce, Act::kTransaction, Act::kDeliver});
  plan.death.nth = random.in(1, plan.death.at == Act::kTransaction ? 12 : 200);
  return plan;
}

}  // namespace

TEST_CASE("of records with one key in all partitions one passes, whatever befalls the run") {
  for (uint64_t seed = 1; seed <= 25; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    const Case one = scattered(random);
    FakeBroker broker(one.logs, one.log_ends, one.sink_partitions);
    const StateDir dir;
    Shape shape;
    shape.lanes = random.one_of<uint32_t>({1, 2, 4});
    shape.checkpoint_every_ms = random.one_of<int64_t>({20, 100});
    shape.state_bytes = random.percent(50) ? 64 << 10 : 64 << 20;
    const int64_t deaths = random.in(0, 3);
    for (int64_t life = 0; life <= deaths; ++life) {
      const LifeEnd end = live(one, shape, random_life(random, life == deaths), broker, dir);
      if (!end.died) CHECK(end.error == "");
      if (!end.died && deaths == 0) {
        // The filter keeps one partition out, whose records are not remembered.
        CHECK(end.status["ledger"]["steps"][1]["deduplicated"] == (kPartitions - 2) * kIds);
        CHECK(end.status["ledger"]["closed"] == true);
      }
    }
    std::map<std::string, int> passed;
    for (const Written& row : broker.committed_rows()) ++passed[row.key.value_or("")];
    CHECK(passed.size() == kIds);
    for (const auto& [id, n] : passed) {
      if (n != 1) FAIL_CHECK(id << " passed " << n << " times");
    }
    CHECK(broker.violations().empty());
  }
}
