// What a window step does, decided once at start and shared by all threads: its shape, keys and aggregates.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "operators/aggregates/aggregate.h"
#include "operators/windows/window_shape.h"

namespace tidemark {

struct PlannedAggregate {
  std::unique_ptr<const Aggregate> function;
  std::optional<uint32_t> arg_slot;    // column of the argument in source batches
  std::optional<uint32_t> by_slot;     // of its second argument
  std::optional<uint32_t> where_slot;  // bool column; rows with null or false there are left out
  size_t state_offset = 0;             // within an entry's state block
};

struct WindowPlan {
  std::string step_name;
  size_t ordinal = 0;        // index into Batch::keyed
  WindowShape shape;
  Duration allowed_lateness;
  std::vector<Type> key_types;            // in `by` order
  std::vector<PlannedAggregate> aggregates;
  size_t state_size = 0;                  // of all aggregates together
};

// Columns of a result batch, by slot: the keys, then window_start, window_end, then one per aggregate in plan order.

}  // namespace tidemark
