// Timestamps and durations as text and as calendar fields, in nanoseconds and within CEL's ranges. Knows UTC and fixed
// offsets inside of RFC 3339, no time zones by name.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "operators/expr/vector.h"

namespace tidemark::expr {

inline constexpr int64_t kSecond = 1'000'000'000;
inline constexpr Nanos kFirstTimestamp = Nanos{-62'135'596'800} * kSecond;             // 0001-01-01T00:00:00Z
inline constexpr Nanos kLastTimestamp = Nanos{253'402'300'800} * kSecond - 1;          // the last of year 9999

inline bool in_timestamp_range(Nanos t) { return t >= kFirstTimestamp && t <= kLastTimestamp; }

inline Nanos nanos_of_micros(int64_t us) { return Nanos{us} * 1'000; }
// Cut to microseconds, towards the past. `t` must fit, as everything in CEL's range does.
int64_t micros_of_nanos(Nanos t);

// RFC 3339, up to nanoseconds (more digits are cut). Empty when it is none or out of range.
std::optional<Nanos> parse_timestamp(std::string_view text);
void append_timestamp(Nanos t, std::string& out);

// "1h30m", "-1.5s", "10ms", "7d"; empty when it is none or beyond 64 bits of nanoseconds.
std::optional<int64_t> parse_duration_nanos(std::string_view text);
// Seconds with as many digits as needed: "90s", "0.5s".
void append_duration(int64_t ns, std::string& out);

// A timestamp taken apart in UTC.
struct CalendarFields {
  int64_t year;
  int64_t month;         // 0 = January, as CEL counts
  int64_t day_of_month;  // 1..31
  int64_t day_of_year;   // from 0
  int64_t day_of_week;   // 0 = Sunday
};
CalendarFields calendar_of(Nanos t);

}  // namespace tidemark::expr
