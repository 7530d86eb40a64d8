// Window lanes against the naive oracle: random shapes, disorder, late rows, negative times and several partitions, in
// every way that the harness can run them.
#include <random>

#include "tests/catch.h"
#include "tests/operators/windows/lane_harness.h"
#include "tests/operators/windows/naive_windows.h"

namespace tidemark {
namespace {

struct Rng {
  std::mt19937_64 engine;
  int64_t between(int64_t low, int64_t high) { return std::uniform_int_distribution<int64_t>(low, high)(engine); }
  bool one_in(int64_t n) { return between(1, n) == 1; }
};

WindowShape random_shape(Rng& rng) {
  const int64_t size = rng.between(1, 20) * 1000;
  const int64_t step = rng.one_in(3) ? size : rng.between(1, size / 1000) * 1000 - (rng.one_in(2) ? rng.between(0, 999) : 0);
  const int64_t offset = rng.between(0, 5) * 700;
  if (rng.one_in(3)) return CumulativeShape{{size}, {step}, {offset}};
  return AlignedShape{{size}, {step}, {offset}};
}

std::vector<TestRow> random_rows(Rng& rng, size_t count) {
  const int64_t partitions = rng.between(1, 3);
  const int64_t disorder = rng.between(0, 30'000);
  const int64_t keys = rng.between(1, 8);
  std::vector<int64_t> now(static_cast<size_t>(partitions));
  for (int64_t& t : now) t = rng.between(-60'000, 20'000);
  std::vector<TestRow> rows;
  int64_t partition = 0;
  while (rows.size() < count) {
    if (rng.one_in(4)) partition = rng.between(0, partitions - 1);
    int64_t& t = now[static_cast<size_t>(partition)];
    t += rng.one_in(40) ? rng.between(0, 200'000) : rng.between(0, 1500);
    TestRow row;
    row.partition = static_cast<int32_t>(partition);
    row.event_time = {t - (rng.one_in(3) ? rng.between(0, disorder) : 0)};
    if (!rng.one_in(5)) row.kafka_time = {row.event_time.us + rng.between(-20'000, 20'000)};
    if (!rng.one_in(6)) row.key = std::string(static_cast<size_t>(rng.between(0, 2)) * 9, 'k') + std::to_string(rng.between(1, keys));
    if (!rng.one_in(4)) row.number = rng.between(-1000, 1000);
    if (!rng.one_in(4)) row.amount = static_cast<double>(rng.between(-4000, 4000)) / 4;
    if (!rng.one_in(3)) row.text = std::string(static_cast<size_t>(rng.between(0, 40)), static_cast<char>('a' + rng.between(0, 9)));
    if (!rng.one_in(8)) row.chosen = rng.one_in(2);
    rows.push_back(std::move(row));
  }
  return rows;
}

void check_all_modes(const WindowShape& shape, const std::vector<TestRow>& rows) {
  const NaiveOutcome expected = naive_windows(shape, rows);
  const auto test = make_test_plan(shape);
  TestStore store(test->plan);
  for (const RunMode mode : kAllRunModes) {
    INFO("mode " << static_cast<int>(mode));
    const RunOutcome got = run_lane(*test, rows, mode, store);
    REQUIRE(got.results == expected.results);
    REQUIRE(got.late == expected.late);
    REQUIRE(got.counters.in == rows.size());
    REQUIRE(got.counters.counted == expected.counted);
    REQUIRE(got.counters.late == expected.late.size());
    REQUIRE(got.counters.idle_late == 0);
    REQUIRE(got.counters.updates_missed == expected.updates_missed);
    REQUIRE(got.counters.results == expected.results.size());
    REQUIRE(got.counters.result_errors == expected.result_errors);
    REQUIRE(got.memory_at_end == 0);
  }
}

}  // namespace

TEST_CASE("lanes give the oracle's rows, however they are run") {
  uint64_t late = 0;
  uint64_t missed = 0;
  for (uint64_t seed = 1; seed <= 90; ++seed) {
    INFO("seed " << seed);
    Rng rng{std::mt19937_64(seed)};
    const WindowShape shape = random_shape(rng);
    auto rows = random_rows(rng, 120);
    stamp(rows, {rng.between(0, 3) * 4000});
    const NaiveOutcome expected = naive_windows(shape, rows);
    late += expected.late.size();
    missed += expected.updates_missed;
    check_all_modes(shape, rows);
  }
  // The rows would prove little if none of them were late or missed some windows.
  CHECK(late > 500);
  CHECK(missed > 100);
}

}  // namespace tidemark
