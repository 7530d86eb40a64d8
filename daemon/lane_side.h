// LaneSide: the half of a worker that keeps state: its lanes take batches and partition time from all workers, fire
// windows, align on barriers, freeze, and keep inside their memory. Of Kafka's partitions it knows the numbers only.
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
#include "daemon/worker_core.h"
#include "operators/transforms/stage.h"
#include "operators/windows/watermark.h"
#include "operators/windows/window_lane.h"

namespace tidemark {

// On the worker's thread. What it is given outlives it; the state writer is done with its generations before it goes.
class LaneSide final : private ResultEmitter {
 public:
  LaneSide(WorkerCore& core, WorkerChannels& channels, Stage& stage);

  // Before start().
  void add_lane(LaneStart lane);
  void start(uint64_t first_epoch);

  // One event of a worker, this one or another.
  void take(const LaneEvent& event, uint32_t from);
  // A few events of every other worker that has not passed this epoch's barrier; true when there were any.
  bool read_channels();
  // Takes news of generations that are in the store now.
  void take_written();
  // Fires what the lanes' watermarks and the clock allow; false when it left windows for later, so that barriers pass.
  bool advance();

  // Every worker has passed the barrier of this epoch.
  bool aligned() const;
  // Hands every lane's hot generation to the state writer.
  void freeze_all();
  // Summed over all windows of all lanes.
  WindowCounters counters() const;
  // By lane number.
  std::vector<LaneReport> reports() const;
  // --until-end: every window has been closed.
  bool all_closed() const;
  void publish_gauges();

 private:
  struct Lane {
    uint16_t number = 0;
    RecoveryUnit* unit = nullptr;
    std::vector<std::unique_ptr<WindowLane>> windows;
    std::vector<bool> fed_by;  // by the attempt's partition number
    LaneWatermark time;
    bool closing = false;  // --until-end has begun to close its windows
  };
  struct WrittenNews {
    uint16_t lane;
    size_t ordinal;
    uint64_t generation;
    std::shared_ptr<const View> view;
  };
  struct Memory {  // as WindowLane tells it, over all lanes
    size_t hot = 0;
    size_t dirty = 0;
    size_t all = 0;
    uint64_t keys = 0;
  };

  void emit(std::unique_ptr<Batch> results) override;
  bool wants_pause() override;

  void add(const RoutedBatch& routed);
  void set_time(const PartitionTime& time);
  void write_late(const Batch& batch, const std::string& step);
  void freeze(Lane& lane, size_t ordinal);
  void spill_if_needed();
  void shed(size_t target);
  void relieve_others();
  Memory memory() const;

  WorkerCore& core_;
  WorkerChannels& channels_;
  Stage& stage_;
  std::vector<Lane> lanes_;
  std::vector<uint64_t> passed_barrier_;  // by sending worker
  std::vector<LateRow> late_;             // scratch
  size_t firing_step_ = 0;
  Duration firing_since_;  // by clock.elapsed()
  Mailbox<WrittenNews> written_;
};

}  // namespace tidemark
