// Time zones: by IANA name, or a fixed offset such as "-09:30". Hides the library that reads the system's tz database.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "operators/expr/vector.h"

namespace tidemark::expr {

// From `at` on, in seconds since the epoch, the wall clock is `offset` seconds ahead of UTC.
struct ZoneChange {
  int64_t at;
  int64_t offset;
};

// Plain data; the database behind it lives as long as the process.
class Zone {
 public:
  // Nothing when there is no such zone.
  static std::optional<Zone> find(std::string_view name);
  // The wall clock there at `t`, as if it were UTC.
  Nanos local(Nanos t) const;
  // Rising, the first before all times. As far as the database names them: with its usual files to the end of 2037.
  std::vector<ZoneChange> changes() const;

 private:
  Zone(int64_t fixed_seconds, const void* rules) : fixed_seconds_(fixed_seconds), rules_(rules) {}
  int64_t fixed_seconds_;
  const void* rules_;  // nullptr: the offset is fixed
};

// Of all that the database holds; as long as the process lives.
std::vector<std::string_view> zone_names();

}  // namespace tidemark::expr
