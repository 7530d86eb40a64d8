// A lane's minimum is kept, and worked out anew when something has happened that may move it; it never goes back. Where
// all partitions are idle, only elapsed time can move it, if that was asked for.
#include "operators/windows/watermark.h"

#include <algorithm>

#include "base/check.h"

namespace tidemark {

void IdleTracker::observe(FetchObservation observation, Duration elapsed) {
  if (observation != FetchObservation::kAtEnd) {
    at_end_since_.reset();
    idle_ = false;
    return;
  }
  if (!at_end_since_) at_end_since_ = elapsed;
  if (elapsed - *at_end_since_ >= idle_after_) idle_ = true;
}

LaneWatermark::Partition* LaneWatermark::find(uint32_t number) {
  const auto at = std::ranges::lower_bound(partitions_, number, {}, &Partition::number);
  return at != partitions_.end() && at->number == number ? &*at : nullptr;
}

void LaneWatermark::add(uint32_t partition, Time watermark, bool idle) {
  if (find(partition) != nullptr) return;
  const auto at = std::ranges::lower_bound(partitions_, partition, {}, &Partition::number);
  partitions_.insert(at, {partition, idle, false, watermark});
  stale_ = true;
}

void LaneWatermark::update(uint32_t partition, Time watermark, bool idle) {
  Partition* const p = find(partition);
  CHECK_OR_DIE(p != nullptr, "a partition was updated before it was added");
  // Only a change of liveness, or of the one that holds the lane back, can move the minimum.
  if (p->idle != idle || p->watermark <= live_minimum_) stale_ = true;
  p->watermark = std::max(p->watermark, watermark);
  p->idle = idle;
}

void LaneWatermark::set_ended(uint32_t partition) {
  Partition* const p = find(partition);
  CHECK_OR_DIE(p != nullptr, "a partition ended before it was added");
  p->ended = true;
  stale_ = true;
}

void LaneWatermark::recompute() {
  stale_ = false;
  live_minimum_ = Time::max();
  size_t live = 0;
  size_t ended = 0;
  for (const Partition& p : partitions_) {
    ended += p.ended;
    if (p.ended || p.idle) continue;
    ++live;
    live_minimum_ = std::min(live_minimum_, p.watermark);
  }
  const bool all_ended = !partitions_.empty() && ended == partitions_.size();
  if (live == 0 && !all_ended) live_minimum_ = Time::min();
  all_idle_ = live == 0 && !all_ended && !partitions_.empty();
}

Time LaneWatermark::advance(Duration elapsed) {
  if (stale_) recompute();
  current_ = std::max(current_, live_minimum_);
  if (all_idle_) {
    close_quiet_stream(elapsed);
  } else {
    all_idle_since_.reset();
  }
  return current_;
}

void LaneWatermark::close_quiet_stream(Duration elapsed) {
  if (!all_idle_since_) {
    all_idle_since_ = elapsed;
    quiet_from_ = current_;
  }
  if (!close_after_idle_ || current_ == Time::min()) return;
  const Duration beyond = elapsed - *all_idle_since_ - *close_after_idle_;
  if (beyond > Duration{0}) current_ = std::max(current_, quiet_from_ + beyond);
}

}  // namespace tidemark
