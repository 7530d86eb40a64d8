// Which ends a shape's windows can have. Nothing here looks at rows.
#include "operators/windows/window_shape.h"

namespace tidemark {
namespace {

constexpr Duration kMilli = Duration::millis(1);

bool is_whole(Duration d) { return d.us % kMilli.us == 0; }
bool ends_are_whole(const AlignedShape& w) { return is_whole(w.size) && is_whole(w.step) && is_whole(w.offset); }
bool ends_are_whole(const CumulativeShape& w) { return is_whole(w.size) && is_whole(w.step) && is_whole(w.offset); }
bool ends_are_whole(const CalendarShape&) { return true; }
bool ends_are_whole(const SessionShape&) { return false; }

}  // namespace

Time time_behind(const WindowShape& shape, Time watermark) {
  if (watermark == Time::min() || watermark == Time::max()) return watermark;
  // The next end is at least a microsecond later, and with whole ends at the next whole millisecond.
  if (!std::visit([](const auto& kind) { return ends_are_whole(kind); }, shape)) {
    return watermark - kMilli + Duration{1};
  }
  return {floor_div(watermark.us, kMilli.us) * kMilli.us};
}

}  // namespace tidemark
