// LaneSide: the half of a worker that keeps state: its lanes take batches and partition time from all workers, fire
// windows, bring their results to windows behind them, align on barriers, freeze, and keep inside their memory. Of Kafka's
// partitions it knows the numbers only.
//
// Windows lie in levels: those of level 0 take rows of the source or of windows in the same lane; those of a level behind it
// are fed by all lanes of the level before, or are behind such windows in the same lane. A level has channels, barriers and
// an alignment of its own, in the order of levels: it is frozen once all that feeds it has been.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "daemon/events.h"
#include "daemon/worker_channels.h"
#include "daemon/mailbox.h"
#include "daemon/recovery_unit.h"
#include "daemon/row_routing.h"
#include "daemon/worker_core.h"
#include "operators/transforms/stage.h"
#include "operators/windows/watermark.h"
#include "operators/windows/window_lane.h"

namespace tidemark {

// On the worker's thread. What it is given outlives it; the state writer is done with its generations before it goes.
class LaneSide final : private ResultEmitter {
 public:
  LaneSide(WorkerCore& core, WorkerChannels& channels, RowRouting& routing, Stage& stage);

  // Before start().
  void add_lane(LaneStart lane);
  void start(uint64_t first_epoch);

  // One event of a worker, this one or another, from the channels of `level`.
  void take(const LaneEvent& event, uint32_t level, uint32_t from);
  // Brings what dedupe steps remember back into memory, as far as there is room. On the worker's thread, once.
  void warm();
  // A few events of every other worker that has not passed this epoch's barriers; true when there were any.
  bool read_channels();
  // Takes news of generations that are in the store now.
  void take_written();
  // Fires what the lanes' watermarks and the clock allow; false when it left windows for later, so that barriers pass.
  bool advance();

  // Hands the hot generations of every level that all workers have passed the barrier of to the state writer, and sends the
  // barrier of the next one; true once that has been done for all levels. A frozen level fires no more.
  bool align();
  // After that: the next epoch begins.
  void begin_epoch() {
    frozen_levels_ = 0;
    cut_short_ = false;
  }
  // Whether a barrier is on its way to these lanes. A window that has been given out in part lets it pass before the rest.
  void expect_barrier(bool expected) { barrier_expected_ = expected; }
  bool waits_for_barrier() const { return cut_short_ && barrier_expected_; }
  // By window ordinal, summed over all lanes.
  std::vector<WindowCounters> counters() const;
  // By lane number; since the last call.
  std::vector<LaneReport> take_reports();
  // --until-end: every window has been closed.
  bool all_closed() const;
  void publish_gauges();

 private:
  struct Lane {
    uint16_t number = 0;
    RecoveryUnit* unit = nullptr;
    std::vector<std::unique_ptr<WindowLane>> windows;
    std::vector<std::unique_ptr<DedupeLane>> dedupes;
    std::vector<bool> fed_by;  // by the attempt's partition number
    LaneWatermark time;
    bool closing = false;           // --until-end has begun to close its windows
    uint64_t reported_results = 0;  // of all windows
  };
  struct WrittenNews {
    KeyedLane* of;
    uint64_t generation;
    std::shared_ptr<const View> view;
  };
  struct Memory {  // as KeyedLane tells it, over all lanes
    size_t hot = 0;
    size_t dirty = 0;
    size_t all = 0;
    uint64_t keys = 0;
  };

  void emit(std::unique_ptr<Batch> results) override;
  bool wants_pause() override;
  bool in_parts() const override;
  bool wants_part() override { return part_is_over_; }

  void add(const RoutedBatch& routed);
  void add_rows(const Batch& batch, const std::vector<LaneRows>& rows);
  void set_time(const PartitionTime& time);
  void write_late(const Batch& batch, const std::string& step);
  bool read_level(uint32_t level);

  Time time_for(const Lane& lane, size_t ordinal) const;
  bool advance_level(uint32_t level);
  bool advance_window(Lane& lane, size_t ordinal);
  void tell_time(uint32_t level);
  void give_on(std::shared_ptr<const Batch> results);
  bool has_rows_for(uint32_t worker, const std::vector<LaneRows>& rows) const;
  bool must_wait() const;

  bool aligned(uint32_t level) const;
  void freeze_level(uint32_t level);
  void freeze(const Lane& lane, KeyedLane& keyed);
  // fn(lane, keyed) for what any lane keeps, but for the window that fires.
  template <class F>
  void for_each_at_rest(F fn) const;
  void spill_if_needed();
  void freeze_for_room();
  size_t keyed_lanes() const;  // that share the memory
  void shed(size_t target);
  void relieve_others();
  Memory memory() const;

  WorkerCore& core_;
  WorkerChannels& channels_;
  RowRouting& routing_;
  Stage& stage_;
  std::vector<std::vector<size_t>> ordinals_;  // of windows, by level
  std::vector<Lane> lanes_;
  std::vector<std::vector<uint64_t>> passed_barrier_;  // by level and sending worker
  uint32_t frozen_levels_ = 0;                         // in this epoch
  // How far the lanes of each worker have fired, by ordinal and worker: of windows whose results go to other lanes.
  std::vector<std::vector<Time>> told_;
  std::vector<LateRow> late_;            // scratch
  WindowLane* firing_ = nullptr;         // gives out results just now: it must not be touched
  const Lane* firing_lane_ = nullptr;
  size_t firing_ordinal_ = 0;
  Duration firing_since_;  // by clock.elapsed()
  bool part_is_over_ = false;  // the present window has been firing for long
  bool cut_short_ = false;     // in this epoch
  bool barrier_expected_ = false;
  Mailbox<WrittenNews> written_;
  std::vector<WrittenNews> written_later_;  // of the window that fired when they came
};

}  // namespace tidemark
