// Window lanes against the naive oracle: random shapes, disorder, late rows, negative times and several partitions, in
// every way that the harness can run them.
#include <map>
#include <random>
#include <span>
#include <tuple>

#include "tests/catch.h"
#include "tests/effort.h"
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

// Gaps as long as the pauses of random rows and longer, some of them cut.
SessionShape random_session(Rng& rng) {
  const int64_t gap = rng.between(1, 12) * (rng.one_in(2) ? 1000 : 5000);
  if (rng.one_in(2)) return {{gap}, std::nullopt};
  return {{gap}, Duration{gap * rng.between(1, 6) + rng.between(0, 1500)}};
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

// When windows speak, besides once they are closed.
struct Emission {
  Duration allowed_lateness;
  EmitWhen emit = EmitWhen::kOnClose;
  Duration every;
};

Emission random_emission(Rng& rng) {
  Emission emission;
  if (rng.one_in(2)) emission.allowed_lateness = {rng.between(1, 20'000)};
  if (rng.one_in(2)) emission.emit = rng.one_in(2) ? EmitWhen::kOnChange : EmitWhen::kEvery;
  if (emission.emit == EmitWhen::kEvery) emission.every = {rng.between(500, 8'000)};
  return emission;
}

std::unique_ptr<TestPlan> plan_of(const WindowShape& shape, const Emission& emission) {
  return make_test_plan(shape, emission.allowed_lateness, emission.emit, emission.every);
}

// Answers how often a full output left windows waiting.
uint64_t check_all_modes(const WindowShape& shape, const Emission& emission, const std::vector<TestRow>& rows) {
  const NaiveOutcome expected = naive_windows(shape, rows, emission.allowed_lateness);
  const auto test = plan_of(shape, emission);
  TestStore store(test->plan);
  uint64_t waits = 0;
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
    REQUIRE(got.counters.results == expected.results.size() + got.early + got.withdrawn);
    REQUIRE(got.counters.result_errors >= expected.result_errors);
    if (!test->plan.revises()) REQUIRE(got.counters.result_errors == expected.result_errors);
    if (!test->plan.revises()) REQUIRE(got.early == 0);
    REQUIRE(got.memory_at_end == 0);
    waits += got.waits;
  }
  return waits;
}

}  // namespace

TEST_CASE("lanes give the oracle's rows, however they are run") {
  uint64_t late = 0;
  uint64_t missed = 0;
  uint64_t waits = 0;
  for (uint64_t seed = 1; seed <= tries(90); ++seed) {
    INFO("seed " << seed);
    Rng rng{std::mt19937_64(seed)};
    const WindowShape shape = random_shape(rng);
    auto rows = random_rows(rng, 120);
    stamp(rows, {rng.between(0, 3) * 4000});
    const NaiveOutcome expected = naive_windows(shape, rows);
    late += expected.late.size();
    missed += expected.updates_missed;
    waits += check_all_modes(shape, {}, rows);
  }
  // The rows would prove little if none of them were late or missed some windows, or if no window ever had to wait.
  CHECK(late > tries(500));
  CHECK(missed > tries(100));
  CHECK(waits > tries(100));
}

TEST_CASE("windows that speak early or late end with the oracle's rows, each once, however they are run") {
  uint64_t waits = 0;
  for (uint64_t seed = 1; seed <= tries(200); ++seed) {
    INFO("seed " << seed);
    Rng rng{std::mt19937_64(seed)};
    const WindowShape shape = rng.one_in(2) ? random_shape(rng) : WindowShape(random_session(rng));
    const Emission emission = random_emission(rng);
    auto rows = random_rows(rng, 100);
    stamp(rows, {rng.between(0, 3) * 2000});
    waits += check_all_modes(shape, emission, rows);
  }
  CHECK(waits > tries(100));
}

namespace {

// The newest row of every key and window that has not been withdrawn.
struct Newest final : ResultEmitter {
  explicit Newest(const WindowPlan& plan) : plan(plan) {}
  const WindowPlan& plan;
  std::map<std::tuple<Time, Time, std::optional<std::string>>, std::string> rows;
  void emit(std::unique_ptr<Batch> b) override {
    for (uint32_t i = 0; i < b->rows; ++i) {
      const ResultRow row = read_row(*b, i);
      rows[{row.end, row.start, row.key}] = render(row);
      if (plan.withdraws() && b->columns[13].bools[i]) rows.erase({row.end, row.start, row.key});
    }
  }
  // Of windows that end at `t` or before it.
  std::vector<std::string> until(Time t) const {
    std::vector<std::string> lines;
    for (const auto& [key, line] : rows) {
      if (std::get<0>(key) <= t) lines.push_back(line);
    }
    std::ranges::sort(lines);
    return lines;
  }
};

std::vector<std::string> ending_until(const std::vector<std::string>& lines, Time t) {
  std::vector<std::string> out;
  for (const std::string& line : lines) {
    if (std::stoll(line.substr(line.find(", ") + 2)) <= t.us) out.push_back(line);
  }
  return out;
}

// A lane that is fed row by row and now and then restored, or robbed of its memory.
class Watched {
 public:
  Watched(const TestPlan& test, TestStore& store)
      : newest(test.plan), test_(test), store_(store), number_(store.fresh_lane()) {
    make(nullptr);
  }
  void add(const TestRow& row, Time watermark) {
    const auto batch = make_batch(test_, {row});
    const uint32_t all[] = {0};
    std::vector<LateRow> late;
    lane_->add(*batch, all, late);
    REQUIRE(lane_->advance(watermark, newest).has_value());
    REQUIRE_FALSE(lane_->has_more());
  }
  void write() {
    const auto frozen = lane_->freeze();
    REQUIRE(tidemark::write(*frozen, store_.store()).has_value());
    lane_->on_written(frozen->number(), store_.store().view());
  }
  void shed() { lane_->shed(0); }
  void restore() { make(store_.store().view()); }
  Time watermark() const { return lane_->watermark(); }
  Newest newest;

 private:
  void make(std::shared_ptr<const StoreView> view) {
    auto made = make_window_lane(test_.plan, 7, number_, std::move(view));
    REQUIRE(made.has_value());
    lane_ = std::move(*made);
  }
  const TestPlan& test_;
  TestStore& store_;
  uint16_t number_;
  std::unique_ptr<WindowLane> lane_;
};

// Whether all that has been counted must have been spoken of by now; otherwise only windows that are closed must.
bool all_is_said(const Emission& emission, Time before, Time now) {
  if (emission.emit == EmitWhen::kOnChange) return true;
  if (emission.emit == EmitWhen::kOnClose || before == Time::min()) return false;
  return floor_div(before.us, emission.every.us) < floor_div(now.us, emission.every.us);
}

}  // namespace

TEST_CASE("what was said last of a window is what it holds, at every moment at which it has to be") {
  uint64_t moments = 0;
  for (uint64_t seed = 1; seed <= tries(80); ++seed) {
    INFO("seed " << seed);
    Rng rng{std::mt19937_64(seed)};
    const WindowShape shape = rng.one_in(2) ? random_shape(rng) : WindowShape(random_session(rng));
    Emission emission = random_emission(rng);
    if (emission.emit == EmitWhen::kOnClose) emission.allowed_lateness = {rng.between(1, 20'000)};
    auto rows = random_rows(rng, 80);
    for (TestRow& row : rows) {
      row.partition = 0;
      row.kafka_time = Time::min();  // that of a window may rise without a change of the key
    }
    stamp(rows, {2000});
    const auto test = plan_of(shape, emission);
    TestStore store(test->plan);
    Watched lane(*test, store);
    for (size_t i = 0; i < rows.size(); ++i) {
      const Time before = lane.watermark();
      lane.add(rows[i], rows[i].watermark);
      const Time now = lane.watermark();
      const auto right = naive_windows(shape, std::span(rows).first(i + 1), emission.allowed_lateness).results;
      const bool late_said = emission.emit != EmitWhen::kEvery;  // changes behind a close, too
      const Time until = all_is_said(emission, before, now) ? Time::max() : late_said ? now : Time::min();
      REQUIRE(ending_until(lane.newest.until(until), until) == ending_until(right, until));
      moments += until == Time::max();
      if (rng.one_in(3)) {
        lane.write();
        if (rng.one_in(2)) lane.shed();
        if (rng.one_in(3)) lane.restore();
      }
    }
  }
  CHECK(moments > tries(500));
}

TEST_CASE("sessions are the oracle's, however they are run") {
  uint64_t late = 0;
  uint64_t rows_in_sessions = 0;
  uint64_t sessions = 0;
  uint64_t waits = 0;
  for (uint64_t seed = 1; seed <= tries(120); ++seed) {
    INFO("seed " << seed);
    Rng rng{std::mt19937_64(seed)};
    const SessionShape shape = random_session(rng);
    auto rows = random_rows(rng, 120);
    stamp(rows, {rng.between(0, 3) * 4000});
    const NaiveOutcome expected = naive_windows(shape, rows);
    late += expected.late.size();
    rows_in_sessions += expected.counted;
    sessions += expected.results.size();
    waits += check_all_modes(shape, {}, rows);
  }
  CHECK(late > tries(500));
  CHECK(waits > tries(100));
  // They would prove little if most were of one record.
  CHECK(2 * rows_in_sessions > 3 * sessions);
}

}  // namespace tidemark
