// Event time's progress: whether a partition is idle, and how far a lane has come that is fed by many. Pure: clock
// readings and observations are passed in. Knows neither Kafka nor windows.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.h"

namespace tidemark {

// What is known about a partition's fetches.
enum class FetchObservation {
  kAtEnd,     // a fetch was answered, and the next offset to fetch is the high watermark
  kNotAtEnd,  // a fetch was answered, and there is more; or a record came
  kUnknown,   // paused, unreachable or an error: at the end or not, nobody can tell
};

// A partition is idle once answered fetches have found it at its end for `idle_after` without a break. Any other
// observation ends that. To be told only what was observed since the last time: silence is no observation.
class IdleTracker {
 public:
  explicit IdleTracker(Duration idle_after, bool restored_idle = false) : idle_after_(idle_after), idle_(restored_idle) {}
  // `elapsed` is Clock::elapsed() of the observation.
  void observe(FetchObservation observation, Duration elapsed);
  bool idle() const { return idle_; }

 private:
  Duration idle_after_;
  bool idle_;
  std::optional<Duration> at_end_since_;
};

// The watermark of a lane: the minimum of W(p) over the live partitions that feed it. It never goes back.
//
// Idle partitions are left out; when all are idle it stands still. When all have been idle for `close_after_idle`, it
// goes on from where it stands, at the speed of the clock, until one is live again, so that the last window of a quiet
// stream closes; at Time::min() no record ever came, and it stays there. A partition that has ended (`--until-end`)
// counts as infinitely far; when all have, the watermark is Time::max().
//
// Per batch and lane: update() of the batch's partition, then advance(). Both are a few comparisons; the minimum over
// all partitions is taken anew only when the one that held it back has moved.
class LaneWatermark {
 public:
  explicit LaneWatermark(std::optional<Duration> close_after_idle) : close_after_idle_(close_after_idle) {}

  // After a restart: the lane's watermark stood here, and does not go back.
  void restore(Time watermark) { current_ = watermark > current_ ? watermark : current_; }
  // A partition that is known already is left as it is. A new one holds the lane back from the next advance() on.
  void add(uint32_t partition, Time watermark = Time::min(), bool idle = false);
  // The partition must have been added. Its W(p) never goes back.
  void update(uint32_t partition, Time watermark, bool idle);
  void set_ended(uint32_t partition);

  // Takes the updates and the time that passed into account; `elapsed` is Clock::elapsed(). Answers the watermark.
  Time advance(Duration elapsed);
  Time current() const { return current_; }

 private:
  struct Partition {
    uint32_t number;
    bool idle = false;
    bool ended = false;
    Time watermark;
  };
  Partition* find(uint32_t number);
  void recompute();
  void close_quiet_stream(Duration elapsed);

  std::optional<Duration> close_after_idle_;
  std::vector<Partition> partitions_;  // by number
  Time current_ = Time::min();
  bool stale_ = true;      // the members below have to be worked out again
  Time live_minimum_;      // over live partitions; Time::min() when there are none
  bool all_idle_ = false;  // there are partitions that have not ended, and all of those are idle
  std::optional<Duration> all_idle_since_;
  Time quiet_from_;  // the watermark when all became idle
};

}  // namespace tidemark
