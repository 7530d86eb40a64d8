// A run drives one lane through lives that differ in when it is frozen, written, shed or restored, and requires on the
// way what must hold in all of them.
#include "tests/operators/windows/lane_harness.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <tuple>

#include "base/counters.h"
#include "operators/key_codec.h"
#include "operators/partition_clock.h"
#include "operators/windows/state_block.h"
#include "operators/windows/watermark.h"
#include "tests/catch.h"

namespace tidemark {
namespace {

enum Slot : uint32_t { kKey, kNumber, kAmount, kText, kChosen, kSlots };
constexpr std::string_view kTopic = "events";

template <class T>
std::string show(const std::optional<T>& v) {
  return v ? fmt::format("{}", *v) : "null";
}

void plan_aggregate(TestPlan& test, std::string_view name, std::optional<uint32_t> arg, std::optional<uint32_t> where,
                    const std::vector<std::vector<double>>& parameters = {}) {
  static const Type kTypes[] = {TypeKind::kString, TypeKind::kInt, TypeKind::kDouble, TypeKind::kString, TypeKind::kBool};
  const AggregateFunction* function = find_aggregate_function(name);
  REQUIRE(function != nullptr);
  const std::span<const Type> args = arg ? std::span(&kTypes[*arg], 1) : std::span<const Type>();
  auto made = function->make({args, parameters, test.topics});
  REQUIRE(made.has_value());
  const size_t size = (*made)->state_size();
  test.plan.aggregates.push_back({std::move(*made), arg, std::nullopt, where, test.plan.state_size});
  test.plan.results.push_back({test.plan.aggregates.back().function.get(), test.plan.state_size});
  test.plan.state_size += size;
}

std::optional<std::string> text_at(const Column& c, uint32_t i) {
  return c.valid[i] ? std::optional(std::string(c.strings[i])) : std::nullopt;
}
std::optional<int64_t> number_at(const Column& c, uint32_t i) { return c.valid[i] ? std::optional(c.ints[i]) : std::nullopt; }
std::optional<double> real_at(const Column& c, uint32_t i) { return c.valid[i] ? std::optional(c.doubles[i]) : std::nullopt; }

// Rows come while windows wait to be fired.
bool waits(RunMode mode) { return mode == RunMode::kFullOutput || mode == RunMode::kFullOutputInParts; }

// Takes batches apart, and checks what every emitter may count on.
class Collector final : public ResultEmitter {
 public:
  Collector(const WindowPlan& plan, RunOutcome& outcome, RunMode mode) : plan_(plan), outcome_(outcome), mode_(mode) {}
  bool wants_pause() override {
    return waits(mode_) ? full_ : mode_ == RunMode::kPauseBetweenWindows || in_parts();
  }
  bool in_parts() const override { return mode_ == RunMode::kInParts || mode_ == RunMode::kFullOutputInParts; }
  bool wants_part() override { return in_parts(); }
  bool is_full() const { return full_; }
  void open() { full_ = false; }
  void emit(std::unique_ptr<Batch> b) override {
    REQUIRE(b->rows > 0);
    REQUIRE(b->rows <= Batch::kMaxRows);
    REQUIRE(b->partition == -1);
    REQUIRE(b->event_times.size() == b->rows);
    REQUIRE(b->kafka_times.size() == b->rows);
    for (const Column& c : b->columns) REQUIRE(c.valid.size() == b->rows);
    for (uint32_t i = 0; i < b->rows; ++i) take(*b, i);
    full_ = true;
  }
  void forbid_finals_until(Time t) { last_final_ = std::max(last_final_, t); }
  // Nothing is left that was spoken of and had no last row.
  void expect_all_final() const {
    for (const auto& [of, said] : said_) REQUIRE(said.is_final);
  }

 private:
  // What was said of a key and window so far.
  struct Said {
    int64_t revision = 0;
    int64_t count = 0;
    bool is_final = false;
  };

  void take(const Batch& b, uint32_t i) {
    const ResultRow row = read_row(b, i);
    REQUIRE(b.event_times[i] == row.end - Duration::millis(1));
    Said& said = said_[{row.start, row.end, row.key}];
    REQUIRE_FALSE(said.is_final);
    said.is_final = true;
    if (plan_.withdraws() && b.columns[13].bools[i]) return withdraw(b, i, said);
    if (plan_.revises()) {
      const Column* const revision = &b.columns.end()[-2];
      said.is_final = revision[1].bools[i];
      REQUIRE(revision->ints[i] > said.revision);
      REQUIRE(row.count >= said.count);
      said.revision = revision->ints[i];
      said.count = row.count;
    }
    if (!said.is_final) return void(++outcome_.early);
    const Time at = row.end + plan_.allowed_lateness;
    REQUIRE(at >= last_final_);
    last_final_ = at;
    outcome_.results.push_back(render(row));
  }

