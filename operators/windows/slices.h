// Slices: the arithmetic of aligned windows. Windows overlap, slices do not: every window is a run of whole slices, so an
// event updates one slice however many windows it counts in. Pure values; knows no state and no watermark.
//
// Paired windows (S. Krishnamurthy, C. Wu, M. Franklin, "On-the-fly sharing for streamed aggregation", SIGMOD 2006): each
// step is cut in two at `size mod step`, so that at most two slices a step serve any size.
#pragma once

#include <cstdint>

#include "base/time.h"
#include "operators/windows/window_shape.h"

namespace tidemark {

// Number k of the window [offset + k * step, that + size).
using WindowNumber = int64_t;

// One slice [start, end) and the windows that contain it: first_window .. last_window, both included, never none.
struct Slice {
  Time start;
  Time end;
  WindowNumber first_window = 0;
  WindowNumber last_window = 0;
  bool contains(Time t) const { return start <= t && t < end; }
  bool operator==(const Slice&) const = default;
};

// All times saturate. The line of time ends at Time::max(): the first window that would end there or later is the last
// one there is, so that no two windows end at the same instant. Time::max() itself counts as the instant before it.
class Slices {
 public:
  // `step` is positive and at most `size`; `offset` is not negative.
  explicit Slices(AlignedShape shape);

  Slice slice_of(Time t) const;
  Time start_of(WindowNumber k) const;
  Time end_of(WindowNumber k) const;
  // The first window that ends after `watermark`: the first that is not closed. Beyond last_window() at Time::max().
  WindowNumber first_open(Time watermark) const;
  // The window that ends at Time::max().
  WindowNumber last_window() const { return last_window_; }
  // The most windows that contain one instant.
  WindowNumber overlap() const { return (shape_.size.us - 1) / shape_.step.us + 1; }

 private:
  WindowNumber containing_start(__int128 us) const;

  AlignedShape shape_;
  int64_t cut_;  // size mod step
  WindowNumber last_window_;
};

}  // namespace tidemark
