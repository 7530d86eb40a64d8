// A process has one such point and counts how often it passes. It kills itself, so that neither handlers nor
// destructors run; what is lost by that is for the tests to find.
#include "daemon/crash_point.h"

#include <signal.h>
#include <unistd.h>

#include <cstdlib>

namespace tidemark {

CrashPoints CrashPoints::from_environment() {
  CrashPoints points;
  const char* text = std::getenv("TIDEMARK_KILL_AT");
  if (text == nullptr) return points;
  const std::string_view value = text;
  const size_t colon = value.find(':');
  points.point_ = value.substr(0, colon);
  if (colon != std::string_view::npos) points.nth_ = std::atoi(value.substr(colon + 1).data());
  return points;
}

void CrashPoints::reached(std::string_view point) const {
  if (point_.empty() || point != point_) return;
  if (++*times_ == nth_) ::kill(::getpid(), SIGKILL);
}

}  // namespace tidemark