  // A session that was spoken of is none any more.
  void withdraw(const Batch& b, uint32_t i, const Said& said) {
    REQUIRE(said.revision > 0);
    REQUIRE(b.columns[14].ints[i] > said.revision);
    REQUIRE(b.columns[15].bools[i]);
    REQUIRE(number_at(b.columns[3], i) == 0);
    ++outcome_.withdrawn;
  }

  const WindowPlan& plan_;
  RunOutcome& outcome_;
  const RunMode mode_;
  bool full_ = false;
  std::map<std::tuple<Time, Time, std::optional<std::string>>, Said> said_;
  Time last_final_ = Time::min();
};

// One run of one lane through all its lives.
class LaneRun {
 public:
  LaneRun(const TestPlan& test, RunMode mode, TestStore& store)
      : test_(test), mode_(mode), store_(store), number_(store.fresh_lane()), collector_(test.plan, outcome_, mode) {
    lane_ = make(nullptr);
  }

  void step(const std::vector<TestRow>& rows, Time lane_watermark) {
    const auto batch = make_batch(test_, rows);
    std::vector<uint32_t> all(rows.size());
    for (uint32_t i = 0; i < all.size(); ++i) all[i] = i;
    std::vector<LateRow> late;
    lane_->add(*batch, all, late);
    for (const LateRow& l : late) {
      REQUIRE(l.reason == LateReason::kLate);
      REQUIRE(l.watermark == rows[l.row].watermark);
      outcome_.late.push_back(fmt::format("{}/{}", rows[l.row].partition, rows[l.row].offset));
    }
    REQUIRE(lane_->dirty_bytes() <= lane_->memory_bytes());
    if (waits(mode_)) {
      fire(lane_watermark);  // what it leaves waits while further rows come
    } else {
      advance(lane_watermark);
    }
    persist();
  }

