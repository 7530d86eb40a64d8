// Days, weeks and months of real time zones: against the zone's own clock, hour by hour, and by the odd days of history.
#include "operators/windows/calendar.h"

#include <string>

#include "tests/catch.h"

namespace tidemark {
namespace {

constexpr int64_t kHourUs = 3'600'000'000;

Calendar calendar_of(CalendarUnit unit, std::string_view zone) {
  const auto found = expr::Zone::find(zone);
  REQUIRE(found.has_value());
  return {unit, found->changes()};
}

Time at(std::string_view text) { return *parse_rfc3339(text); }

// The start of the unit that holds `t`, and how many hours it has.
std::pair<std::string, double> unit_at(const Calendar& calendar, std::string_view t) {
  const int64_t number = calendar.number_of(at(t));
  const Time start = calendar.start_of(number);
  return {format_rfc3339(start), (calendar.start_of(number + 1) - start).to_seconds() / 3600};
}

using Unit = std::pair<std::string, double>;

}  // namespace

TEST_CASE("days have 23 and 25 hours where clocks are changed") {
  const Calendar stockholm = calendar_of(CalendarUnit::kDay, "Europe/Stockholm");
  CHECK(unit_at(stockholm, "2026-03-28T12:00:00Z") == Unit("2026-03-27T23:00:00Z", 24));
  CHECK(unit_at(stockholm, "2026-03-29T12:00:00Z") == Unit("2026-03-28T23:00:00Z", 23));
  CHECK(unit_at(stockholm, "2026-10-25T12:00:00Z") == Unit("2026-10-24T22:00:00Z", 25));
  CHECK(unit_at(stockholm, "2026-10-25T23:00:00Z") == Unit("2026-10-25T23:00:00Z", 24));
  CHECK(unit_at(stockholm, "2026-10-25T22:59:59Z") == Unit("2026-10-24T22:00:00Z", 25));
  const Calendar lord_howe = calendar_of(CalendarUnit::kDay, "Australia/Lord_Howe");  // half an hour
  CHECK(unit_at(lord_howe, "2026-10-04T12:00:00Z").second == 23.5);
  CHECK(unit_at(lord_howe, "2026-04-04T20:00:00Z").second == 24.5);
}

TEST_CASE("weeks begin on Monday, months on their first, by the local clock") {
  const Calendar weeks = calendar_of(CalendarUnit::kWeek, "America/New_York");
  CHECK(unit_at(weeks, "2026-03-05T00:00:00Z") == Unit("2026-03-02T05:00:00Z", 7 * 24 - 1));
  CHECK(unit_at(weeks, "1970-01-01T12:00:00Z") == Unit("1969-12-29T05:00:00Z", 7 * 24));
  const Calendar months = calendar_of(CalendarUnit::kMonth, "Europe/Stockholm");
  CHECK(unit_at(months, "2024-02-10T00:00:00Z") == Unit("2024-01-31T23:00:00Z", 29 * 24));
  CHECK(unit_at(months, "2100-02-10T00:00:00Z").second == 28 * 24);
  CHECK(unit_at(months, "2026-03-31T21:59:59Z") == Unit("2026-02-28T23:00:00Z", 31 * 24 - 1));
  CHECK(unit_at(months, "1969-12-31T23:00:00Z") == Unit("1969-12-31T23:00:00Z", 31 * 24));
  CHECK(months.number_of(at("1970-01-01T00:00:00Z")) == 0);
  CHECK(months.number_of(at("1969-12-31T22:59:59Z")) == -1);
}

TEST_CASE("a day begins at its first existing instant") {
  // Clocks went from 00:00 to 01:00.
  const Calendar sao_paulo = calendar_of(CalendarUnit::kDay, "America/Sao_Paulo");
  CHECK(unit_at(sao_paulo, "2018-11-04T12:00:00Z") == Unit("2018-11-04T03:00:00Z", 23));
  // And back from 00:00 to 23:00: the day before goes on.
  CHECK(unit_at(sao_paulo, "2018-02-18T02:30:00Z") == Unit("2018-02-17T02:00:00Z", 25));
  // Back from 00:01 to 23:01: the day has begun, and what is lived twice belongs to it.
  const Calendar st_johns = calendar_of(CalendarUnit::kDay, "America/St_Johns");
  CHECK(unit_at(st_johns, "2006-10-29T03:00:00Z") == Unit("2006-10-29T02:30:00Z", 25));
  CHECK(unit_at(st_johns, "2006-10-29T02:29:59Z") == Unit("2006-10-28T02:30:00Z", 24));
}

TEST_CASE("a day that a zone skipped is empty, and no instant is in it") {
  const Calendar apia = calendar_of(CalendarUnit::kDay, "Pacific/Apia");  // there was no 2011-12-30
  const int64_t before = apia.number_of(at("2011-12-30T09:59:59Z"));
  CHECK(apia.number_of(at("2011-12-30T10:00:00Z")) == before + 2);
  CHECK(apia.start_of(before + 1) == at("2011-12-30T10:00:00Z"));
  CHECK(apia.start_of(before + 2) == at("2011-12-30T10:00:00Z"));
}

TEST_CASE("units follow the local clock, hour by hour") {
  for (const char* name : {"Europe/London", "America/Havana", "Asia/Tehran", "Africa/Casablanca", "Pacific/Chatham", "-03:30", "UTC"}) {
    INFO(name);
    const auto zone = expr::Zone::find(name);
    const Calendar days(CalendarUnit::kDay, zone->changes());
    int64_t latest = INT64_MIN;
    for (Time t = at("2015-01-01T00:00:00Z"); t < at("2027-01-01T00:00:00Z"); t = t + Duration{kHourUs / 2}) {
      const auto local_us = static_cast<int64_t>(zone->local(expr::Nanos{t.us} * 1000) / 1000);
      latest = std::max(latest, floor_div(local_us, 24 * kHourUs));
      const int64_t number = days.number_of(t);
      REQUIRE(number == latest);
      REQUIRE(days.start_of(number) <= t);
      REQUIRE(t < days.start_of(number + 1));
    }
  }
}

}  // namespace tidemark
