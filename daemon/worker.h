// Worker: one thread that drains its source partitions, runs their records through the plan, owns some of the lanes, and
// writes rows to the sinks. Workers share nothing but immutable batches; they speak through channels and reports.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "base/log.h"
#include "daemon/worker_channels.h"
#include "daemon/lane_side.h"
#include "daemon/row_routing.h"
#include "daemon/source_side.h"
#include "daemon/worker_core.h"
#include "daemon/worker_shared.h"

namespace tidemark {

// The calls of start(), request_*, post_statuses() and the gauges: any thread. Everything else happens on the worker's own.
class Worker {
 public:
  Worker(uint32_t index, WorkerShared& shared, Logger logger);
  ~Worker();  // stops and joins
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Before start().
  Status add_partition(uint32_t partition) { return source_.add_partition(partition); }
  void add_lane(LaneStart lane) { lanes_.add_lane(std::move(lane)); }
  void connect(const std::vector<std::unique_ptr<Worker>>& workers);

  void start(uint64_t first_epoch);
  // Ends the thread at the next turn; nothing is flushed.
  void request_stop();
  void join();
  // Asks for Barrier{epoch} between two batches.
  void request_barrier(uint64_t epoch);
  // Fresh news of where partitions stand (about once a second).
  void post_statuses(std::vector<PartitionStatus> statuses) { source_.post_statuses(std::move(statuses)); }
  void wake();

  const WorkerGauges& gauges() const { return core_.gauges; }

 private:
  void run();
  bool turn();  // one turn of the loop; false when there was nothing to do
  void align();
  void note_end();

  WorkerCore core_;
  WorkerChannels channels_;
  RowRouting routing_;
  Stage stage_;
  LaneSide lanes_;
  SourceSide source_;
  std::atomic<uint64_t> wanted_barrier_{0};
  bool ended_ = false;
  std::thread thread_;
};

}  // namespace tidemark
