// Mailbox: news from other threads for one that looks into it between two pieces of work.
#pragma once

#include <atomic>
#include <mutex>
#include <utility>
#include <vector>

namespace tidemark {

// post() on any thread, take() on the owner's. Looking into an empty one takes no lock.
template <typename News>
class Mailbox {
 public:
  void post(News news) {
    const std::lock_guard lock(mutex_);
    news_.push_back(std::move(news));
    full_ = true;
  }
  // All of it, oldest first.
  std::vector<News> take() {
    if (!full_.exchange(false)) return {};
    const std::lock_guard lock(mutex_);
    return std::exchange(news_, {});
  }

 private:
  std::mutex mutex_;  // guards news_
  std::vector<News> news_;
  std::atomic<bool> full_{false};
};

}  // namespace tidemark
