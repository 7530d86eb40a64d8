// Dates: every day that a Time can lie on, counted off one by one, there and back, and how times are written.
#include "base/time.h"

#include "tests/catch.h"

namespace tidemark {
namespace {

bool is_leap(int64_t year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

// The day after, as a calendar on the wall has it.
CivilDate next(CivilDate date) {
  const int kDays[] = {31, is_leap(date.year) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (++date.day <= kDays[date.month - 1]) return date;
  date.day = 1;
  if (++date.month <= 12) return date;
  return {date.year + 1, 1, 1};
}

bool is(const CivilDate& a, const CivilDate& b) { return a.year == b.year && a.month == b.month && a.day == b.day; }

// Counts on for `years` years from a day that is known.
void count_on(CivilDate date, int64_t day, int64_t years) {
  const int64_t last = date.year + years;
  bool right = true;
  for (; date.year < last; date = next(date), ++day) right &= is(civil_of(day), date) && days_of(date) == day;
  CHECK(right);
}

}  // namespace

TEST_CASE("days become dates and dates days, as far as times reach") {
  CHECK(is(civil_of(0), {1970, 1, 1}));
  count_on({1, 1, 1}, -719'162, 10'000);
  // From both ends of what a Time reaches, eras apart from the days above by whole eras.
  constexpr int64_t kEra = 146'097;
  constexpr int64_t kEras = 730;
  count_on({1 - 400 * kEras, 1, 1}, -719'162 - kEra * kEras, 800);
  count_on({1 + 400 * (kEras - 3), 1, 1}, -719'162 + kEra * (kEras - 3), 800);
  for (const Time t : {Time::min(), Time::max()}) {
    const int64_t day = floor_div(t.us, 86'400'000'000);
    CHECK(days_of(civil_of(day)) == day);
  }
}

TEST_CASE("times are written with the digits that they need") {
  CHECK(format_rfc3339({0}) == "1970-01-01T00:00:00Z");
  CHECK(format_rfc3339({-1}) == "1969-12-31T23:59:59.999999Z");
  CHECK(format_rfc3339({1'001'000}) == "1970-01-01T00:00:01.001Z");
  CHECK(format_rfc3339({1'000'010}) == "1970-01-01T00:00:01.000010Z");
  CHECK(format_rfc3339({1'700'000'000'500'000}) == "2023-11-14T22:13:20.500Z");
  CHECK(format_rfc3339({-62'135'596'800'000'000}) == "0001-01-01T00:00:00Z");
  CHECK(format_rfc3339({-62'135'596'800'000'001}) == "-62135596800000001");
  CHECK(format_rfc3339({253'402'300'799'999'999}) == "9999-12-31T23:59:59.999999Z");
  CHECK(format_rfc3339({253'402'300'800'000'000}) == "253402300800000000");
}

TEST_CASE("what is written is read back") {
  for (int64_t us = -62'135'596'800'000'000; us < 253'402'300'799'999'999; us += 7'654'321'987'654'321 / 1'000) {
    const auto back = parse_rfc3339(format_rfc3339({us}));
    REQUIRE(back.has_value());
    REQUIRE(back->us == us);
  }
}

}  // namespace tidemark
