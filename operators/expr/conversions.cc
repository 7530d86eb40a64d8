// int(), uint(), double(), string(), bytes(), bool(), timestamp() and duration(): conversions that say no where the
// value has no counterpart, instead of wrapping or guessing.
#include "operators/expr/conversions.h"

#include <charconv>
#include <cmath>
#include <optional>
#include <type_traits>

#include <fmt/format.h>

#include "operators/expr/kernels.h"
#include "operators/expr/times.h"
#include "operators/expr/utf8.h"

namespace tidemark::expr {

void append_double(double value, std::string& out) {
  if (std::isnan(value)) {
    out += "NaN";
    return;
  }
  if (std::isinf(value)) {
    out += value < 0 ? "-Infinity" : "Infinity";
    return;
  }
  const double magnitude = std::fabs(value);
  const bool plain = value == 0 || (magnitude >= 1e-6 && magnitude < 1e21);
  char text[64];
  const auto format = plain ? std::chars_format::fixed : std::chars_format::scientific;
  const auto end = std::to_chars(text, text + sizeof text, value, format).ptr;
  out.append(text, end);
}

namespace {

// A conversion answers its result, or nothing when there is none.
template <class From, class To, auto Convert>
void convert(std::span<const Vec> args, Rows rows, Out& out) {
  const auto a = args[0].in<From>();
  To* result = out.values<To>();
  for_each_row(rows, [&](uint32_t row) {
    const std::optional<To> converted = Convert(a[row]);
    if (converted) [[likely]] {
      result[row] = *converted;
    } else if constexpr (std::is_same_v<From, std::string_view>) {
      // Texts may be long or secret; a short start is enough to find the record.
      out.fail(row, fmt::format("conversion failed: {:?} is no such value or out of range",
                                std::string(a[row].substr(0, 40))));
    } else {
      out.fail(row, "conversion failed: value out of range");
    }
  });
}

template <class T>
std::optional<T> same(T value) {
  return value;
}

template <class T>
std::optional<T> parse_number(std::string_view text) {
  if (text.starts_with('+') && text.size() > 1 && text[1] != '-') text.remove_prefix(1);
  T value{};
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Too large is infinity and too small is zero, as everywhere in IEEE 754 text conversion.
std::optional<double> parse_double(std::string_view text) {
  if (text.starts_with('+') && text.size() > 1 && text[1] != '-') text.remove_prefix(1);
  double value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end != text.data() + text.size() || text.empty()) return std::nullopt;
  if (failed == std::errc::result_out_of_range) return std::strtod(std::string(text).c_str(), nullptr);
  return failed == std::errc{} ? std::optional(value) : std::nullopt;
}

std::optional<int64_t> uint_to_int(uint64_t v) {
  return v <= static_cast<uint64_t>(INT64_MAX) ? std::optional(static_cast<int64_t>(v)) : std::nullopt;
}
std::optional<uint64_t> int_to_uint(int64_t v) {
  return v >= 0 ? std::optional(static_cast<uint64_t>(v)) : std::nullopt;
}
// Both ends of the range are open, as in the conformance tests of CEL: -2^63 may be the rounding of a smaller number.
std::optional<int64_t> double_to_int(double v) {
  return v > -0x1p63 && v < 0x1p63 ? std::optional(static_cast<int64_t>(v)) : std::nullopt;
}
std::optional<uint64_t> double_to_uint(double v) {
  return v >= 0 && v < 0x1p64 ? std::optional(static_cast<uint64_t>(v)) : std::nullopt;
}
template <class T>
std::optional<double> to_double(T v) {
  return static_cast<double>(v);
}
std::optional<int64_t> timestamp_to_int(Nanos t) {
  return static_cast<int64_t>(t / kSecond - (t % kSecond < 0 ? 1 : 0));
}
std::optional<Nanos> int_to_timestamp(int64_t seconds) {
  const Nanos t = Nanos{seconds} * kSecond;
  return in_timestamp_range(t) ? std::optional(t) : std::nullopt;
}
std::optional<uint8_t> text_to_bool(std::string_view text) {
  for (const std::string_view yes : {"true", "TRUE", "True", "t", "1"}) {
    if (text == yes) return 1;
  }
  for (const std::string_view no : {"false", "FALSE", "False", "f", "0"}) {
    if (text == no) return 0;
  }
  return std::nullopt;
}
std::optional<std::string_view> bytes_to_text(std::string_view bytes) {
  return is_valid_utf8(bytes) ? std::optional(bytes) : std::nullopt;
}

template <class T>
void append_integer(T value, std::string& out) {
  fmt::format_to(std::back_inserter(out), "{}", value);
}
void append_bool(uint8_t value, std::string& out) { out += value != 0 ? "true" : "false"; }

// Writes each value into one reused string and copies it to the arena.
template <class From, auto Append>
void to_text(std::span<const Vec> args, Rows rows, Out& out) {
  const auto a = args[0].in<From>();
  auto* result = out.values<std::string_view>();
  Arena& arena = out.context().arena();
  std::string text;
  for_each_row(rows, [&](uint32_t row) {
    text.clear();
    Append(a[row], text);
    result[row] = arena.copy(text);
  });
}

using Text = std::string_view;

}  // namespace

std::vector<Overload> conversion_overloads() {
  using enum TypeKind;
  return {
      {"int", {kInt}, kInt, convert<int64_t, int64_t, same<int64_t>>},
      {"int", {kUint}, kInt, convert<uint64_t, int64_t, uint_to_int>, true},
      {"int", {kDouble}, kInt, convert<double, int64_t, double_to_int>, true},
      {"int", {kString}, kInt, convert<Text, int64_t, parse_number<int64_t>>, true},
      {"int", {kTimestamp}, kInt, convert<Nanos, int64_t, timestamp_to_int>},
      {"uint", {kUint}, kUint, convert<uint64_t, uint64_t, same<uint64_t>>},
      {"uint", {kInt}, kUint, convert<int64_t, uint64_t, int_to_uint>, true},
      {"uint", {kDouble}, kUint, convert<double, uint64_t, double_to_uint>, true},
      {"uint", {kString}, kUint, convert<Text, uint64_t, parse_number<uint64_t>>, true},
      {"double", {kDouble}, kDouble, convert<double, double, same<double>>},
      {"double", {kInt}, kDouble, convert<int64_t, double, to_double<int64_t>>},
      {"double", {kUint}, kDouble, convert<uint64_t, double, to_double<uint64_t>>},
      {"double", {kString}, kDouble, convert<Text, double, parse_double>, true},
      {"string", {kString}, kString, convert<Text, Text, same<Text>>},
      {"string", {kBool}, kString, to_text<uint8_t, append_bool>},
      {"string", {kInt}, kString, to_text<int64_t, append_integer<int64_t>>},
      {"string", {kUint}, kString, to_text<uint64_t, append_integer<uint64_t>>},
      {"string", {kDouble}, kString, to_text<double, append_double>},
      {"string", {kBytes}, kString, convert<Text, Text, bytes_to_text>, true},
      {"string", {kTimestamp}, kString, to_text<Nanos, append_timestamp>},
      {"string", {kDuration}, kString, to_text<int64_t, append_duration>},
      {"bytes", {kBytes}, kBytes, convert<Text, Text, same<Text>>},
      {"bytes", {kString}, kBytes, convert<Text, Text, same<Text>>},
      {"bool", {kBool}, kBool, convert<uint8_t, uint8_t, same<uint8_t>>},
      {"bool", {kString}, kBool, convert<Text, uint8_t, text_to_bool>, true},
      {"timestamp", {kTimestamp}, kTimestamp, convert<Nanos, Nanos, same<Nanos>>},
      {"timestamp", {kInt}, kTimestamp, convert<int64_t, Nanos, int_to_timestamp>, true},
      {"timestamp", {kString}, kTimestamp, convert<Text, Nanos, parse_timestamp>, true},
      {"duration", {kDuration}, kDuration, convert<int64_t, int64_t, same<int64_t>>},
      {"duration", {kString}, kDuration, convert<Text, int64_t, parse_duration_nanos>, true},
  };
}

}  // namespace tidemark::expr
