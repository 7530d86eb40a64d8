// JsonNumber reads one JSON number token and turns it into the numbers that fields hold, without loss or not at all.
// Knows no fields.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace tidemark {

// The parts of a number token: value = (negative ? -1 : 1) * mantissa * 10^exponent, where `mantissa` holds all
// significant digits; with more than 19 of them it is unusable (`long_digits`) and the token's text must be read again.
struct JsonNumber {
  std::string_view text;
  uint64_t mantissa = 0;
  int64_t exponent = 0;  // saturates far outside of what any type can hold
  bool negative = false;
  bool integer = true;   // an integer token: no fraction, no exponent
  bool long_digits = false;

  // Reads the whole of `token` by the grammar of RFC 8259; false if it is no number.
  static bool parse(std::string_view token, JsonNumber& out);

  // Integer tokens in range only.
  std::optional<int64_t> to_int() const {
    if (!integer || long_digits) return std::nullopt;
    constexpr uint64_t kMinMagnitude = uint64_t{1} << 63;
    if (mantissa >= kMinMagnitude + (negative ? 1 : 0)) return std::nullopt;
    return negative ? static_cast<int64_t>(uint64_t{0} - mantissa) : static_cast<int64_t>(mantissa);
  }
  // The nearest double; none where the number is beyond the largest one. Too small a number is a zero of its sign.
  std::optional<double> to_double() const;
  // Of a number of seconds: microseconds, cut towards minus infinity, exactly. None beyond 64 bits.
  std::optional<int64_t> seconds_to_micros() const;
};

}  // namespace tidemark
