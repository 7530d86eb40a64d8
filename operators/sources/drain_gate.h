// DrainGate: many drains at once, or one thread that changes what they drain. Drains make way; they never wait long.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <shared_mutex>

namespace tidemark {

class DrainGate {
 public:
  // Somebody waits to have it alone: a drain ends after its present message, and none begins.
  bool wanted() const { return waiting_.load(std::memory_order_relaxed) > 0; }
  std::shared_lock<std::shared_mutex> enter() { return std::shared_lock(mutex_); }

  // Holds off and waits out all drains for as long as it lives.
  class Alone {
   public:
    // `wake` ends drains that wait for messages.
    Alone(DrainGate& gate, const std::function<void()>& wake) : gate_(gate) {
      gate_.waiting_.fetch_add(1);
      wake();
      gate_.mutex_.lock();
    }
    ~Alone() {
      gate_.mutex_.unlock();
      gate_.waiting_.fetch_sub(1);
    }
    Alone(const Alone&) = delete;
    Alone& operator=(const Alone&) = delete;

   private:
    DrainGate& gate_;
  };

 private:
  std::shared_mutex mutex_;      // shared: a drain runs; exclusive: what they drain changes
  std::atomic<int> waiting_{0};
};

}  // namespace tidemark
