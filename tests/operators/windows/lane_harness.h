// The harness that every window lane is run through: the same rows one by one, in bulk, with a restore after every step,
// with memory shed after every step, with a writer that lags, with pauses between windows and within them and into a full
// output, each into an emitter that checks the order of results.
// All ways must give the same rows. What the rows ought to be is worked out apart, in naive_windows.h.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "operators/windows/window_lane.h"

namespace tidemark {

// One record of a source partition; text columns are empty where the record has none.
struct TestRow {
  int32_t partition = 0;
  Time event_time;
  Time kafka_time = Time::min();
  std::optional<std::string> key;
  std::optional<int64_t> number;
  std::optional<double> amount;
  std::optional<std::string> text;
  std::optional<bool> chosen;
  // Filled by stamp():
  int64_t offset = 0;
  Time watermark = Time::min();  // W(p) just before the record
};

// Gives offsets and partition watermarks, in the order of `rows`.
void stamp(std::vector<TestRow>& rows, Duration max_delay);

// key -> count(), sum(number), sum(amount).where(chosen), min(text), last(number), first(text).where(chosen), avg(number),
// list(number, 3).where(chosen), distinct(text, 4), quantile(number, 0.5, 0.1).
struct TestPlan {
  WindowPlan plan;
  TopicTable topics;
  uint32_t topic = 0;  // of all rows
};
std::unique_ptr<TestPlan> make_test_plan(WindowShape shape, Duration allowed_lateness = {},
                                         EmitWhen emit = EmitWhen::kOnClose, Duration every = {});
// Nothing but count(), sum(kNumber) and sum(kAmount).
std::unique_ptr<TestPlan> make_plan_of_sums(WindowShape shape);

// A batch of rows of one partition, as the source stage would hand it on.
std::unique_ptr<Batch> make_batch(const TestPlan& test, const std::vector<TestRow>& rows);

// What a state writer does with a single generation.
Status write(const FrozenGeneration& generation, KeyedStore& store);

// A store in a folder of its own that goes with it. One store serves many lanes.
class TestStore {
 public:
  explicit TestStore(const WindowPlan& plan);
  ~TestStore();
  KeyedStore& store() { return *store_; }
  uint16_t fresh_lane() { return next_lane_++; }

 private:
  std::string dir_;
  std::unique_ptr<KeyedStore> store_;
  uint16_t next_lane_ = 0;
};

enum class RunMode {
  kRowByRow,
  kBulk,
  kRestoreAfterEveryStep,
  kShedAfterEveryStep,
  kKeepCopies,     // freeze and write after every step, shed nothing
  kLaggingWriter,  // freeze after every step, write three steps later
  kPauseBetweenWindows,  // and restore in each pause
  // Row by row into an output that is full behind every batch and opens later: windows wait, one is fired at a time,
  // and meanwhile rows come, generations are frozen and written late, and memory is shed.
  kFullOutput,
  kInParts,            // each key of a window is a part of its own; restored behind each
  kFullOutputInParts,  // as kFullOutput, one key at a time
};
inline constexpr RunMode kAllRunModes[] = {RunMode::kRowByRow,           RunMode::kBulk,       RunMode::kRestoreAfterEveryStep,
                                           RunMode::kShedAfterEveryStep, RunMode::kKeepCopies, RunMode::kLaggingWriter,
                                           RunMode::kPauseBetweenWindows, RunMode::kFullOutput, RunMode::kInParts,
                                           RunMode::kFullOutputInParts};

struct RunOutcome {
  std::vector<std::string> results;  // one line for each row that is final, sorted
  uint64_t early = 0;                // rows that were not
  uint64_t withdrawn = 0;            // rows that took back what was said of a session
  uint64_t waits = 0;                // times that a full output left windows waiting
  std::vector<std::string> late;     // "partition/offset", sorted
  WindowCounters counters;           // summed over restores
  size_t memory_at_end = 0;
};

// Runs all rows through a lane whose watermark is the minimum over the partitions' W(p), and closes every window.
RunOutcome run_lane(const TestPlan& test, const std::vector<TestRow>& rows, RunMode mode, TestStore& store);

// Renders one result row; the naive oracle uses the same words.
struct ResultRow {
  std::optional<std::string> key;
  Time start;
  Time end;
  Time kafka_time;
  int64_t count = 0;
  std::optional<int64_t> sum;
  std::optional<double> chosen_amount;
  std::optional<std::string> min_text;
  std::optional<int64_t> last_number;
  std::optional<std::string> first_chosen_text;
  std::optional<double> average;
  std::optional<std::string> list;  // the first three chosen numbers
  std::optional<int64_t> distinct;  // texts; null beyond four
  std::optional<double> median;     // rendered as whether there is one
};
std::string render(const ResultRow& row);
ResultRow read_row(const Batch& batch, uint32_t row);

}  // namespace tidemark
