// AttemptRequests: what may be asked of a running pipeline out of turn, and how far it has been answered. Asked by any
// thread, answered by the pipeline's. Knows neither pipeline nor attempt.
#pragma once

#include <atomic>
#include <cstdint>

namespace tidemark {

// Requests of one kind. One that was answered answers all that were made before it.
class RequestLine {
 public:
  // The number by which is_done() knows it.
  uint64_t ask() { return ++asked_; }
  bool is_done(uint64_t request) const { return done_ >= request; }

  // For the one who answers: what has been asked until now; then, when that is done, the same number again.
  uint64_t asked() const { return asked_; }
  bool is_open() const { return done_ < asked_; }
  void answer(uint64_t request) { done_ = request; }

 private:
  std::atomic<uint64_t> asked_{0};
  std::atomic<uint64_t> done_{0};
};

struct AttemptRequests {
  RequestLine checkpoint;  // done when a checkpoint that began after it is committed
  RequestLine look;        // at where the partitions stand; done when the workers were told
};

}  // namespace tidemark
