// PartitionClock: how far event time has come in one source partition, the W(p) that decides what counts. Knows neither
// idleness nor lanes.
#pragma once

#include "base/time.h"

namespace tidemark {

// W(p): the newest event time that was read from a partition, less `max_delay`. Moves with every record and never back;
// Time::min() before the first one.
class PartitionClock {
 public:
  explicit PartitionClock(Duration max_delay, Time restored_max = Time::min())
      : max_delay_(max_delay), max_event_time_(restored_max) {}
  void observe(Time event_time) {
    if (event_time > max_event_time_) max_event_time_ = event_time;
  }
  Time watermark() const { return max_event_time_ == Time::min() ? Time::min() : max_event_time_ - max_delay_; }
  Time max_event_time() const { return max_event_time_; }

 private:
  Duration max_delay_;
  Time max_event_time_;
};

}  // namespace tidemark
