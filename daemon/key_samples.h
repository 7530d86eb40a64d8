// KeySamples watches the promise of `partitioned_by`: a sampled key that turns up in two lanes breaks it.
#pragma once

#include <cstdint>
#include <mutex>
#include <unordered_map>

namespace tidemark {

// Thread-safe; shared by the workers of an attempt. Remembers at most kMost keys by their hash, and of more only those
// with the smallest hashes, so that all lanes sample the same keys.
class KeySamples {
 public:
  static constexpr size_t kMost = 16'384;

  // True when the key was seen in another lane before.
  bool seen_elsewhere(uint64_t hash, uint32_t lane) {
    const std::lock_guard lock(mutex_);
    if (hash > limit_) return false;
    const auto [known, is_new] = lanes_.emplace(hash, lane);
    if (is_new && lanes_.size() > kMost) forget_half();
    return !is_new && known->second != lane;
  }

 private:
  void forget_half() {
    limit_ /= 2;
    std::erase_if(lanes_, [this](const auto& entry) { return entry.first > limit_; });
  }

  std::mutex mutex_;  // guards the two below
  uint64_t limit_ = UINT64_MAX;
  std::unordered_map<uint64_t, uint32_t> lanes_;  // by hash
};

}  // namespace tidemark
