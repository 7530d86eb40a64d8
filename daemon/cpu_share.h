// CpuShare: a thread's ration of CPU time, so that work which strangers ask for costs no more than a share of one core,
// however many they are. Readings of clocks are passed in; it lets nobody rest itself.
#pragma once

#include <optional>

#include "base/time.h"

namespace tidemark {

// Single-threaded.
class CpuShare {
 public:
  // In the long run `share` of one core; who was quiet may use up to `saved` at once.
  CpuShare(double share, Duration saved)
      : share_(share), saved_us_(static_cast<double>(saved.us)), left_us_(saved_us_) {}

  // How long to rest now until what was used is paid for. `elapsed` is Clock::elapsed(), `used` the thread's CPU time
  // since it began; neither goes back. Who rests for less owes the remainder.
  Duration rest(Duration elapsed, Duration used);

 private:
  const double share_;
  const double saved_us_;
  double left_us_;  // below zero: owed
  std::optional<Duration> last_elapsed_;
  Duration last_used_;
};

// Of the calling thread, since it began.
Duration thread_cpu_time();

}  // namespace tidemark
