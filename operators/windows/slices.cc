// One part for each way to cut time; numbers may leave 64 bits on the way, and come back saturated.
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

// The same in 128 bits.
__int128 wide(int64_t v) { return v; }

bool in_bounds(Duration size, Duration step, Duration offset) {
  return step.us > 0 && step <= size && offset.us >= 0;
}

}  // namespace

// --- Tumbling and sliding --------------------------------------------------------------------------------------------

PairedSlices::PairedSlices(AlignedShape shape) : shape_(shape) {
  CHECK_OR_DIE(in_bounds(shape.size, shape.step, shape.offset), "a window shape out of bounds");
  // Shifting by whole steps moves no window; less than a step keeps all numbers within 64 bits.
  shape_.offset.us %= shape_.step.us;
  cut_ = shape_.size.us % shape_.step.us;
}

Slice PairedSlices::slice_of(Time t) const {
  // The last window that starts at or before `t`.
  const WindowNumber k = wide_floor_div(wide(t.us) - shape_.offset.us, shape_.step.us);
  const __int128 base = wide(k) * shape_.step.us + shape_.offset.us;
  const bool before_cut = t.us < base + cut_;
  const __int128 start = before_cut ? base : base + cut_;
  const __int128 end = before_cut ? base + cut_ : base + shape_.step.us;
  // Windows that end at or before the slice's start do not contain it.
  const int64_t closed = wide_floor_div(start - shape_.offset.us - shape_.size.us, shape_.step.us);
  return {{saturate(start)}, {saturate(end)}, closed == kMax ? kMax : closed + 1, k};
}

Time PairedSlices::start_of(WindowNumber k) const { return {saturate(wide(k) * shape_.step.us + shape_.offset.us)}; }

Time PairedSlices::end_of(WindowNumber k) const {
  return {saturate(wide(k) * shape_.step.us + shape_.offset.us + shape_.size.us)};
}

WindowNumber PairedSlices::first_open(Time watermark) const {
  return wide_floor_div(wide(watermark.us) - shape_.offset.us - shape_.size.us, shape_.step.us) + 1;
}

// --- Cumulative ------------------------------------------------------------------------------------------------------

CumulativeSlices::CumulativeSlices(CumulativeShape shape) : shape_(shape) {
  CHECK_OR_DIE(in_bounds(shape.size, shape.step, shape.offset), "a window shape out of bounds");
  shape_.offset.us %= shape_.size.us;
  windows_ = (shape_.size.us - 1) / shape_.step.us + 1;
}

Slice CumulativeSlices::slice_of(Time t) const {
  const int64_t period = wide_floor_div(wide(t.us) - shape_.offset.us, shape_.size.us);
  const __int128 base = wide(period) * shape_.size.us + shape_.offset.us;
  const auto j = static_cast<int64_t>((t.us - base) / shape_.step.us);
  const __int128 start = base + wide(j) * shape_.step.us;
  const __int128 end = std::min(start + shape_.step.us, base + shape_.size.us);
  const __int128 first = wide(period) * windows_;
  return {{saturate(start)}, {saturate(end)}, saturate(first + j), saturate(first + windows_ - 1)};
}

Time CumulativeSlices::start_of(WindowNumber k) const {
  return {saturate(wide(floor_div(k, windows_)) * shape_.size.us + shape_.offset.us)};
}

Time CumulativeSlices::end_of(WindowNumber k) const {
  const __int128 base = wide(floor_div(k, windows_)) * shape_.size.us + shape_.offset.us;
  const __int128 steps = wide(floor_mod(k, windows_) + 1) * shape_.step.us;
  return {saturate(base + std::min(steps, wide(shape_.size.us)))};
}

// Of the windows that contain an instant, the first to end is the first that ends after it.
WindowNumber CumulativeSlices::first_open(Time watermark) const { return slice_of(watermark).first_window; }

// --- Calendar --------------------------------------------------------------------------------------------------------

Slice CalendarSlices::slice_of(Time t) const {
  const int64_t number = calendar_->number_of(t);
  return {calendar_->start_of(number), calendar_->start_of(number + 1), number, number};
}

// --- All -------------------------------------------------------------------------------------------------------------

Slices::Slices(Arithmetic arithmetic) : arithmetic_(std::move(arithmetic)), last_window_(kMax) {
  last_window_ = first_open({kMax - 1});
}

Slice Slices::slice_of(Time t) const {
  const Time within{std::min(t.us, kMax - 1)};
  Slice slice = std::visit([&](const auto& a) { return a.slice_of(within); }, arithmetic_);
  slice.first_window = std::min(slice.first_window, last_window_);
  slice.last_window = std::min(slice.last_window, last_window_);
  return slice;
}

Time Slices::start_of(WindowNumber k) const {
  return std::visit([&](const auto& a) { return a.start_of(k); }, arithmetic_);
}

Time Slices::end_of(WindowNumber k) const {
  return std::visit([&](const auto& a) { return a.end_of(k); }, arithmetic_);
}

WindowNumber Slices::first_open(Time watermark) const {
  if (watermark == Time::max()) return last_window_ == kMax ? kMax : last_window_ + 1;
  return std::visit([&](const auto& a) { return a.first_open(watermark); }, arithmetic_);
}

WindowNumber Slices::overlap() const {
  return std::visit([](const auto& a) { return a.overlap(); }, arithmetic_);
}

}  // namespace tidemark
