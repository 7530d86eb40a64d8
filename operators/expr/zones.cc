// Howard Hinnant's date library over the system's tz database.
#include "operators/expr/zones.h"

#include <chrono>
#include <exception>
#include <limits>
#include <string>

#include <date/tz.h>

#include "operators/expr/times.h"

namespace tidemark::expr {
namespace {

// "02:00", "+02:00", "-09:30" in seconds.
std::optional<int64_t> fixed_offset(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const auto digit = [&](size_t i) { return text[i] >= '0' && text[i] <= '9'; };
  if (text.size() != 5 || text[2] != ':' || !digit(0) || !digit(1) || !digit(3) || !digit(4)) return std::nullopt;
  const int64_t hours = (text[0] - '0') * 10 + (text[1] - '0');
  const int64_t minutes = (text[3] - '0') * 10 + (text[4] - '0');
  if (hours > 23 || minutes > 59) return std::nullopt;
  const int64_t seconds = hours * 3'600 + minutes * 60;
  return negative ? -seconds : seconds;
}

}  // namespace

std::optional<Zone> Zone::find(std::string_view name) {
  if (name.empty() || name == "UTC") return Zone(0, nullptr);
  if (const auto fixed = fixed_offset(name)) return Zone(*fixed, nullptr);
  try {
    const date::time_zone* zone = date::locate_zone(std::string(name));
    zone->get_info(date::sys_seconds());  // reads the zone's file now, since that may fail
    return Zone(0, zone);
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

Nanos Zone::local(Nanos t) const {
  if (rules_ == nullptr) return t + Nanos{fixed_seconds_} * kSecond;
  const auto seconds = static_cast<int64_t>(t / kSecond - (t % kSecond < 0 ? 1 : 0));
  const auto* zone = static_cast<const date::time_zone*>(rules_);
  const auto info = zone->get_info(date::sys_seconds(std::chrono::seconds(seconds)));
  return t + Nanos{info.offset.count()} * kSecond;
}

std::vector<ZoneChange> Zone::changes() const {
  constexpr int64_t kAlways = std::numeric_limits<int64_t>::min();
  if (rules_ == nullptr) return {{kAlways, fixed_seconds_}};
  const auto* zone = static_cast<const date::time_zone*>(rules_);
  const date::sys_seconds last = date::sys_days(date::year::max() / 1 / 1);
  date::sys_info info = zone->get_info(date::sys_days(date::year::min() / 1 / 1));
  std::vector<ZoneChange> changes = {{kAlways, info.offset.count()}};
  while (info.end < last) {
    info = zone->get_info(info.end);
    const int64_t at = info.begin.time_since_epoch().count();
    if (info.offset.count() != changes.back().offset) changes.push_back({at, info.offset.count()});
  }
  return changes;
}

std::vector<std::string_view> zone_names() {
  std::vector<std::string_view> names;
  try {
    for (const date::time_zone& zone : date::get_tzdb().zones) names.push_back(zone.name());
  } catch (const std::exception&) {
    names.clear();  // without a database there is none to name
  }
  return names;
}

}  // namespace tidemark::expr
