// Named places in the commit protocol at which a test can make the process die, as power loss would: without unwinding,
// flushing or farewell. Off unless TIDEMARK_KILL_AT=<point>[:n] was in the environment at start.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>

namespace tidemark {

// Thread-safe. `nth`: dies the n-th time that the point is reached, from 1.
class CrashPoints {
 public:
  CrashPoints() = default;  // none
  static CrashPoints from_environment();
  void reached(std::string_view point) const;

 private:
  std::string point_;
  int nth_ = 1;
  std::shared_ptr<std::atomic<int>> times_ = std::make_shared<std::atomic<int>>(0);
};

}  // namespace tidemark
