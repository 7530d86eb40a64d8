// One pass gathers digits and exponent; most doubles then take one exactly rounded step, the others std::from_chars.
// What is out of range is told by the decimal size, whatever a library answers.
#include "operators/formats/json_number.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <system_error>

namespace tidemark {
namespace {

constexpr int kExactDigits = 19;  // as many decimal digits as 64 bits always hold
constexpr int64_t kFarExponent = int64_t{1} << 40;  // beyond it only the direction matters

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// What has been read of the significant digits.
struct Digits {
  uint64_t mantissa = 0;
  int64_t count = 0;  // without leading zeros

  void take(char c) {
    const auto digit = static_cast<uint64_t>(c - '0');
    mantissa = mantissa * 10 + digit;  // wraps when long; then it is not used
    count += (count != 0 || digit != 0) ? 1 : 0;
  }
};

const char* read_exponent(const char* p, const char* end, int64_t& exponent) {
  const bool negative = p != end && *p == '-';
  if (p != end && (*p == '-' || *p == '+')) ++p;
  if (p == end || !is_digit(*p)) return nullptr;
  int64_t value = 0;
  for (; p != end && is_digit(*p); ++p) value = std::min(value * 10 + (*p - '0'), kFarExponent);
  exponent += negative ? -value : value;
  return p;
}

// Where the leading digit stands: value = 0.DDD * 10^answer, or nothing for zero.
std::optional<int64_t> magnitude(const JsonNumber& number) {
  int64_t digits = 0;
  for (const char c : number.text) {
    if (c == 'e' || c == 'E') break;
    if (is_digit(c) && (digits != 0 || c != '0')) ++digits;
  }
  if (digits == 0) return std::nullopt;
  return digits + number.exponent;
}

constexpr double kPowersOfTen[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                   1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
constexpr int64_t kLargestExactPower = 22;

std::optional<double> to_double_slowly(const JsonNumber& number) {
  const auto size = magnitude(number);
  const double zero = number.negative ? -0.0 : 0.0;
  if (!size || *size < -400) return zero;
  if (*size > 400) return std::nullopt;
  double value = 0;
  const char* end = number.text.data() + number.text.size();
  const auto [rest, error] = std::from_chars(number.text.data(), end, value);
  // Libraries differ in what they answer outside of the range, so the decimal size decides.
  const bool out_of_range = error != std::errc{} || !std::isfinite(value);
  if (!out_of_range) return value;
  if (*size > 0) return std::nullopt;
  return zero;
}

}  // namespace

bool JsonNumber::parse(std::string_view token, JsonNumber& out) {
  const char* p = token.data();
  const char* const end = p + token.size();
  out = JsonNumber{.text = token};
  if (p != end && *p == '-') {
    out.negative = true;
    ++p;
  }
  if (p == end || !is_digit(*p)) return false;
  Digits digits;
  if (*p == '0') {
    ++p;
  } else {
    for (; p != end && is_digit(*p); ++p) digits.take(*p);
  }
  if (p != end && *p == '.') {
    const char* const first = ++p;
    for (; p != end && is_digit(*p); ++p) digits.take(*p);
    if (p == first) return false;
    out.exponent = first - p;
    out.integer = false;
  }
  if (p != end && (*p == 'e' || *p == 'E')) {
    p = read_exponent(p + 1, end, out.exponent);
    if (p == nullptr) return false;
    out.integer = false;
  }
  out.mantissa = digits.mantissa;
  out.long_digits = digits.count > kExactDigits;
  return p == end;
}

// The fast path is Clinger's: a mantissa and a power of ten that are both exact doubles need one correctly rounded
// step.
std::optional<double> JsonNumber::to_double() const {
  constexpr uint64_t kExactMantissa = uint64_t{1} << 53;
  if (long_digits || mantissa > kExactMantissa || exponent < -kLargestExactPower || exponent > kLargestExactPower) {
    return to_double_slowly(*this);
  }
  auto value = static_cast<double>(mantissa);
  if (exponent < 0) {
    value /= kPowersOfTen[-exponent];
  } else {
    value *= kPowersOfTen[exponent];
  }
  return negative ? -value : value;
}

std::optional<int64_t> JsonNumber::seconds_to_micros() const {
  const auto size = magnitude(*this);
  if (!size) return 0;
  const int64_t whole_digits = *size + 6;  // digits in front of the microseconds' decimal point
  if (whole_digits > kExactDigits) return std::nullopt;
  __int128 whole = 0;
  int64_t taken = 0;
  bool rest = false;
  bool leading = true;
  for (const char c : text) {
    if (c == 'e' || c == 'E') break;
    if (!is_digit(c) || (leading && c == '0')) continue;
    leading = false;
    if (taken < whole_digits) {
      whole = whole * 10 + (c - '0');
      ++taken;
    } else {
      rest |= c != '0';
    }
  }
  for (; taken < whole_digits; ++taken) whole *= 10;
  const __int128 micros = negative ? -whole - (rest ? 1 : 0) : whole;
  if (micros > std::numeric_limits<int64_t>::max() || micros < std::numeric_limits<int64_t>::min()) return std::nullopt;
  return static_cast<int64_t>(micros);
}

}  // namespace tidemark
