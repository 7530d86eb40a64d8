// The only way to the time of day. Production code gets a SystemClock, tests a ManualClock.
#pragma once

#include <atomic>
#include <chrono>
#include <thread>

#include "base/time.h"

namespace tidemark {

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  // Wall time, UTC; may jump.
  virtual Time now() const = 0;
  // Time since some fixed point; never goes back. For intervals and deadlines.
  virtual Duration elapsed() const = 0;
};

class SystemClock final : public Clock {
 public:
  Time now() const override;
  Duration elapsed() const override;
};

// Stands still until told to move.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(Time start = {}) : now_us_(start.us) {}
  Time now() const override { return {now_us_.load()}; }
  Duration elapsed() const override { return {elapsed_us_.load()}; }
  void advance(Duration d) {
    now_us_ += d.us;
    elapsed_us_ += d.us;
  }

 private:
  std::atomic<int64_t> now_us_;
  std::atomic<int64_t> elapsed_us_{0};
};

// Lets this thread rest.
inline void sleep_for(Duration duration) { std::this_thread::sleep_for(std::chrono::microseconds(duration.us)); }

}  // namespace tidemark
