// StopSignal: what a pipeline was told about its end. KafkaSilence: since when Kafka owes it an answer. Both are words
// between a pipeline's thread and those who watch it, and know neither.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/time.h"

namespace tidemark {

// Thread-safe.
class StopSignal {
 public:
  // Drain and end.
  void request() { requested_ = true; }
  // End without what is not committed yet.
  void give_up() { given_up_ = true; }
  bool requested() const { return requested_; }
  bool given_up() const { return given_up_; }

 private:
  std::atomic<bool> requested_{false};
  std::atomic<bool> given_up_{false};
};

// Questions that fail by silence add up until one is answered. Told by one thread, asked by any.
class KafkaSilence {
 public:
  // `now` is Clock::elapsed(), here and below.
  void asked(Duration now) {
    if (since_us_ == kNone) since_us_ = now.us;
  }
  void answered() { since_us_ = kNone; }
  // Zero when nothing is owed.
  Duration lasts(Duration now) const {
    const int64_t since = since_us_;
    return {since == kNone ? 0 : now.us - since};
  }

 private:
  static constexpr int64_t kNone = INT64_MIN;
  std::atomic<int64_t> since_us_{kNone};
};

}  // namespace tidemark
