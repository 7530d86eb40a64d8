// Two clocks of the operating system, cut to microseconds: its own for the time of day, the steady one for what has
// elapsed. The time of events is not known here.
#include "base/clock.h"

#include <chrono>

namespace tidemark {

Time SystemClock::now() const {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return {std::chrono::duration_cast<std::chrono::microseconds>(since).count()};
}

Duration SystemClock::elapsed() const {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return {std::chrono::duration_cast<std::chrono::microseconds>(since).count()};
}

}  // namespace tidemark
