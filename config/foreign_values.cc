// Reads more than is ever taken: numbers with units whatever stands between them, ISO 8601, SQL's intervals. Says
// nothing where the meaning stays open, as with months.
#include "config/foreign_values.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/time.h"

namespace tidemark {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return out;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || static_cast<unsigned char>(c) >= 0x80; }

void skip(std::string_view& text, std::string_view what) {
  text.remove_prefix(std::min(text.find_first_not_of(what), text.size()));
}

// The length of a unit in microseconds, by its word or how it begins: `minutes`, `min` and `m` alike.
std::optional<double> unit_us(std::string_view word) {
  constexpr std::array<std::pair<std::string_view, double>, 26> kUnits{{
      {"us", 1},          {"micros", 1},       {"microsecond", 1}, {"ms", 1e3},        {"msec", 1e3},
      {"milli", 1e3},     {"millisecond", 1e3}, {"s", 1e6},        {"sec", 1e6},       {"second", 1e6},
      {"m", 6e7},         {"mi", 6e7},         {"min", 6e7},       {"minute", 6e7},    {"h", 3.6e9},
      {"hr", 3.6e9},      {"hour", 3.6e9},     {"d", 8.64e10},     {"day", 8.64e10},   {"w", 6.048e11},
      {"wk", 6.048e11},   {"week", 6.048e11},  {"mins", 6e7},      {"secs", 1e6},      {"millis", 1e3},
      {"\xc2\xb5s", 1},
  }};
  for (const std::string_view form : {word, word.ends_with('s') ? word.substr(0, word.size() - 1) : word}) {
    const auto found = std::ranges::find(kUnits, form, &std::pair<std::string_view, double>::first);
    if (found != kUnits.end()) return found->second;
  }
  return std::nullopt;
}

// Pairs of number and unit, whatever stands between them.
std::optional<Duration> read_pairs(std::string_view text) {
  constexpr std::string_view kBlank = " \t'\",_";
  double total = 0;
  skip(text, kBlank);
  while (!text.empty()) {
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || !is_digit(text[0])) return std::nullopt;
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    skip(text, kBlank);
    const auto letters = std::ranges::find_if_not(text, is_letter);
    const auto us = unit_us(text.substr(0, static_cast<size_t>(letters - text.begin())));
    if (!us) return std::nullopt;
    total += number * *us;
    text.remove_prefix(static_cast<size_t>(letters - text.begin()));
    skip(text, kBlank);
  }
  if (total < 1 || total > 9e18 || total != std::floor(total)) return std::nullopt;
  return Duration::micros(static_cast<int64_t>(total));
}

}  // namespace

std::string duration_hint(std::string_view text) {
  std::string low = lower(text);
  if (!low.empty() && std::ranges::all_of(low, is_digit)) {
    return fmt::format("a number needs its unit, as in `{0}s` or `{0}ms`", text);
  }
  if (low.starts_with("interval")) low.erase(0, 8);
  if (low.starts_with('p')) {  // ISO 8601
    if (low.find('m') < low.find('t')) return {};  // months, of no fixed length
    std::erase_if(low, [](char c) { return c == 'p' || c == 't'; });
  }
  const auto meant = read_pairs(low);
  return meant ? fmt::format("did you mean `{}`?", format_duration(*meant)) : std::string();
}

std::string size_hint(std::string_view text) {
  const auto digits = std::ranges::find_if_not(text, is_digit);
  const std::string_view number = text.substr(0, static_cast<size_t>(digits - text.begin()));
  std::string unit = lower(text.substr(number.size()));
  std::erase(unit, ' ');
  constexpr std::array<std::pair<char, std::string_view>, 4> kUnits{{{'k', "KiB"}, {'m', "MiB"}, {'g', "GiB"}, {'t', "TiB"}}};
  for (const auto& [letter, word] : kUnits) {
    const bool meant = unit.starts_with(letter) && (unit.size() == 1 || unit.ends_with('b') || unit.ends_with("bytes"));
    if (!number.empty() && meant) return fmt::format("did you mean `{}{}`?", number, word);
  }
  return {};
}

}  // namespace tidemark
