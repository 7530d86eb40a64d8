// The oracle of window results: maps and loops over windows, straight from the law of when a record counts. Shares no
// code with the engine but the words that rows are rendered in.
#pragma once

#include <span>

#include "tests/operators/windows/lane_harness.h"

namespace tidemark {

struct NaiveOutcome {
  std::vector<std::string> results;
  std::vector<std::string> late;
  uint64_t counted = 0;
  uint64_t updates_missed = 0;
  uint64_t result_errors = 0;  // rows with more different texts than they may have
};

// Of aligned, cumulative and session shapes.
NaiveOutcome naive_windows(const WindowShape& shape, std::span<const TestRow> rows, Duration allowed_lateness = {});

}  // namespace tidemark
