// A bucket that fills with time, up to its brim, and from which CPU time is taken, if need be below its bottom.
#include "daemon/cpu_share.h"

#include <algorithm>
#include <cstdint>

#include <time.h>

namespace tidemark {

Duration CpuShare::rest(Duration elapsed, Duration used) {
  if (last_elapsed_) {
    left_us_ += static_cast<double>((elapsed - *last_elapsed_).us) * share_ - static_cast<double>((used - last_used_).us);
    left_us_ = std::min(left_us_, saved_us_);
  }
  last_elapsed_ = elapsed;
  last_used_ = used;
  return left_us_ >= 0 ? Duration{0} : Duration{static_cast<int64_t>(-left_us_ / share_)};
}

Duration thread_cpu_time() {
  timespec used{};
  if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used) != 0) return {};
  return {int64_t{used.tv_sec} * 1'000'000 + used.tv_nsec / 1000};
}

}  // namespace tidemark
