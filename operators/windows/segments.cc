// Boundaries are worked out in 128 bits, so that they saturate at the ends of time instead of wrapping.
#include "operators/windows/segments.h"

#include <algorithm>
#include <limits>

#include "base/check.h"

namespace tidemark {
namespace {

Time saturate(__int128 us) {
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  return {static_cast<int64_t>(std::clamp<__int128>(us, kMin, kMax))};
}

}  // namespace

Segments::Segments(SessionShape shape) : shape_(shape) {
  CHECK_OR_DIE(shape.gap.us > 0 && (!shape.max || *shape.max >= shape.gap), "a session shape out of bounds");
}

Segment Segments::of(Time t) const {
  const int64_t us = std::min(t.us, Time::max().us - 1);
  const __int128 base = shape_.max ? static_cast<__int128>(floor_div(us, shape_.max->us)) * shape_.max->us : 0;
  const __int128 behind = us - base;
  const int64_t gap = shape_.gap.us;
  const __int128 whole = behind >= 0 ? behind / gap : -((-behind + gap - 1) / gap);
  const __int128 start = base + whole * gap;
  const __int128 limit = shape_.max ? base + shape_.max->us : Time::max().us;
  return {saturate(start), saturate(std::min(start + gap, limit)), saturate(limit)};
}

Time Segments::end_of(const Segment& segment, Time last) const { return std::min(last + shape_.gap, segment.limit); }

}  // namespace tidemark
