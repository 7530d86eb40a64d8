// What travels between tasks: batches with their rows sorted by lane, time, and barriers; and the bounded channel that
// carries them from one worker to another.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <variant>
#include <vector>

#include "operators/batch.h"

namespace tidemark {

// The rows of one batch that one window step takes, grouped by lane.
struct LaneRows {
  uint32_t first_lane = 0;
  std::vector<uint32_t> rows;    // row indices, lane after lane, ascending within a lane
  std::vector<uint32_t> starts;  // by lane - first_lane; one more than there are lanes; empty: no rows at all

  Rows of(uint32_t lane) const {
    const size_t i = lane - first_lane;
    if (lane < first_lane || i + 1 >= starts.size()) return {};
    return Rows(rows).subspan(starts[i], starts[i + 1] - starts[i]);
  }
};

// Time of one source partition, as it stands behind what was sent before.
struct PartitionTime {
  uint32_t partition = 0;  // index into the attempt's partitions
  Time watermark = Time::min();
  bool idle = false;
  bool at_end = false;     // --until-end: counts as infinitely far
};

// Rows of the source, or results of a window that other ones take.
struct RoutedBatch {
  std::shared_ptr<const Batch> batch;
  std::shared_ptr<const std::vector<LaneRows>> rows;  // by window ordinal
  std::optional<PartitionTime> time;                  // of the source: behind the batch
};

// All lanes of the sending worker have fired this window up to `watermark`, and their rows were sent before.
struct WindowTime {
  size_t ordinal = 0;
  Time watermark = Time::min();
};

struct Barrier {
  uint64_t epoch = 0;
};

// Of level 0, from the source: batches, partition time, barriers. Of the levels behind: results, window time, barriers.
using LaneEvent = std::variant<RoutedBatch, PartitionTime, Barrier, WindowTime>;

inline size_t bytes_of(const LaneEvent& event) {
  const auto* routed = std::get_if<RoutedBatch>(&event);
  return sizeof(LaneEvent) + (routed ? routed->batch->bytes() : 0);
}

// One sender, one receiver. Bounded by bytes, but an empty channel admits anything, so that no event is too large.
class Channel {
 public:
  explicit Channel(size_t max_bytes) : max_bytes_(max_bytes) {}

  // Takes the event, or leaves it as it is when there is no room.
  bool try_push(LaneEvent& event) {
    const size_t bytes = bytes_of(event);
    const std::lock_guard lock(mutex_);
    if (!queue_.empty() && bytes_ + bytes > max_bytes_) return false;
    bytes_ += bytes;
    queue_.push_back({std::move(event), bytes});
    return true;
  }
  std::optional<LaneEvent> pop() {
    const std::lock_guard lock(mutex_);
    if (queue_.empty()) return std::nullopt;
    bytes_ -= queue_.front().bytes;
    std::optional<LaneEvent> event(std::move(queue_.front().event));
    queue_.pop_front();
    return event;
  }

 private:
  struct Item {
    LaneEvent event;
    size_t bytes;
  };
  const size_t max_bytes_;
  std::mutex mutex_;  // guards the two below
  std::deque<Item> queue_;
  size_t bytes_ = 0;
};

}  // namespace tidemark
