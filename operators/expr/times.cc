// Text forms, calendar fields and arithmetic of timestamps and durations.
#include "operators/expr/times.h"

#include <array>
#include <charconv>

#include <fmt/format.h>

#include "base/time.h"
#include "operators/expr/kernels.h"
#include "operators/expr/zones.h"

namespace tidemark::expr {
namespace {

constexpr int64_t kDay = 86'400 * kSecond;

Nanos floor_of(Nanos a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

// Digits of a fraction of a second, in groups of three as RFC 3339 output has them everywhere in this house.
void append_fraction(int64_t ns, std::string& out) {
  if (ns == 0) return;
  if (ns % 1'000'000 == 0) {
    out += fmt::format(".{:03}", ns / 1'000'000);
  } else if (ns % 1'000 == 0) {
    out += fmt::format(".{:06}", ns / 1'000);
  } else {
    out += fmt::format(".{:09}", ns);
  }
}

// A decimal number: whole + fraction / scale. Digits beyond the 15th behind the point are cut.
struct Amount {
  Nanos whole = 0;
  int64_t fraction = 0;
  int64_t scale = 1;
};

std::optional<Amount> take_amount(std::string_view& text) {
  constexpr Nanos kTooLarge = Nanos{1} << 64;
  constexpr int64_t kFinest = 1'000'000'000'000'000;
  Amount amount;
  size_t at = 0;
  size_t digits = 0;
  for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, ++digits) {
    amount.whole = amount.whole * 10 + (text[at] - '0');
    if (amount.whole > kTooLarge) return std::nullopt;
  }
  if (at < text.size() && text[at] == '.') {
    for (++at; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, ++digits) {
      if (amount.scale == kFinest) continue;
      amount.fraction = amount.fraction * 10 + (text[at] - '0');
      amount.scale *= 10;
    }
  }
  if (digits == 0) return std::nullopt;
  text.remove_prefix(at);
  return amount;
}

std::optional<int64_t> take_unit(std::string_view& text) {
  static constexpr std::array<std::pair<std::string_view, int64_t>, 8> kUnits{{{"ns", 1},
                                                                              {"us", 1'000},
                                                                              {"\u00b5s", 1'000},
                                                                              {"ms", 1'000'000},
                                                                              {"s", kSecond},
                                                                              {"m", 60 * kSecond},
                                                                              {"h", 3'600 * kSecond},
                                                                              {"d", kDay}}};
  for (const auto& [name, ns] : kUnits) {
    if (!text.starts_with(name)) continue;
    text.remove_prefix(name.size());
    return ns;
  }
  return std::nullopt;
}

// Runs `f(a, b)` in 128 bits and checks that the answer is a timestamp.
template <class A, class B, class F>
void to_timestamp(std::span<const Vec> args, Rows rows, Out& out, F&& f) {
  const auto a = args[0].in<A>();
  const auto b = args[1].in<B>();
  auto* result = out.values<Nanos>();
  for_each_row(rows, [&](uint32_t row) {
    result[row] = f(Nanos{a[row]}, Nanos{b[row]});
    if (!in_timestamp_range(result[row])) [[unlikely]] out.fail(row, "timestamp out of range (years 0001 to 9999)");
  });
}

template <class T, class F>
void to_duration(std::span<const Vec> args, Rows rows, Out& out, F&& f) {
  const auto a = args[0].in<T>();
  const auto b = args[1].in<T>();
  auto* result = out.values<int64_t>();
  for_each_row(rows, [&](uint32_t row) {
    const Nanos exact = f(Nanos{a[row]}, Nanos{b[row]});
    result[row] = static_cast<int64_t>(exact);
    if (exact != result[row]) [[unlikely]] out.fail(row, "duration out of range (64 bits of nanoseconds)");
  });
}

Nanos sum(Nanos a, Nanos b) { return a + b; }
Nanos difference(Nanos a, Nanos b) { return a - b; }

void timestamp_plus_duration(std::span<const Vec> args, Rows rows, Out& out) {
  to_timestamp<Nanos, int64_t>(args, rows, out, sum);
}
void duration_plus_timestamp(std::span<const Vec> args, Rows rows, Out& out) {
  to_timestamp<int64_t, Nanos>(args, rows, out, sum);
}
void timestamp_minus_duration(std::span<const Vec> args, Rows rows, Out& out) {
  to_timestamp<Nanos, int64_t>(args, rows, out, difference);
}
void timestamp_minus_timestamp(std::span<const Vec> args, Rows rows, Out& out) {
  to_duration<Nanos>(args, rows, out, difference);
}
void duration_plus_duration(std::span<const Vec> args, Rows rows, Out& out) {
  to_duration<int64_t>(args, rows, out, sum);
}
void duration_minus_duration(std::span<const Vec> args, Rows rows, Out& out) {
  to_duration<int64_t>(args, rows, out, difference);
}

template <int64_t CalendarFields::* Member, int64_t Plus = 0>
int64_t calendar_field(Nanos t) {
  return calendar_of(t).*Member + Plus;
}

// The clock's fields: how many `unit`s have passed, within the next larger unit.
template <int64_t Unit, int64_t Within>
int64_t clock_field(Nanos t) {
  const Nanos units = floor_of(t, Unit);
  return static_cast<int64_t>(units - floor_of(units, Within) * Within);
}

template <auto Field>
void field_in_utc(std::span<const Vec> args, Rows rows, Out& out) {
  const auto a = args[0].in<Nanos>();
  auto* result = out.values<int64_t>();
  for_each_row(rows, [&](uint32_t row) { result[row] = Field(a[row]); });
}

// Looks a zone up again only where its name changes.
template <auto Field>
void field_in_zone(std::span<const Vec> args, Rows rows, Out& out) {
  const auto a = args[0].in<Nanos>();
  const auto names = args[1].in<std::string_view>();
  auto* result = out.values<int64_t>();
  std::optional<std::string_view> known;
  std::optional<Zone> zone;
  for_each_row(rows, [&](uint32_t row) {
    if (known != names[row]) zone = Zone::find(*(known = names[row]));
    if (!zone) return out.fail(row, fmt::format("unknown time zone {:?}", names[row].substr(0, 40)));
    result[row] = Field(zone->local(a[row]));
  });
}

template <int64_t Unit>
void duration_in(std::span<const Vec> args, Rows rows, Out& out) {
  const auto a = args[0].in<int64_t>();
  auto* result = out.values<int64_t>();
  for_each_row(rows, [&](uint32_t row) { result[row] = a[row] / Unit; });
}

template <auto Field>
void add_accessor(std::string_view name, std::vector<Overload>& all) {
  using enum TypeKind;
  all.push_back({name, {kTimestamp}, kInt, field_in_utc<Field>, false, false, true});
  all.push_back({name, {kTimestamp, kString}, kInt, field_in_zone<Field>, true, false, true});
}

void duration_milliseconds(std::span<const Vec> args, Rows rows, Out& out) {
  const auto a = args[0].in<int64_t>();
  auto* result = out.values<int64_t>();
  for_each_row(rows, [&](uint32_t row) { result[row] = a[row] % kSecond / 1'000'000; });
}

}  // namespace

int64_t micros_of_nanos(Nanos t) { return static_cast<int64_t>(floor_of(t, 1'000)); }

std::optional<Nanos> parse_timestamp(std::string_view text) {
  // The shared parser keeps microseconds, so the fraction is read here and the rest there.
  const size_t dot = text.find('.');
  std::string rest(text.substr(0, dot));
  int64_t ns = 0;
  if (dot != std::string_view::npos) {
    size_t digits = 0;
    std::string_view tail = text.substr(dot + 1);
    for (; digits < tail.size() && tail[digits] >= '0' && tail[digits] <= '9'; ++digits) {
      if (digits < 9) ns = ns * 10 + (tail[digits] - '0');
    }
    if (digits == 0) return std::nullopt;
    for (size_t i = digits; i < 9; ++i) ns *= 10;
    rest += tail.substr(digits);
  }
  const auto whole = parse_rfc3339(rest);
  if (!whole) return std::nullopt;
  const Nanos t = nanos_of_micros(whole->us) + ns;
  if (!in_timestamp_range(t)) return std::nullopt;
  return t;
}

void append_timestamp(Nanos t, std::string& out) {
  const Nanos seconds = floor_of(t, kSecond);
  append_rfc3339({static_cast<int64_t>(seconds) * 1'000'000}, out);
  if (!in_timestamp_range(t)) return;
  out.pop_back();
  append_fraction(static_cast<int64_t>(t - seconds * kSecond), out);
  out.push_back('Z');
}

std::optional<int64_t> parse_duration_nanos(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text == "0") return 0;
  if (text.empty()) return std::nullopt;
  Nanos total = 0;
  while (!text.empty()) {
    const auto amount = take_amount(text);
    const auto unit = amount ? take_unit(text) : std::nullopt;
    if (!unit) return std::nullopt;
    total += amount->whole * *unit + Nanos{amount->fraction} * *unit / amount->scale;
    if (total > Nanos{1} << 64) return std::nullopt;
  }
  if (negative) total = -total;
  const auto ns = static_cast<int64_t>(total);
  return ns == total ? std::optional(ns) : std::nullopt;
}

void append_duration(int64_t ns, std::string& out) {
  const uint64_t magnitude = ns < 0 ? 0 - static_cast<uint64_t>(ns) : static_cast<uint64_t>(ns);
  if (ns < 0) out.push_back('-');
  out += std::to_string(magnitude / kSecond);
  append_fraction(static_cast<int64_t>(magnitude % kSecond), out);
  out.push_back('s');
}

CalendarFields calendar_of(Nanos t) {
  const auto days = static_cast<int64_t>(floor_of(t, kDay));
  const CivilDate date = civil_of(days);
  CalendarFields f{};
  f.day_of_month = date.day;
  f.month = date.month - 1;
  f.year = date.year;
  f.day_of_year = days - days_of({date.year, 1, 1});
  f.day_of_week = floor_mod(days + 4, 7);
  return f;
}

std::vector<Overload> time_overloads() {
  using enum TypeKind;
  std::vector<Overload> all{
      {"+", {kTimestamp, kDuration}, kTimestamp, timestamp_plus_duration, true},
      {"+", {kDuration, kTimestamp}, kTimestamp, duration_plus_timestamp, true},
      {"+", {kDuration, kDuration}, kDuration, duration_plus_duration, true},
      {"-", {kTimestamp, kDuration}, kTimestamp, timestamp_minus_duration, true},
      {"-", {kTimestamp, kTimestamp}, kDuration, timestamp_minus_timestamp, true},
      {"-", {kDuration, kDuration}, kDuration, duration_minus_duration, true},
  };
  add_accessor<calendar_field<&CalendarFields::year>>("getFullYear", all);
  add_accessor<calendar_field<&CalendarFields::month>>("getMonth", all);
  add_accessor<calendar_field<&CalendarFields::day_of_month>>("getDate", all);
  add_accessor<calendar_field<&CalendarFields::day_of_month, -1>>("getDayOfMonth", all);
  add_accessor<calendar_field<&CalendarFields::day_of_year>>("getDayOfYear", all);
  add_accessor<calendar_field<&CalendarFields::day_of_week>>("getDayOfWeek", all);
  add_accessor<clock_field<3'600 * kSecond, 24>>("getHours", all);
  add_accessor<clock_field<60 * kSecond, 60>>("getMinutes", all);
  add_accessor<clock_field<kSecond, 60>>("getSeconds", all);
  add_accessor<clock_field<1'000'000, 1'000>>("getMilliseconds", all);
  all.push_back({"getHours", {kDuration}, kInt, duration_in<3'600 * kSecond>, false, false, true});
  all.push_back({"getMinutes", {kDuration}, kInt, duration_in<60 * kSecond>, false, false, true});
  all.push_back({"getSeconds", {kDuration}, kInt, duration_in<kSecond>, false, false, true});
  all.push_back({"getMilliseconds", {kDuration}, kInt, duration_milliseconds, false, false, true});
  return all;
}

}  // namespace tidemark::expr
