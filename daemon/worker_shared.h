// What workers share and what they tell: the facts they are started with, their reports at a barrier, their gauges. Data
// only; who works with it is in worker.h and attempt.h.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "daemon/crash_point.h"
#include "base/hot_keys.h"
#include "daemon/key_samples.h"
#include "daemon/recovery_unit.h"
#include "daemon/sinks.h"
#include "daemon/tally.h"
#include "operators/dedupe/dedupe_lane.h"
#include "operators/plan/plan.h"
#include "operators/sources/kafka_consumer.h"
#include "operators/sources/partition_reader.h"
#include "operators/transforms/stage.h"
#include "operators/windows/window_lane.h"

namespace tidemark {

// A source partition as an attempt begins with it.
struct PartitionStart {
  TopicPartition id;
  uint32_t source = 0;  // of the plan
  PartitionPosition position;
  bool idle = false;
  std::optional<int64_t> end_offset;  // --until-end: read up to here and no further
};

// A lane as a worker takes it over.
struct LaneStart {
  uint16_t lane = 0;
  RecoveryUnit* unit = nullptr;
  std::vector<std::unique_ptr<WindowLane>> windows;  // by window ordinal
  std::vector<std::unique_ptr<DedupeLane>> dedupes;  // by dedupe ordinal
};
// How far all windows of a lane have fired; without windows, how far its dedupes have come.
inline Time watermark_of(const std::vector<std::unique_ptr<WindowLane>>& windows,
                         const std::vector<std::unique_ptr<DedupeLane>>& dedupes) {
  Time least = Time::max();
  for (const auto& window : windows) least = std::min(least, window->watermark());
  if (!windows.empty()) return least;
  for (const auto& dedupe : dedupes) least = std::min(least, dedupe->watermark());
  return least;
}

struct PartitionReport {
  uint32_t partition = 0;
  PartitionPosition position;
  bool idle = false;
  SourceCounters counters;
  Time newest_record = Time::min();  // Kafka timestamp of the record read last; Time::min(): none
};

struct LaneReport {
  uint16_t lane = 0;
  Time watermark = Time::min();  // of the window that is furthest behind
  bool spoke = false;            // result rows came of it since the last report
  bool closing = false;          // --until-end has closed some of its windows, or all
};

// What a worker knows of itself at a barrier: exact, and consistent over all workers of the epoch.
struct WorkerReport {
  uint64_t epoch = 0;
  std::vector<PartitionReport> partitions;
  Tally tally;
  std::vector<LaneReport> lanes;
  std::vector<HotKeys> hot_keys;     // sampled in this epoch, by window ordinal
  std::vector<Time> newest_records;  // Kafka timestamps: of each batch of rows of this epoch the newest that is in it
};

// Cheap figures for metrics and for drift, written by the worker now and then, read by anyone.
struct PartitionGauge {
  std::atomic<int64_t> next_offset{0};
  std::atomic<int64_t> watermark_us{INT64_MIN};
  std::atomic<int64_t> newest_record_us{INT64_MIN};  // Kafka timestamp of the record read last; INT64_MIN: none
  std::atomic<bool> idle{false};
  std::atomic<bool> at_end{false};
  std::atomic<bool> caught_up{false};  // everything fetched so far was processed, and the log has no more
};
struct WorkerGauges {
  std::atomic<int64_t> busy_us{0};
  std::atomic<int64_t> idle_us{0};
  std::atomic<int64_t> backpressured_us{0};
  std::atomic<uint64_t> keys{0};
  std::atomic<uint64_t> state_bytes{0};
  std::atomic<bool> firing{false};  // a long firing is paused; the rest of its windows comes next
};

// Told on the worker's thread; thread-safe.
class WorkerEvents {
 public:
  virtual ~WorkerEvents() = default;
  // Every input has passed Barrier{epoch}: lanes are frozen and handed to the state writer.
  virtual void on_aligned(uint32_t worker, WorkerReport report) = 0;
  // All rows of `epoch` and before are with the producers.
  virtual void on_flushed(uint32_t worker, uint64_t epoch) = 0;
  // All partitions of this worker are at their ends and, unless windows stay open, every window has been closed.
  virtual void on_ended(uint32_t worker) = 0;
  virtual void on_failed(const Error& error) = 0;
};

// What the workers of one attempt share; immutable or thread-safe.
struct WorkerShared {
  const Plan* plan = nullptr;
  const Clock* clock = nullptr;
  KafkaConsumer* consumer = nullptr;
  StateWriter* writer = nullptr;  // none where the plan keeps no keyed state
  SinkSet* sinks = nullptr;
  WorkerEvents* events = nullptr;
  const CrashPoints* crash_points = nullptr;
  std::vector<PartitionStart> partitions;
  std::vector<PartitionGauge>* gauges = nullptr;  // by partition
  // By dedupe ordinal and lane; the lanes' owners keep them until all workers have come to rest.
  std::vector<std::vector<DedupeLane*>> dedupes;
  // How often workers have frozen their lanes, all together. Where workers ask each other's dedupe lanes, none reads a record
  // of the next epoch before all have.
  std::atomic<uint64_t> frozen{0};
  uint32_t workers = 1;
  uint32_t batch_rows = Batch::kMaxRows;
  size_t state_bytes_per_worker = 64 << 20;       // dirty and cached keyed state
  size_t channel_bytes = 8 << 20;
  size_t sink_wait_bytes = 32 << 20;              // rows held back for the next transaction
  // A window that is given out in the order of its keys lets barriers pass after so long; all are where `windows_in_parts`.
  Duration longest_part = Duration::seconds(15);
  std::atomic<bool> windows_in_parts{false};
  bool until_end = false;
  bool keep_open = false;
  bool reveal_keys = false;                       // samples of hot keys bear the keys themselves
  KeySamples key_samples;
  MetricHistogram input_pause;                    // observed at each look into what was fetched
  std::vector<std::atomic<int64_t>>* progress_us = nullptr;  // by worker: clock.elapsed() of its last step; 0: not running
};

}  // namespace tidemark