  RunOutcome finish() {
    for (int turns = 0; waits(mode_) && !fire(Time::max()); ++turns) {
      REQUIRE(turns < 100'000);
      persist();
    }
    advance(Time::max());
    while (!frozen_.empty()) write_oldest();
    REQUIRE(lane_->keys() == 0);
    REQUIRE(lane_->dirty_bytes() == 0);
    collector_.expect_all_final();
    outcome_.memory_at_end = lane_->memory_bytes();
    add_counters(outcome_.counters, lane_->counters());
    std::ranges::sort(outcome_.results);
    std::ranges::sort(outcome_.late);
    return std::move(outcome_);
  }

 private:
  std::unique_ptr<WindowLane> make(std::shared_ptr<const StoreView> view) {
    auto made = make_window_lane(test_.plan, 7, number_, std::move(view));
    REQUIRE(made.has_value());
    return std::move(*made);
  }

  void advance(Time to) {
    // What is final from now on was not when the watermark stood here.
    collector_.forbid_finals_until(lane_->watermark());
    const Time before = lane_->watermark();
    for (;;) {
      const Time paused_at = lane_->watermark();
      const size_t finals = outcome_.results.size();
      REQUIRE(lane_->advance(to, collector_).has_value());
      if (lane_->watermark() >= to && !lane_->has_more()) break;
      REQUIRE((mode_ == RunMode::kPauseBetweenWindows || mode_ == RunMode::kInParts));
      // What speaks early begins that anew when it is restored: with a restore behind each word it would never end.
      if (lane_->watermark() > paused_at || outcome_.results.size() > finals) persist();
    }
    REQUIRE(lane_->watermark() == std::max(before, to));
  }

  // Once, as a worker does between two looks at what else there is to do; the output opens at every third time. True when
  // nothing is left to say.
  bool fire(Time to) {
    collector_.forbid_finals_until(lane_->watermark());
    if (++turns_ % 3 == 0) collector_.open();
    const bool was_full = collector_.is_full();
    const Time before = lane_->watermark();
    const uint64_t said = lane_->counters().results;
    REQUIRE(lane_->advance(to, collector_).has_value());
    const bool all = lane_->watermark() >= to && !lane_->has_more();
    REQUIRE((all || lane_->watermark() > before || lane_->counters().results > said));
    outcome_.waits += !all && was_full;
    return all;
  }

  void write_oldest() {
    REQUIRE(write(*frozen_.front(), store_.store()).has_value());
    lane_->on_written(frozen_.front()->number(), store_.store().view());
    frozen_.pop_front();
  }

  void persist() {
    if (mode_ == RunMode::kRowByRow || mode_ == RunMode::kBulk) return;
    if (waits(mode_) && turns_ % 4 != 0) return;
    frozen_.push_back(lane_->freeze());
    if (mode_ == RunMode::kLaggingWriter || waits(mode_)) {
      if (frozen_.size() > 3) write_oldest();
      if (++steps_ % 5 == 0) lane_->shed(0);
      return;
    }
    write_oldest();
    REQUIRE(lane_->dirty_bytes() == 0);
    if (mode_ == RunMode::kShedAfterEveryStep) {
      lane_->shed(0);
      REQUIRE(lane_->keys() == 0);
    }
    if (mode_ == RunMode::kRestoreAfterEveryStep || mode_ == RunMode::kPauseBetweenWindows || mode_ == RunMode::kInParts) {
      const Time watermark = lane_->watermark();
      add_counters(outcome_.counters, lane_->counters());
      lane_ = make(store_.store().view());
      REQUIRE(lane_->watermark() == watermark);
    }
  }

  const TestPlan& test_;
  RunMode mode_;
  TestStore& store_;
  uint16_t number_;
  RunOutcome outcome_;
  Collector collector_;
  std::unique_ptr<WindowLane> lane_;
  std::deque<std::unique_ptr<FrozenGeneration>> frozen_;
  int steps_ = 0;
  int turns_ = 0;
};

}  // namespace

void stamp(std::vector<TestRow>& rows, Duration max_delay) {
  std::map<int32_t, std::pair<PartitionClock, int64_t>> partitions;
  for (TestRow& row : rows) {
    auto& [clock, next_offset] = partitions.try_emplace(row.partition, PartitionClock(max_delay), 0).first->second;
    row.watermark = clock.watermark();
    row.offset = next_offset++;
    clock.observe(row.event_time);
  }
}

namespace {

std::unique_ptr<TestPlan> make_bare_plan(WindowShape shape) {
  auto test = std::make_unique<TestPlan>();
  test->plan.step_name = "w";
  test->plan.shape = std::move(shape);
  test->plan.key_types = {TypeKind::kString};
  test->topics.number_of("another");
  test->topic = test->topics.number_of(kTopic);
  return test;
}

}  // namespace

std::unique_ptr<TestPlan> make_test_plan(WindowShape shape, Duration allowed_lateness, EmitWhen emit, Duration every) {
  auto test = make_bare_plan(std::move(shape));
  test->plan.allowed_lateness = allowed_lateness;
  test->plan.emit = emit;
  test->plan.every = every;
  test->plan.state_size = state_head_size(test->plan);
  plan_aggregate(*test, "count", std::nullopt, std::nullopt);
  plan_aggregate(*test, "sum", kNumber, std::nullopt);
  plan_aggregate(*test, "sum", kAmount, kChosen);
  plan_aggregate(*test, "min", kText, std::nullopt);
  plan_aggregate(*test, "last", kNumber, std::nullopt);
  plan_aggregate(*test, "first", kText, kChosen);
  plan_aggregate(*test, "avg", kNumber, std::nullopt);
  plan_aggregate(*test, "list", kNumber, kChosen, {{3}});
  plan_aggregate(*test, "distinct", kText, std::nullopt, {{4}});
  plan_aggregate(*test, "quantile", kNumber, std::nullopt, {{0.5}, {0.1}});
  return test;
}

std::unique_ptr<TestPlan> make_plan_of_sums(WindowShape shape) {
  auto test = make_bare_plan(std::move(shape));
  plan_aggregate(*test, "count", std::nullopt, std::nullopt);
  plan_aggregate(*test, "sum", kNumber, std::nullopt);
  plan_aggregate(*test, "sum", kAmount, std::nullopt);
  return test;
}

std::unique_ptr<Batch> make_batch(const TestPlan& test, const std::vector<TestRow>& rows) {
  auto batch = std::make_unique<Batch>();
  const auto n = rows.size();
  batch->rows = static_cast<uint32_t>(n);
  batch->topic = test.topic;
  batch->partition = rows.empty() ? 0 : rows[0].partition;
  batch->columns.resize(kSlots);
  batch->columns[kKey].reset(TypeKind::kString, n);
  batch->columns[kNumber].reset(TypeKind::kInt, n);
  batch->columns[kAmount].reset(TypeKind::kDouble, n);
  batch->columns[kText].reset(TypeKind::kString, n);
  batch->columns[kChosen].reset(TypeKind::kBool, n);
  const auto text = [&](Column& c, size_t i, const std::optional<std::string>& v) {
    c.valid[i] = v.has_value();
    if (v) c.strings[i] = batch->arena.copy(*v);
  };
  std::vector<uint32_t> all(n);
  for (uint32_t i = 0; i < n; ++i) {
    const TestRow& r = rows[i];
    all[i] = i;
    REQUIRE(r.partition == batch->partition);
    text(batch->columns[kKey], i, r.key);
    text(batch->columns[kText], i, r.text);
    batch->columns[kNumber].valid[i] = r.number.has_value();
    batch->columns[kNumber].ints[i] = r.number.value_or(0);
    batch->columns[kAmount].valid[i] = r.amount.has_value();
    batch->columns[kAmount].doubles[i] = r.amount.value_or(0);
    batch->columns[kChosen].valid[i] = r.chosen.has_value();
    batch->columns[kChosen].bools[i] = r.chosen.value_or(false);
    batch->event_times.push_back(r.event_time);
    batch->kafka_times.push_back(r.kafka_time);
    batch->watermarks.push_back(r.watermark);
    batch->offsets.push_back(r.offset);
  }
  batch->keyed.resize(1);
  const uint32_t key_slots[] = {kKey};
  encode_keys(*batch, all, key_slots, batch->arena, batch->keyed[0]);
  return batch;
}

Status write(const FrozenGeneration& generation, KeyedStore& store) {
  GenerationWriter out(store);
  if (Status written = generation.write_to(out); !written) return written;
  return out.finish();
}

TestStore::TestStore(const WindowPlan& plan) {
  static int counter = 0;
  dir_ = std::filesystem::temp_directory_path() / fmt::format("tidemark-lane-{}-{}", getpid(), counter++);
  StoreOptions options;
  options.memory = std::make_shared<const StoreMemory>(size_t{8} << 20, size_t{8} << 20);
  options.merge = [&plan](std::string_view, std::string& accumulator, std::string_view operand) {
    return merge_window_states(plan, accumulator, operand);
  };
  auto opened = KeyedStore::open(dir_, std::move(options));
  REQUIRE(opened.has_value());
  store_ = std::move(*opened);
}

TestStore::~TestStore() {
  store_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(dir_, ignored);
}

RunOutcome run_lane(const TestPlan& test, const std::vector<TestRow>& rows, RunMode mode, TestStore& store) {
  LaneRun run(test, mode, store);
  std::map<int32_t, Time> ahead;
  for (const TestRow& row : rows) ahead[row.partition] = Time::min();
  const auto minimum = [&] { return std::ranges::min_element(ahead, {}, &std::pair<const int32_t, Time>::second)->second; };
  const bool single = mode == RunMode::kRowByRow || waits(mode);
  const size_t longest = single ? 1 : mode == RunMode::kBulk ? 64 : 7;
  for (size_t i = 0; i < rows.size();) {
    std::vector<TestRow> step;
    while (i < rows.size() && step.size() < longest && (step.empty() || rows[i].partition == step[0].partition)) {
      step.push_back(rows[i++]);
    }
    run.step(step, minimum());
    ahead[step[0].partition] = step.back().watermark;
  }
  return run.finish();
}

ResultRow read_row(const Batch& b, uint32_t i) {
  const auto& c = b.columns;
  return {text_at(c[0], i),  {c[1].ints[i]},     {c[2].ints[i]},  b.kafka_times[i],  *number_at(c[3], i), number_at(c[4], i),
          real_at(c[5], i),  text_at(c[6], i),   number_at(c[7], i), text_at(c[8], i), real_at(c[9], i),
          text_at(c[10], i), number_at(c[11], i), real_at(c[12], i)};
}

std::string render(const ResultRow& r) {
  return fmt::format("[{}, {}) {} @{}: count {} sum {} chosen {} min {} last {} first {} avg {} list {} distinct {} median {}", r.start.us, r.end.us,
                     show(r.key), r.kafka_time.us, r.count, show(r.sum), show(r.chosen_amount), show(r.min_text),
                     show(r.last_number), show(r.first_chosen_text), show(r.average), show(r.list), show(r.distinct),
                     r.median.has_value());
}

}  // namespace tidemark
