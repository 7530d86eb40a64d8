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

// Two digits, and what follows them; answers where that ends.
char* write_pair(char* at, uint32_t number, char behind) {
  at[0] = static_cast<char>('0' + number / 10);
  at[1] = static_cast<char>('0' + number % 10);
  at[2] = behind;
  return at + 3;
}

char* write_thousandths(char* at, uint32_t number) {
  *at = static_cast<char>('0' + number / 100);
  return write_pair(at + 1, number % 100, 'Z') - 1;
}

}  // namespace

int64_t days_of(const CivilDate& date) {
  const int64_t y = date.year - (date.month <= 2 ? 1 : 0);
  const int64_t era = floor_div(y, 400);
  const int64_t yoe = y - era * 400;
  const int64_t doy = (153 * (date.month + (date.month > 2 ? -3 : 9)) + 2) / 5 + date.day - 1;
  return era * 146'097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719'468;
}

// In 32 bits and nearly without divisions: every row of a window bears two dates. Days count from 1 March of a year before
// all that a Time reaches; then years of a century and months of a year are linear functions of the day.
CivilDate civil_of(int64_t days) {
  constexpr uint32_t kEras = 735;  // of 400 years each
  const uint32_t day = static_cast<uint32_t>(days + 719'468) + 146'097 * kEras;
  const uint32_t in_era = 4 * day + 3;
  const uint32_t century = in_era / 146'097;
  const uint64_t in_century = uint64_t{2'939'745} * (in_era % 146'097 | 3);
  const auto year_of_century = static_cast<uint32_t>(in_century >> 32);
  const uint32_t day_of_year = static_cast<uint32_t>(in_century) / 2'939'745 / 4;
  const uint32_t in_year = 2'141 * day_of_year + 197'913;
  const uint32_t next_year = day_of_year >= 306;
  const int64_t year = int64_t{100} * century + year_of_century + next_year - int64_t{400} * kEras;
  return {year, static_cast<int>((in_year >> 16) - 12 * next_year), static_cast<int>((in_year & 0xffff) / 2'141 + 1)};
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
  const auto fraction = static_cast<uint32_t>(floor_mod(t.us, 1'000'000));
  const CivilDate date = civil_of(floor_div(seconds, 86'400));
  if (date.year < 1 || date.year > 9999) {
    out += std::to_string(t.us);
    return;
  }
  const auto in_day = static_cast<uint32_t>(floor_mod(seconds, 86'400));
  const auto year = static_cast<uint32_t>(date.year);
  char text[sizeof "2026-01-01T00:00:00.000000Z"];
  char* at = write_pair(text, year / 100, ' ') - 1;
  at = write_pair(at, year % 100, '-');
  at = write_pair(at, static_cast<uint32_t>(date.month), '-');
  at = write_pair(at, static_cast<uint32_t>(date.day), 'T');
  at = write_pair(at, in_day / 3'600, ':');
  at = write_pair(at, in_day / 60 % 60, ':');
  at = write_pair(at, in_day % 60, fraction == 0 ? 'Z' : '.');
  if (fraction != 0) at = write_thousandths(at, fraction / 1'000);
  if (fraction % 1'000 != 0) at = write_thousandths(at, fraction % 1'000);
  if (fraction != 0) *at++ = 'Z';
  out.append(text, at);
}

std::string format_rfc3339(Time t) {
  std::string out;
  append_rfc3339(t, out);
  return out;
}

}  // namespace tidemark
