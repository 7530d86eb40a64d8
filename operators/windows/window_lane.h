// WindowLane: the keyed state of one window step in one lane. Rows and time go in, late rows and result rows come out;
// generations go to the store and are read back when they are no longer in memory. Knows no threads, clocks or sinks.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "operators/batch.h"
#include "operators/windows/window_plan.h"
#include "state/generation_writer.h"
#include "state/keyed_store.h"

namespace tidemark {

// What a lane sees of its store: a frozen sight of what has been written.
using StoreView = View;

enum class LateReason : uint8_t { kLate, kIdle };

// Rows of one source batch that counted in no window.
struct LateRow {
  uint32_t row;
  LateReason reason;
  Time watermark;  // the watermark that refused it
};

// Takes result rows; called on the lane's thread, in the order in which windows speak: in order of window end, where they
// speak but once. May block (back-pressure).
class ResultEmitter {
 public:
  virtual ~ResultEmitter() = default;
  virtual void emit(std::unique_ptr<Batch> results) = 0;
  // Asked between two windows: whether the rest is to wait for another advance().
  virtual bool wants_pause() { return false; }
};

// Everything that changed in a lane between two barriers (or two spills), frozen: immutable from then on. Written to
// the store on another thread, in the order of `number`.
class FrozenGeneration {
 public:
  virtual ~FrozenGeneration() = default;
  virtual uint64_t number() const = 0;
  virtual uint16_t lane() const = 0;
  virtual uint16_t step() const = 0;
  // Writes merges, expiries and the lane's own metadata. Thread: the unit's state writer.
  virtual Status write_to(GenerationWriter& out) const = 0;
};

// Counters since the lane was made; read on the lane's thread at a barrier.
struct WindowCounters {
  uint64_t in = 0;             // rows given to add()
  uint64_t counted = 0;        // rows that counted in at least one window
  uint64_t late = 0;           // reason late
  uint64_t idle_late = 0;      // reason idle
  uint64_t updates_missed = 0; // windows missed by rows that counted in others
  uint64_t results = 0;        // result rows emitted
  uint64_t result_errors = 0;  // aggregates that could not give a result
};

// Sets a row aside that counts nowhere: `late` by the watermark of its own partition, or else by that of the lane.
void refuse_row(uint32_t row, bool late, Time own, Time of_lane, WindowCounters& counters, std::vector<LateRow>& rows);

// Single-threaded: all calls on the lane's thread.
class WindowLane {
 public:
  virtual ~WindowLane() = default;

  // Counts `rows` of a source batch. For each row the windows with end + allowed_lateness > max(W(p), lane watermark)
  // are updated; W(p) is batch.watermarks[row]. Rows that count nowhere are appended to `late`.
  virtual void add(const Batch& batch, Rows rows, std::vector<LateRow>& late) = 0;

  // Moves the lane's watermark (never back) and fires every window whose end it has reached, in order of end.
  // Time::max() closes all windows. Where `out` wanted a pause, the watermark stands at the end of the last window fired,
  // short of `watermark`; the same call again goes on. At least one window is fired in each.
  //
  // A window that revises also speaks of the keys that have changed, and its rows say which of them are final.
  virtual Status advance(Time watermark, ResultEmitter& out) = 0;
  virtual Time watermark() const = 0;
  // Whether advance() has something to say although the watermark stands where it stood.
  virtual bool has_more() const { return false; }

  // Freezes what changed since the last freeze, metadata included; the lane goes on with an empty generation.
  virtual std::unique_ptr<FrozenGeneration> freeze() = 0;
  // Generation `number` and all before it are in the store as seen through `view`, and none after it: it is the view
  // from between their writes. Their copies in memory are from now on only a cache.
  virtual void on_written(uint64_t number, std::shared_ptr<const StoreView> view) = 0;

  // Bytes of memory: not yet frozen (hot), not yet written (dirty: hot ones and frozen ones), and all.
  virtual size_t hot_bytes() const = 0;
  virtual size_t dirty_bytes() const = 0;
  virtual size_t memory_bytes() const = 0;
  // Drops cached copies of written generations until memory_bytes() <= `target`, as far as that goes.
  virtual void shed(size_t target) = 0;
  // Entries (slice, key) held in memory.
  virtual uint64_t keys() const = 0;

  virtual const WindowCounters& counters() const = 0;
};

// `step` is what the store's dictionary calls the window step. `view` is the restored store's (null for a fresh start);
// the lane reads its metadata from it.
Result<std::unique_ptr<WindowLane>> make_window_lane(const WindowPlan& plan, uint16_t step, uint16_t lane,
                                                     std::shared_ptr<const StoreView> view);

// The merge function that a store needs for a window step's entries: merges encoded states.
bool merge_window_states(const WindowPlan& plan, std::string& accumulator, std::string_view operand);

}  // namespace tidemark
