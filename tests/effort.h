// How much a test tries. What it checks is the same, whatever the effort.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>

namespace tidemark {

// Of `usual` random cases, as many as TIDEMARK_EFFORT says, in percent; all of them where it says nothing. One at least.
inline uint64_t tries(uint64_t usual) {
  const char* percent = std::getenv("TIDEMARK_EFFORT");
  return percent ? std::max<uint64_t>(1, usual * std::strtoull(percent, nullptr, 10) / 100) : usual;
}

}  // namespace tidemark
