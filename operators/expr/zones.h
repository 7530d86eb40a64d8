// Time zones: by IANA name, or a fixed offset such as "-09:30". Hides the library that reads the system's tz database.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "operators/expr/vector.h"

namespace tidemark::expr {

// Plain data; the database behind it lives as long as the process.
class Zone {
 public:
  // Nothing when there is no such zone.
  static std::optional<Zone> find(std::string_view name);
  // The wall clock there at `t`, as if it were UTC.
  Nanos local(Nanos t) const;

 private:
  Zone(int64_t fixed_seconds, const void* rules) : fixed_seconds_(fixed_seconds), rules_(rules) {}
  int64_t fixed_seconds_;
  const void* rules_;  // nullptr: the offset is fixed
};

}  // namespace tidemark::expr
