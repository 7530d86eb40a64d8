// RowUpdate: brings the rows of a batch into the states that belong to them, one aggregate after the other. Knows the plan's
// columns and conditions; where the states lie is found before.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "operators/windows/window_plan.h"

namespace tidemark {

// Single-threaded. The plan outlives it.
class RowUpdate {
 public:
  explicit RowUpdate(const WindowPlan& plan) : plan_(plan) {}
  // states[i] is the block of rows[i]; on return each has been moved along its block.
  void add(const Batch& batch, Rows rows, std::vector<std::byte*>& states, Arena& heap);

 private:
  const WindowPlan& plan_;
  // Scratch, kept for its memory.
  std::vector<std::byte*> chosen_states_;
  std::vector<uint32_t> chosen_rows_;
};

}  // namespace tidemark
