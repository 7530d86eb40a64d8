// SessionWindowLane: session windows in one lane. It decides what counts, what belongs together and when sessions fire; what
// a segment holds, what is said before the last row and how generations are written is told elsewhere in this folder.
//
// A session is kept as partials, one for each segment of event time that it has records in (operators/windows/segments.h).
// Partials merge blindly, like those of aligned windows' slices: a record that bridges two sessions is one update of one
// partial, and neither of them need be in memory. Sessions are put together once, when time has passed the segment that
// they may end in: a partial either joins the next segment's, and is merged into it, or is a session that has ended. So what
// is kept of a session is no more than its open segments, however long it lasts.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "operators/windows/ending_sessions.h"
#include "operators/windows/frozen_lane.h"
#include "operators/windows/lane_metadata.h"
#include "operators/windows/lane_slices.h"
#include "operators/windows/result_writer.h"
#include "operators/windows/row_groups.h"
#include "operators/windows/segments.h"
#include "operators/windows/session_voice.h"
#include "operators/windows/window_lane.h"

namespace tidemark {

// The plan outlives the lane. After advance() has failed the lane must not be used any more.
class SessionWindowLane final : public WindowLane {
 public:
  SessionWindowLane(const WindowPlan& plan, uint16_t step, uint16_t lane);
  // Takes up where `metadata` was written; all partials are in the store, seen through `view`.
  Status restore(const LaneMetadata& metadata, std::shared_ptr<const StoreView> view);

  void add(const Batch& batch, Rows rows, std::vector<LateRow>& late) override;
  Status advance(Time watermark, ResultEmitter& out) override;
  Time watermark() const override { return watermark_; }
  bool has_more() const override { return voice_ && voice_->has_more(); }
  std::unique_ptr<FrozenGeneration> freeze() override;
  void on_written(uint64_t number, std::shared_ptr<const StoreView> view) override;
  size_t hot_bytes() const override { return open_.hot_bytes(); }
  size_t dirty_bytes() const override { return open_.dirty_bytes(); }
  size_t memory_bytes() const override { return open_.bytes() + ending_.bytes() + (voice_ ? voice_->bytes() : 0); }
  void shed(size_t target) override;
  uint64_t keys() const override { return open_.keys(); }
  const WindowCounters& counters() const override { return counters_; }

 private:
  // Sessions that are looked up and fired together; between such groups firing may pause.
  static constexpr size_t kGroup = 64;

  // A segment met in this batch.
  struct Cursor {
    Segment segment{Time::max(), Time::max(), Time::max()};
    int32_t group = -1;
  };

  Cursor& move_cursor(Time t);
  int32_t group_of(const Segment& segment);
  void expire(const Segment& segment);
  void pass_time(Time watermark);
  void forget_tables();

  Status finish_all(Time watermark, SessionRows& rows, ResultEmitter& out, bool& paused);
  Status fire_segment(const Segment& segment, Time watermark, SessionRows& rows, ResultEmitter& out, bool& paused);
  Status fire_cut(const Segment& segment, SessionRows& rows);
  Status fire_group(const Segment& segment, std::span<const EndingSession> sessions, SessionRows& rows);
  Status find_next(const Segment& segment, std::span<const HotTable::Entry* const> entries, Time* first) const;
  void find_states(std::span<const HotTable::Entry* const> entries);
  const std::byte* states_of(const HotTable::Entry& entry, size_t i);
  Status join_next(const Segment& segment, const HotTable::Entry& entry, const std::byte* states, SessionRows& rows);
  WindowSources sources_of(const Segment& segment, const SlicePart& part) const;

  const WindowPlan& plan_;
  uint16_t step_;  // in state keys
  uint16_t lane_;
  Segments segments_;
  std::shared_ptr<const StateBlock> block_;
  LaneSlices open_;        // one part for each segment; nothing in it that ends by over_ is of any meaning
  EndingSessions ending_;  // of the first open segment
  std::optional<SessionVoice> voice_;  // where sessions speak more than once
  std::shared_ptr<const StoreView> view_;
  Time watermark_ = Time::min();
  Time over_ = Time::min();  // sessions that ended by this take no more records: watermark_ less the allowed lateness
  LaneGenerations generations_;
  WindowCounters counters_;

  // Scratch of firing.
  std::vector<const HotTable*> tables_;
  std::vector<std::array<uint32_t, kGroup>> found_;  // by table: the number of each entry
  ScratchBlock whole_;

  // Scratch of add(), kept for its memory.
  std::array<Cursor, 2> cursors_;  // the present one first
  RowGroups groups_;
};

}  // namespace tidemark
