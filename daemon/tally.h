// Tally: what steps and sinks have counted, of one worker or of all. Knows neither what the counts must add up to nor who
// asks for them.
#pragma once

#include <cstdint>
#include <vector>

#include "daemon/sinks.h"
#include "operators/transforms/stage.h"
#include "operators/windows/window_lane.h"

namespace tidemark {

struct Tally {
  std::vector<StepCounters> steps;  // by step number; windows: in = counted + late + dead_lettered
  std::vector<WindowCounters> windows;  // by ordinal
  std::vector<SinkCounters> sinks;  // by sink number
  RefusedCounts refused;
  std::vector<uint64_t> partitioning_violations;  // by window ordinal

  void add(const Tally& more);
};

}  // namespace tidemark
