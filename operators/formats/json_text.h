// The JSON forms of single values, as all output writes them: strings, doubles, durations. Knows no rows.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tidemark {

// A quoted JSON string: UTF-8 unescaped but for what JSON requires (quote, backslash, control characters).
void append_json_string(std::string_view utf8, std::string& out);
// Shortest digits that read back as the same double, always with a `.` or an exponent; an exponent below 1e-4 and from
// 1e16 on. NaN and infinities are `null`.
void append_json_double(double value, std::string& out);
// Seconds in decimal and an `s`, without quotes: "90s", "-0.5s".
void append_duration_seconds(int64_t ns, std::string& out);

}  // namespace tidemark
