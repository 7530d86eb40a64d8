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

// One column of the raw results: what an aggregate, or another one like it, reads in the state of the first.
struct PlannedResult {
  const Aggregate* function = nullptr;
  size_t state_offset = 0;
  std::unique_ptr<const Aggregate> own = {};  // of one that keeps no state: `function`
};

// When a window speaks: once it is closed; before that, too, at multiples of a period from the epoch; or whenever it has
// changed.
enum class EmitWhen : uint8_t { kOnClose, kEvery, kOnChange };

struct WindowPlan {
  std::string step_name;
  size_t ordinal = 0;        // index into Batch::keyed
  WindowShape shape;
  Duration allowed_lateness;
  EmitWhen emit = EmitWhen::kOnClose;
  Duration every;                         // of kEvery
  std::vector<Type> key_types;            // in `by` order
  std::vector<PlannedAggregate> aggregates;  // those that keep states
  std::vector<PlannedResult> results;     // by raw result column
  size_t state_size = 0;                  // of all aggregates together
  bool feeds_window = false;              // another window takes its result rows

  // A window may speak more than once: its rows bear `revision` and `is_final`.
  bool revises() const { return emit != EmitWhen::kOnClose || allowed_lateness > Duration{0}; }
  // Where the lane's watermark stands at `watermark`: windows that end by then take no more rows.
  Time done_by(Time watermark) const { return watermark == Time::max() ? watermark : watermark - allowed_lateness; }
  // What it spoke of may turn out to be no window: its rows bear `withdrawn`.
  bool withdraws() const { return revises() && std::holds_alternative<SessionShape>(shape) && !is_running(); }
  // Its rows bear neither window_start nor window_end.
  bool is_running() const {
    const auto* const session = std::get_if<SessionShape>(&shape);
    return session != nullptr && session->running;
  }
};

// Columns of a result batch, by slot: the keys, then window_start, window_end, then one for each of `results`, then
// withdrawn where the window withdraws, then revision and is_final where it revises.

}  // namespace tidemark
