// What a dedupe step does, decided once at start and shared by all threads.
#pragma once

#include <cstddef>
#include <string>

#include "base/time.h"

namespace tidemark {

struct DedupePlan {
  std::string step_name;
  size_t ordinal = 0;  // among the plan's dedupe steps
  Duration within;     // a key is remembered from its first record on until W(p) has come this far behind it
};

}  // namespace tidemark
