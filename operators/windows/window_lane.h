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
#include "operators/keyed_lane.h"
#include "operators/windows/window_plan.h"

namespace tidemark {

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
  // Whether windows are to be given out in the order of their keys, which costs more, so that one may be in parts.
  virtual bool in_parts() const { return false; }
  // Asked behind each key of such a window: whether the others are to wait for another advance(). Cheap.
  virtual bool wants_part() { return false; }
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
class WindowLane : public KeyedLane {
 public:
  // Counts `rows` of a source batch. For each row the windows with end + allowed_lateness > max(W(p), lane watermark)
  // are updated; W(p) is batch.watermarks[row]. Rows that count nowhere are appended to `late`.
  virtual void add(const Batch& batch, Rows rows, std::vector<LateRow>& late) = 0;

  // Moves the lane's watermark (never back) and fires every window whose end it has reached, in order of end.
  // Time::max() closes all windows. Where `out` wanted a pause, the watermark stands at the end of the last window fired,
  // short of `watermark`; the same call again goes on. At least one window is fired in each, or a part of one: then the
  // watermark stands just short of where it closed, and no row counts in it any more.
  //
  // A window that revises also speaks of the keys that have changed, and its rows say which of them are final.
  virtual Status advance(Time watermark, ResultEmitter& out) = 0;
  // Whether advance() has something to say although the watermark stands where it stood.
  virtual bool has_more() const { return false; }

  virtual const WindowCounters& counters() const = 0;
};

// `step` is what the store's dictionary calls the window step. `view` is the restored store's (null for a fresh start);
// the lane reads its metadata from it.
Result<std::unique_ptr<WindowLane>> make_window_lane(const WindowPlan& plan, uint16_t step, uint16_t lane,
                                                     std::shared_ptr<const StoreView> view);

// The merge function that a store needs for a window step's entries: merges encoded states.
bool merge_window_states(const WindowPlan& plan, std::string& accumulator, std::string_view operand);

}  // namespace tidemark
