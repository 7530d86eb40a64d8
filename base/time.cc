// Durations are sums of whole units; dates go through days since the epoch; of a second six digits are read, more are
// cut. Zones are offsets only: neither names of zones nor leap seconds are known.
#include "base/time.h"

#include <array>
#include <charconv>

namespace tidemark {
namespace {

struct Unit {
  std::string_view name;
  int64_t us;
};
constexpr std::array<Unit, 6> kUnits{{{"d", 86'400'000'000}, {"h", 3'600'000'000}, {"m", 60'000'000},
                                      {"s", 1'000'000}, {"ms", 1'000}, {"us", 1}}};

constexpr int days_in_month(int64_t y, int m) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
  return m == 2 && leap ? 29 : kDays[m - 1];
}

// Reads exactly `n` digits at the front of `text` and drops them.
std::optional<int> take_digits(std::string_view& text, size_t n) {
  if (text.size() < n) return std::nullopt;
  int value = 0;
  for (size_t i = 0; i < n; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(n);
  return value;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text[0] != c) return false;
  text.remove_prefix(1);
  return true;
}

// The part behind the seconds: microseconds, cut (digits are read towards the past for any sign of the whole).
std::optional<int64_t> take_fraction(std::string_view& text) {
  if (!take(text, '.')) return 0;
  int64_t us = 0;
  size_t digits = 0;
  for (; digits < text.size() && text[digits] >= '0' && text[digits] <= '9'; ++digits) {
    if (digits < 6) us = us * 10 + (text[digits] - '0');
  }
  if (digits == 0) return std::nullopt;
  for (size_t i = digits; i < 6; ++i) us *= 10;
  text.remove_prefix(digits);
  return us;
}

std::optional<int64_t> take_zone_seconds(std::string_view& text) {
  if (take(text, 'Z') || take(text, 'z')) return 0;
  if (text.empty()) return std::nullopt;
  const int sign = text[0] == '-' ? -1 : 1;
  if (!take(text, '+') && !take(text, '-')) return std::nullopt;
  const auto hours = take_digits(text, 2);
  if (!hours || !take(text, ':')) return std::nullopt;
  const auto minutes = take_digits(text, 2);
  if (!minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  return sign * (*hours * 3'600 + *minutes * 60);
}

// The last `width` digits, and what follows them; answers where that ends.
char* write_digits(char* at, int64_t number, int width, char behind) {
  auto value = static_cast<uint32_t>(number);
  for (char* digit = at + width; digit-- > at; value /= 10) *digit = static_cast<char>('0' + value % 10);
  at[width] = behind;
  return at + width + 1;
}

}  // namespace

int64_t days_of(const CivilDate& date) {
  const int64_t y = date.year - (date.month <= 2 ? 1 : 0);
  const int64_t era = floor_div(y, 400);
  const int64_t yoe = y - era * 400;
  const int64_t doy = (153 * (date.month + (date.month > 2 ? -3 : 9)) + 2) / 5 + date.day - 1;
  return era * 146'097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719'468;
}

CivilDate civil_of(int64_t days) {
  const int64_t z = days + 719'468;
  const int64_t era = floor_div(z, 146'097);
  const int64_t doe = z - era * 146'097;
  const int64_t yoe = (doe - doe / 1'460 + doe / 36'524 - doe / 146'096) / 365;
  const int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  const int64_t mp = (5 * doy + 2) / 153;
  const int day = static_cast<int>(doy - (153 * mp + 2) / 5 + 1);
  const int month = static_cast<int>(mp < 10 ? mp + 3 : mp - 9);
  return {yoe + era * 400 + (month <= 2 ? 1 : 0), month, day};
}

std::optional<Duration> parse_duration(std::string_view text) {
  if (text == "0") return Duration{0};
  if (text.empty()) return std::nullopt;
  int64_t total = 0;
  while (!text.empty()) {
    int64_t number = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failed != std::errc{} || text[0] == '-') return std::nullopt;
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    const size_t letters = std::min(text.find_first_not_of("abcdefghijklmnopqrstuvwxyz"), text.size());
    const Unit* unit = nullptr;
    for (const Unit& u : kUnits) {
      if (u.name == text.substr(0, letters)) unit = &u;
    }
    int64_t part = 0;
    if (unit == nullptr || __builtin_mul_overflow(number, unit->us, &part)) return std::nullopt;
    if (__builtin_add_overflow(total, part, &total)) return std::nullopt;
    text.remove_prefix(letters);
  }
  return Duration{total};
}

std::string format_duration(Duration d) {
  if (d.us == 0) return "0s";
  std::string out;
  // Written through the unsigned magnitude, so that the smallest value needs no special case.
  uint64_t rest = d.us < 0 ? 0 - static_cast<uint64_t>(d.us) : static_cast<uint64_t>(d.us);
  if (d.us < 0) out.push_back('-');
  for (const Unit& unit : kUnits) {
    const uint64_t n = rest / static_cast<uint64_t>(unit.us);
    if (n == 0) continue;
    out += std::to_string(n);
    out += unit.name;
    rest %= static_cast<uint64_t>(unit.us);
  }
  return out;
}

std::optional<Time> parse_rfc3339(std::string_view text) {
  const auto year = take_digits(text, 4);
  if (!year || !take(text, '-')) return std::nullopt;
  const auto month = take_digits(text, 2);
  if (!month || *month < 1 || *month > 12 || !take(text, '-')) return std::nullopt;
  const auto day = take_digits(text, 2);
  if (!day || *day < 1 || *day > days_in_month(*year, *month)) return std::nullopt;
  if (!take(text, 'T') && !take(text, 't') && !take(text, ' ')) return std::nullopt;
  const auto hour = take_digits(text, 2);
  if (!hour || *hour > 23 || !take(text, ':')) return std::nullopt;
  const auto minute = take_digits(text, 2);
  if (!minute || *minute > 59 || !take(text, ':')) return std::nullopt;
  const auto second = take_digits(text, 2);
  if (!second || *second > 59) return std::nullopt;
  const auto fraction = take_fraction(text);
  if (!fraction) return std::nullopt;
  const auto zone = take_zone_seconds(text);
  if (!zone || !text.empty()) return std::nullopt;
  const int64_t days = days_of({*year, *month, *day});
  const int64_t seconds = days * 86'400 + *hour * 3'600 + *minute * 60 + *second - *zone;
  return Time{seconds * 1'000'000 + *fraction};
}

void append_rfc3339(Time t, std::string& out) {
  const int64_t seconds = floor_div(t.us, 1'000'000);
  const int64_t fraction = floor_mod(t.us, 1'000'000);
  const CivilDate date = civil_of(floor_div(seconds, 86'400));
  if (date.year < 1 || date.year > 9999) {
    out += std::to_string(t.us);
    return;
  }
  const int64_t in_day = floor_mod(seconds, 86'400);
  char text[sizeof "2026-01-01T00:00:00.000000Z"];
  char* at = write_digits(text, date.year, 4, '-');
  at = write_digits(at, date.month, 2, '-');
  at = write_digits(at, date.day, 2, 'T');
  at = write_digits(at, in_day / 3'600, 2, ':');
  at = write_digits(at, in_day / 60 % 60, 2, ':');
  at = write_digits(at, in_day % 60, 2, fraction == 0 ? 'Z' : '.');
  if (fraction % 1'000 != 0) {
    at = write_digits(at, fraction, 6, 'Z');
  } else if (fraction != 0) {
    at = write_digits(at, fraction / 1'000, 3, 'Z');
  }
  out.append(text, at);
}

std::string format_rfc3339(Time t) {
  std::string out;
  append_rfc3339(t, out);
  return out;
}

}  // namespace tidemark
