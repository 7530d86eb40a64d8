// TopicTable gives topics small numbers, so that rows can carry where they came from in four bytes.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>

namespace tidemark {

// Thread-safe. Numbers are handed out in the order of discovery and stay valid for the life of the table.
class TopicTable {
 public:
  uint32_t number_of(std::string_view name) {
    const std::lock_guard lock(mutex_);
    for (uint32_t i = 0; i < names_.size(); ++i) {
      if (names_[i] == name) return i;
    }
    names_.emplace_back(name);
    return static_cast<uint32_t>(names_.size() - 1);
  }
  // The view stays valid as long as the table.
  std::string_view name_of(uint32_t number) const {
    const std::lock_guard lock(mutex_);
    return names_[number];
  }

 private:
  mutable std::mutex mutex_;  // guards names_
  std::deque<std::string> names_;
};

}  // namespace tidemark
