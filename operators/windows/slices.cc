// Sums are taken in 128 bits and saturate, so that times at either end of the range keep their order; divisions round
// down.
#include "operators/windows/slices.h"

#include <algorithm>
#include <limits>

#include "base/check.h"

namespace tidemark {
namespace {

constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

int64_t saturate(__int128 v) {
  if (v < kMin) return kMin;
  if (v > kMax) return kMax;
  return static_cast<int64_t>(v);
}

int64_t wide_floor_div(__int128 a, int64_t b) {
  // 64-bit division is several times faster, and the usual case.
  if (a >= kMin && a <= kMax) [[likely]] return floor_div(static_cast<int64_t>(a), b);
  const __int128 quotient = a / b;
  return saturate(a % b < 0 ? quotient - 1 : quotient);
}

}  // namespace

Slices::Slices(AlignedShape shape) : shape_(shape) {
  CHECK_OR_DIE(shape.step.us > 0 && shape.step <= shape.size && shape.offset.us >= 0, "a window shape out of bounds");
  // Shifting by whole steps moves no window; less than a step keeps all numbers within 64 bits.
  shape_.offset.us %= shape_.step.us;
  cut_ = shape_.size.us % shape_.step.us;
  last_window_ = kMax;
  last_window_ = first_open({kMax - 1});
}

// The last window that starts at or before `us`.
WindowNumber Slices::containing_start(__int128 us) const {
  return wide_floor_div(us - shape_.offset.us, shape_.step.us);
}

Slice Slices::slice_of(Time t) const {
  const int64_t us = std::min(t.us, kMax - 1);
  const WindowNumber k = containing_start(us);
  const __int128 base = static_cast<__int128>(k) * shape_.step.us + shape_.offset.us;
  const bool before_cut = us < base + cut_;
  const __int128 start = before_cut ? base : base + cut_;
  const __int128 end = before_cut ? base + cut_ : base + shape_.step.us;
  // Windows that end at or before the slice's start do not contain it.
  const int64_t closed = wide_floor_div(start - shape_.offset.us - shape_.size.us, shape_.step.us);
  const WindowNumber first = closed == kMax ? kMax : closed + 1;
  return {{saturate(start)}, {saturate(end)}, std::min(first, last_window_), std::min(k, last_window_)};
}

Time Slices::start_of(WindowNumber k) const {
  return {saturate(static_cast<__int128>(k) * shape_.step.us + shape_.offset.us)};
}

Time Slices::end_of(WindowNumber k) const {
  return {saturate(static_cast<__int128>(k) * shape_.step.us + shape_.offset.us + shape_.size.us)};
}

WindowNumber Slices::first_open(Time watermark) const {
  if (watermark == Time::max()) return last_window_ == kMax ? kMax : last_window_ + 1;
  const __int128 closed_ends = static_cast<__int128>(watermark.us) - shape_.offset.us - shape_.size.us;
  return wide_floor_div(closed_ends, shape_.step.us) + 1;
}

}  // namespace tidemark
