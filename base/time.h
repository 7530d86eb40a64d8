// Time and Duration: strong types in microseconds, with arithmetic that saturates instead of overflowing, and their
// text forms. Nothing here reads a clock (see base/clock.h) or knows calendars.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace tidemark {

constexpr int64_t saturating_add(int64_t a, int64_t b) {
  int64_t sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return b > 0 ? std::numeric_limits<int64_t>::max() : std::numeric_limits<int64_t>::min();
}
constexpr int64_t saturating_sub(int64_t a, int64_t b) {
  int64_t difference = 0;
  if (!__builtin_sub_overflow(a, b, &difference)) return difference;
  return b < 0 ? std::numeric_limits<int64_t>::max() : std::numeric_limits<int64_t>::min();
}
// Division and remainder that round towards minus infinity; `b` must be positive.
constexpr int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }
constexpr int64_t floor_mod(int64_t a, int64_t b) { return a - floor_div(a, b) * b; }

struct Duration {
  int64_t us = 0;

  static constexpr Duration micros(int64_t n) { return {n}; }
  static constexpr Duration millis(int64_t n) { return {n * 1'000}; }
  static constexpr Duration seconds(int64_t n) { return {n * 1'000'000}; }
  static constexpr Duration minutes(int64_t n) { return {n * 60'000'000}; }
  static constexpr Duration hours(int64_t n) { return {n * 3'600'000'000}; }
  constexpr int64_t to_millis() const { return us / 1'000; }
  constexpr double to_seconds() const { return static_cast<double>(us) / 1e6; }
  constexpr auto operator<=>(const Duration&) const = default;
};

// A point on the event-time or wall-clock line: microseconds since the epoch, UTC.
struct Time {
  int64_t us = 0;

  static constexpr Time min() { return {std::numeric_limits<int64_t>::min()}; }
  static constexpr Time max() { return {std::numeric_limits<int64_t>::max()}; }
  static constexpr Time from_millis(int64_t ms) {
    if (ms > max().us / 1'000) return max();
    if (ms < min().us / 1'000) return min();
    return {ms * 1'000};
  }
  constexpr int64_t to_millis() const { return floor_div(us, 1'000); }
  constexpr auto operator<=>(const Time&) const = default;
};

constexpr Time operator+(Time t, Duration d) { return {saturating_add(t.us, d.us)}; }
constexpr Time operator-(Time t, Duration d) { return {saturating_sub(t.us, d.us)}; }
constexpr Duration operator-(Time a, Time b) { return {saturating_sub(a.us, b.us)}; }
constexpr Duration operator+(Duration a, Duration b) { return {saturating_add(a.us, b.us)}; }
constexpr Duration operator-(Duration a, Duration b) { return {saturating_sub(a.us, b.us)}; }

// "250ms", "5s", "1m", "6h", "7d", and sums of them such as "1h30m"; also "us". No sign, no bare numbers but "0".
std::optional<Duration> parse_duration(std::string_view text);
// The shortest form parse_duration reads back, such as "1m30s"; "0s" for zero.
std::string format_duration(Duration d);

// RFC 3339 with any offset; fractions beyond microseconds are cut towards the past. Leap second 60 is refused.
std::optional<Time> parse_rfc3339(std::string_view text);
// RFC 3339 in UTC with `Z`; fraction digits only as needed, in groups of three. Years outside 0001-9999 are written as
// plain microseconds since the epoch, so that no value is lost.
std::string format_rfc3339(Time t);
// The same, appended to `out`: the form that result rows are rendered with.
void append_rfc3339(Time t, std::string& out);

// A proleptic Gregorian date; months and days count from 1. To days since the epoch: Howard Hinnant, "chrono-Compatible
// Low-Level Date Algorithms"; and back, for days that a Time can lie on: C. Neri, L. Schneider, "Euclidean affine functions
// and their application to calendar algorithms", Software: Practice and Experience 53, 2023.
struct CivilDate {
  int64_t year = 1970;
  int month = 1;
  int day = 1;
};
int64_t days_of(const CivilDate& date);
CivilDate civil_of(int64_t days);

}  // namespace tidemark
