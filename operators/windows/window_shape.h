// WindowShape: which windows a window step cuts event time into. Plain values, decided once at start; knows no rows and no
// watermark.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "base/time.h"
#include "operators/windows/calendar.h"

namespace tidemark {

// Aligned windows [start, end) with start = epoch + offset + k * step, end = start + size. Tumbling is step = size.
struct AlignedShape {
  Duration size;
  Duration step;
  Duration offset;
};

// Windows that grow: from each start = epoch + offset + k * size they end after every step, and at the full size.
struct CumulativeShape {
  Duration size;
  Duration step;
  Duration offset;
};

// A window for each day, week or month of a time zone.
struct CalendarShape {
  CalendarUnit unit = CalendarUnit::kDay;
  std::string timezone;
  std::shared_ptr<const Calendar> calendar;
};

// Windows of one key, as long as its records lie less than `gap` apart; cut at multiples of `max` from the epoch.
struct SessionShape {
  Duration gap;
  std::optional<Duration> max;
  bool running = false;  // totals of a key instead: their rows bear no window, and are never withdrawn
};

using WindowShape = std::variant<AlignedShape, CumulativeShape, CalendarShape, SessionShape>;

// How much event time a window of this shape may take; where nothing bounds it, what it takes at least.
inline Duration span_of(const AlignedShape& shape) { return shape.size; }
inline Duration span_of(const CumulativeShape& shape) { return shape.size; }
inline Duration span_of(const CalendarShape& shape) {
  switch (shape.unit) {
    case CalendarUnit::kDay: return Duration::hours(25);
    case CalendarUnit::kWeek: return Duration::hours(7 * 24 + 1);
    case CalendarUnit::kMonth: return Duration::hours(31 * 24 + 1);
  }
  __builtin_unreachable();
}
inline Duration span_of(const SessionShape& shape) { return std::max(shape.gap, shape.max.value_or(shape.gap)); }

// Where event time stands for the result rows of windows of this shape, which bear `end - 1 ms`, when those that end by
// `watermark` have fired: no row comes with an earlier time. That is the watermark itself but for the parts of a
// millisecond that the ends of such windows cannot have; the end of a session can have them.
Time time_behind(const WindowShape& shape, Time watermark);

}  // namespace tidemark
