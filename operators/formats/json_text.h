// The JSON forms of single values, as all output writes them: texts, numbers, durations. Knows no rows.
#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace tidemark {

// A quoted JSON string: UTF-8 unescaped but for what JSON requires (quote, backslash, control characters).
void append_json_string(std::string_view utf8, std::string& out);
// Bytes as a string of base64.
void append_json_bytes(std::string_view bytes, std::string& out);
template <std::integral Int>
void append_json_integer(Int value, std::string& out) {
  char text[24];
  out.append(text, std::to_chars(text, text + sizeof text, value).ptr);
}
// Shortest digits that read back as the same double, always with a `.` or an exponent; an exponent below 1e-4 and from
// 1e16 on. NaN and infinities are `null`.
void append_json_double(double value, std::string& out);
// Seconds in decimal and an `s`, without quotes: "90s", "-0.5s".
void append_duration_seconds(int64_t ns, std::string& out);

}  // namespace tidemark
