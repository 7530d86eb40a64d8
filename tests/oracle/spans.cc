// Calendar windows are asked of the date library, one local midnight after the other.
#include "tests/oracle/spans.h"

#include <date/tz.h>

namespace tidemark::oracle {
namespace {

// Towards the past, for times before the epoch too.
int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b != 0 && (a < 0) != (b < 0)); }

std::vector<Span> sliding(const Window& window, int64_t t_us) {
  std::vector<Span> spans;
  const int64_t last = floor_div(t_us - window.offset_us, window.step_us) * window.step_us + window.offset_us;
  for (int64_t start = last; start + window.size_us > t_us; start -= window.step_us) {
    spans.push_back({start, start + window.size_us});
  }
  return spans;
}

std::vector<Span> cumulative(const Window& window, int64_t t_us) {
  std::vector<Span> spans;
  const int64_t start = floor_div(t_us - window.offset_us, window.size_us) * window.size_us + window.offset_us;
  const int64_t full = start + window.size_us;
  for (int64_t end = start + window.step_us; end < full; end += window.step_us) {
    if (end > t_us) spans.push_back({start, end});
  }
  spans.push_back({start, full});
  return spans;
}

// The first local day of the unit that `day` lies in, and of the next one.
std::pair<date::local_days, date::local_days> unit_of(const std::string& unit, date::local_days day) {
  if (unit == "day") return {day, day + date::days(1)};
  if (unit == "week") {
    while (date::weekday(day) != date::Monday) day -= date::days(1);
    return {day, day + date::days(7)};
  }
  const date::year_month_day date(day);
  const date::year_month month = date.year() / date.month();
  return {date::local_days(month / 1), date::local_days((month + date::months(1)) / 1)};
}

std::vector<Span> calendar(const Window& window, int64_t t_us) {
  const date::time_zone* zone = date::locate_zone(window.timezone);
  const auto first_instant = [&](date::local_days day) {
    const auto at = zone->to_sys(date::local_time<std::chrono::microseconds>(day), date::choose::earliest);
    return at.time_since_epoch().count();
  };
  const date::sys_time<std::chrono::microseconds> t{std::chrono::microseconds(t_us)};
  // What is lived twice belongs to the unit that had begun by then.
  auto [begin, end] = unit_of(window.unit, date::floor<date::days>(zone->to_local(t)));
  while (first_instant(end) <= t_us) std::tie(begin, end) = unit_of(window.unit, end);
  return {{first_instant(begin), first_instant(end)}};
}

}  // namespace

std::vector<Span> spans_of(const Window& window, int64_t t_us) {
  switch (window.kind) {
    case WindowKind::kSliding: return sliding(window, t_us);
    case WindowKind::kSession:
    case WindowKind::kRunning: return {};  // they are not a matter of one record
    case WindowKind::kCumulative: return cumulative(window, t_us);
    case WindowKind::kCalendar: return calendar(window, t_us);
  }
  return {};
}

}  // namespace tidemark::oracle
