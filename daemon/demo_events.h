// The events of a small shop, for the demo: what a topic really holds, with some disorder, a few records that come far
// too late and a few that are broken. Pure: a seed and times in, bytes out.
#pragma once

#include <cstdint>
#include <random>
#include <string>

#include "base/time.h"

namespace tidemark {

struct DemoEvent {
  std::string key;    // the user
  std::string value;  // JSON
};

// Gives the same events for the same seed and times.
class DemoEvents {
 public:
  explicit DemoEvents(uint64_t seed) : random_(seed) {}

  // An event that reaches the topic at `now`: it happened up to 0.4 s before, one in 1,000 half a minute before; one in
  // 2,000 is cut short and one in 2,000 bears a text for a number.
  DemoEvent next(Time now);

 private:
  uint64_t below(uint64_t bound) { return random_() % bound; }

  std::mt19937_64 random_;
  uint64_t made_ = 0;
};

}  // namespace tidemark
