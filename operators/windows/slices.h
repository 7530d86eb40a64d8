// Slices: the arithmetic of aligned windows. Windows overlap, slices do not: every window is a run of whole slices, so an
// event updates one slice however many windows it counts in. Pure values; knows no state and no watermark.
#pragma once

#include <cstdint>
#include <memory>
#include <variant>

#include "base/time.h"
#include "operators/windows/window_shape.h"

namespace tidemark {

// Windows of a shape are numbered in the order of their ends, which no two share.
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

// Number k is the window [offset + k * step, that + size).
//
// Paired windows (S. Krishnamurthy, C. Wu, M. Franklin, "On-the-fly sharing for streamed aggregation", SIGMOD 2006): each
// step is cut in two at `size mod step`, so that at most two slices a step serve any size.
class PairedSlices {
 public:
  explicit PairedSlices(AlignedShape shape);
  Slice slice_of(Time t) const;
  Time start_of(WindowNumber k) const;
  Time end_of(WindowNumber k) const;
  WindowNumber first_open(Time watermark) const;
  WindowNumber overlap() const { return (shape_.size.us - 1) / shape_.step.us + 1; }

 private:
  AlignedShape shape_;
  int64_t cut_;  // size mod step
};

// Number n * period + j is window j of n in a period of `size`. A slice is what a window has more than the one before it.
class CumulativeSlices {
 public:
  explicit CumulativeSlices(CumulativeShape shape);
  Slice slice_of(Time t) const;
  Time start_of(WindowNumber k) const;
  Time end_of(WindowNumber k) const;
  WindowNumber first_open(Time watermark) const;
  WindowNumber overlap() const { return windows_; }

 private:
  CumulativeShape shape_;
  int64_t windows_;  // in a period
};

// Numbers are the calendar's. A slice is a window.
class CalendarSlices {
 public:
  explicit CalendarSlices(const CalendarShape& shape) : calendar_(shape.calendar) {}
  Slice slice_of(Time t) const;
  Time start_of(WindowNumber k) const { return calendar_->start_of(k); }
  Time end_of(WindowNumber k) const { return calendar_->start_of(k + 1); }
  WindowNumber first_open(Time watermark) const { return calendar_->number_of(watermark); }
  WindowNumber overlap() const { return 1; }

 private:
  std::shared_ptr<const Calendar> calendar_;
};

// All times saturate. The line of time ends at Time::max(): the first window that would end there or later is the last
// one there is, so that no two windows end at the same instant. Time::max() itself counts as the instant before it.
class Slices {
 public:
  // `step` is positive and at most `size`; `offset` is not negative.
  explicit Slices(AlignedShape shape) : Slices(Arithmetic(PairedSlices(shape))) {}
  explicit Slices(CumulativeShape shape) : Slices(Arithmetic(CumulativeSlices(shape))) {}
  explicit Slices(const CalendarShape& shape) : Slices(Arithmetic(CalendarSlices(shape))) {}

  Slice slice_of(Time t) const;
  Time start_of(WindowNumber k) const;
  Time end_of(WindowNumber k) const;
  // The first window that ends after `watermark`: the first that is not closed. Beyond last_window() at Time::max().
  WindowNumber first_open(Time watermark) const;
  // The window that ends at Time::max().
  WindowNumber last_window() const { return last_window_; }
  // The most windows that contain one instant.
  WindowNumber overlap() const;

 private:
  using Arithmetic = std::variant<PairedSlices, CumulativeSlices, CalendarSlices>;
  explicit Slices(Arithmetic arithmetic);

  Arithmetic arithmetic_;
  WindowNumber last_window_;
};

}  // namespace tidemark
