// AlignedWindowLane: windows whose bounds time alone decides, in one lane: tumbling, sliding, cumulative, calendar. It decides
// what counts and when windows speak; what a slice holds, how partials come together and how generations are written is told
// elsewhere in this folder.
#pragma once

#include <array>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include "operators/windows/changed_keys.h"
#include "operators/windows/frozen_lane.h"
#include "operators/windows/lane_metadata.h"
#include "operators/windows/lane_slices.h"
#include "operators/windows/result_writer.h"
#include "operators/windows/row_groups.h"
#include "operators/windows/slices.h"
#include "operators/windows/sliding_total.h"
#include "operators/windows/window_lane.h"
#include "operators/windows/window_merge.h"

namespace tidemark {

// The plan outlives the lane. After advance() has failed the lane must not be used any more: some of its windows may have
// been emitted.
class AlignedWindowLane final : public WindowLane {
 public:
  // `slices` are those of the plan's shape.
  AlignedWindowLane(const WindowPlan& plan, Slices slices, uint16_t step, uint16_t lane);
  // Takes up where `metadata` was written; all entries are in the store, seen through `view`. Refused where its slices are
  // not the plan's any more.
  Status restore(const LaneMetadata& metadata, std::shared_ptr<const StoreView> view);

  void add(const Batch& batch, Rows rows, std::vector<LateRow>& late) override;
  Status advance(Time watermark, ResultEmitter& out) override;
  Time watermark() const override { return unfinished_ ? Time{watermark_.us - 1} : watermark_; }
  bool has_more() const override { return unfinished_ || speaking() || (changed_ && speaks_at_once()); }
  std::unique_ptr<FrozenGeneration> freeze() override;
  void on_written(uint64_t number, std::shared_ptr<const StoreView> view) override;
  size_t hot_bytes() const override { return open_.hot_bytes(); }
  size_t dirty_bytes() const override { return open_.dirty_bytes(); }
  size_t memory_bytes() const override { return open_.bytes() + total_.bytes() + speech_.bytes(); }
  void shed(size_t target) override;
  uint64_t keys() const override { return open_.keys(); }
  const WindowCounters& counters() const override { return counters_; }

 private:
  // A slice met in this batch; watermarks below `closes_at` let a row of it count in all of its windows.
  struct Cursor {
    Slice slice{Time::max(), Time::max()};
    Time closes_at;
    int32_t common_group = -1;  // made with its first row
  };

  const Cursor& move_cursor(Time t);
  int32_t group_of(const Slice& slice, WindowNumber visible_from);
  void add_partially(const Batch& batch, uint32_t row, std::vector<LateRow>& late);
  void note_counted(SlicePart& part, const Batch& batch, const KeyedRows& keyed, Rows rows);

  // A window speaks of all its keys when time reaches its end, and when no row can count in it any more. Without allowed
  // lateness these are one and the same.
  struct Closing {
    Time at;
    WindowNumber window;
    bool is_final;
  };
  WindowNumber first_counting(Time watermark) const;
  std::optional<WindowNumber> next_window(WindowNumber from, WindowNumber open_from) const;
  std::optional<Closing> next_closing(Time watermark) const;
  // Answers whether all of it was given out; the rest is unfinished.
  Result<bool> close(const Closing& closing, ResultWriter& writer, ResultEmitter& out);
  Result<bool> close_in_parts(WindowNumber window, const std::optional<std::string>& behind, const WindowSources& sources,
                              ResultWriter& writer);
  Result<bool> go_on(ResultWriter& writer);
  void note_closed(const Closing& closing);
  // Answers how far time has come: short of `watermark` where `out` wanted a pause.
  Result<Time> close_until(Time watermark, ResultWriter& writer, ResultEmitter& out);
  void pass_time(Time watermark);
  FiredWindow begin_window(WindowNumber window, bool is_final);
  void collect(const SlicePart& part, const Slice& slice, WindowSources& sources) const;
  WindowSources sources_of(WindowNumber window, Time& newest_kafka_time) const;
  bool shares_total(WindowNumber window) const;

  // Besides, a window speaks of the keys that have changed.
  bool speaks_at_once() const { return plan_.emit != EmitWhen::kEvery; }
  bool speaking() const { return speech_.next(next_final_).has_value(); }
  bool is_due();
  void begin_speech();
  Status speak(ResultWriter& writer, ResultEmitter& out);
  Status speak_of(WindowNumber window, ResultWriter& writer);

  const WindowPlan& plan_;
  uint16_t step_;  // in state keys
  uint16_t lane_;
  Slices slices_;
  std::shared_ptr<const StateBlock> block_;
  LaneSlices open_;
  SlidingTotal total_;  // of common parts
  // Time stands where this window closed; its slices stay until all its keys have been given out.
  std::optional<LaneMetadata::Unfinished> unfinished_;
  Speech speech_;       // begun, and not over
  bool changed_ = false;        // there is something for another one
  std::optional<int64_t> spoken_period_;  // of kEvery: the last one that began; none before time did
  int64_t revision_ = 0;        // the highest given
  WindowNumber totals_from_ = std::numeric_limits<WindowNumber>::min();  // memory has none to spare for earlier windows
  std::shared_ptr<const StoreView> view_;
  Time watermark_ = Time::min();
  WindowNumber next_final_;   // the first window that has not spoken for the last time
  WindowNumber next_closed_;  // the first whose end the watermark has not reached
  LaneGenerations generations_;
  WindowCounters counters_;

  // Scratch of add(), kept for its memory.
  std::array<Cursor, 2> cursors_;  // the present one first
  RowGroups groups_;
};

}  // namespace tidemark
