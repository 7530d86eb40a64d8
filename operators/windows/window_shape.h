// WindowShape: which windows a window step cuts event time into. Plain values, decided once at start; knows no rows and no
// watermark.
#pragma once

#include <algorithm>
#include <optional>
#include <variant>

#include "base/time.h"

namespace tidemark {

// Aligned windows [start, end) with start = epoch + offset + k * step, end = start + size. Tumbling is step = size.
struct AlignedShape {
  Duration size;
  Duration step;
  Duration offset;
};

// Windows of one key, as long as its records lie less than `gap` apart; cut at multiples of `max` from the epoch.
struct SessionShape {
  Duration gap;
  std::optional<Duration> max;
};

using WindowShape = std::variant<AlignedShape, SessionShape>;

// How much event time a window of this shape may take; where nothing bounds it, what it takes at least.
inline Duration span_of(const AlignedShape& shape) { return shape.size; }
inline Duration span_of(const SessionShape& shape) { return std::max(shape.gap, shape.max.value_or(shape.gap)); }

}  // namespace tidemark
