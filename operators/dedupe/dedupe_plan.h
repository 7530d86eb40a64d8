// What a dedupe step does, decided once at start and shared by all threads.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>

#include "base/time.h"

namespace tidemark {

struct DedupePlan {
  std::string step_name;
  size_t ordinal = 0;  // among the plan's dedupe steps
  Duration within;     // a key is remembered from its first record on until W(p) has come this far behind it
  // In the store keys lie in slices of time of this size, which go as a whole. A key is looked for in each of them.
  Duration slice = slice_for(within);

  // A quarter of `within`; no less than a minute, or disorder that spans much time would have slices without number.
  static Duration slice_for(Duration within) { return std::max(Duration{within.us / 4}, Duration::minutes(1)); }
};

}  // namespace tidemark
