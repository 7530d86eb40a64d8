// A unit is found by the local date, and begins where the zone's clock first shows its first day.
#include "operators/windows/calendar.h"

#include <algorithm>
#include <limits>

#include "base/check.h"

namespace tidemark {
namespace {

constexpr int64_t kDay = 86'400;
// Clocks have been up to a day and some hours ahead of UTC or behind it.
constexpr int64_t kMostOffset = 2 * kDay;
// 1970-01-01 was a Thursday.
constexpr int64_t kMondayBefore = 3;

// Months since January 1970.
int64_t month_of(int64_t day) {
  const CivilDate date = civil_of(day);
  return (date.year - 1970) * 12 + date.month - 1;
}

int64_t first_day_of(int64_t month) {
  return days_of({floor_div(month, 12) + 1970, static_cast<int>(floor_mod(month, 12)) + 1, 1});
}

}  // namespace

std::string_view to_string(CalendarUnit unit) {
  switch (unit) {
    case CalendarUnit::kDay: return "day";
    case CalendarUnit::kWeek: return "week";
    case CalendarUnit::kMonth: return "month";
  }
  __builtin_unreachable();
}

Calendar::Calendar(CalendarUnit unit, std::vector<expr::ZoneChange> changes)
    : unit_(unit), changes_(std::move(changes)) {
  CHECK_OR_DIE(!changes_.empty(), "a time zone without a clock");
}

int64_t Calendar::local_number(int64_t local_seconds) const {
  const int64_t day = floor_div(local_seconds, kDay);
  switch (unit_) {
    case CalendarUnit::kDay: return day;
    case CalendarUnit::kWeek: return floor_div(day + kMondayBefore, 7);
    case CalendarUnit::kMonth: return month_of(day);
  }
  __builtin_unreachable();
}

int64_t Calendar::local_start(int64_t number) const {
  switch (unit_) {
    case CalendarUnit::kDay: return number * kDay;
    case CalendarUnit::kWeek: return (number * 7 - kMondayBefore) * kDay;
    case CalendarUnit::kMonth: return first_day_of(number) * kDay;
  }
  __builtin_unreachable();
}

int64_t Calendar::number_of(Time t) const {
  const int64_t seconds = floor_div(t.us, 1'000'000);
  const auto next = std::ranges::upper_bound(changes_, seconds, {}, &expr::ZoneChange::at);
  int64_t number = local_number(seconds + std::prev(next)->offset);
  // Before clocks went back, the local date may have been beyond this.
  while (start_of(number + 1) <= t) ++number;
  return number;
}

// The first instant at which the local clock shows the beginning of the unit or more.
Time Calendar::start_of(int64_t number) const {
  const int64_t local = local_start(number);
  auto change = std::ranges::upper_bound(changes_, local - kMostOffset, {}, &expr::ZoneChange::at);
  for (--change;; ++change) {
    const int64_t at = std::max(change->at, local - change->offset);
    const auto next = std::next(change);
    if (next != changes_.end() && at >= next->at) continue;
    constexpr int64_t kMost = std::numeric_limits<int64_t>::max() / 1'000'000;
    if (at > kMost) return Time::max();
    if (at < -kMost) return Time::min();
    return {at * 1'000'000};
  }
}

}  // namespace tidemark
