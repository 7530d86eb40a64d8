// ResultWriter: turns fired (key, states) pairs into batches of result rows. Knows the plan's columns, not where states
// come from.
#pragma once

#include <memory>
#include <string_view>

#include "operators/windows/window_lane.h"
#include "operators/windows/window_plan.h"

namespace tidemark {

// One window about to be fired.
struct FiredWindow {
  Time start;
  Time end;
  Time newest_kafka_time = Time::min();  // of the records counted in it; Time::min() where none had one
  size_t expected_rows = 0;              // a guess, for memory only
  // Where the window revises.
  int64_t revision = 0;
  bool is_final = true;
  bool withdrawn = false;  // where it withdraws
};

// min(end - 1 ms, the newest Kafka time), not below 0: brokers refuse the far future and negative times. Of running totals,
// whose end says nothing of when they are: the newest Kafka time.
Time result_kafka_time(const FiredWindow& window, bool running);

// Single-threaded. Rows are emitted in the order in which they were added, in batches of up to Batch::kMaxRows rows
// that may span windows; finish() emits the last one.
class ResultWriter {
 public:
  ResultWriter(const WindowPlan& plan, ResultEmitter& out, WindowCounters& counters)
      : plan_(plan), out_(out), counters_(counters) {}
  void begin(const FiredWindow& window);
  // False when `key` was not made by encode_keys.
  [[nodiscard]] bool add(std::string_view key, const std::byte* states);
  void finish();
  // Whether what follows is to wait for another part of the window.
  bool wants_part() { return out_.wants_part(); }

 private:
  void open_batch();
  void note_records();
  void widen(size_t rows);
  void add_revision(size_t row);

  const WindowPlan& plan_;
  ResultEmitter& out_;
  WindowCounters& counters_;
  FiredWindow window_;
  Time event_time_;
  Time kafka_time_;
  std::unique_ptr<Batch> batch_;
  size_t room_ = 0;  // rows that the columns have
};

}  // namespace tidemark
