// Worker: one thread that drains its source partitions, runs their records through the plan, owns some of the lanes, and
// writes rows to the sinks. Workers share nothing but immutable batches; they speak through channels and reports.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/batch_pool.h"
#include "daemon/crash_point.h"
#include "daemon/events.h"
#include "daemon/key_samples.h"
#include "daemon/recovery_unit.h"
#include "daemon/sinks.h"
#include "operators/plan/plan.h"
#include "operators/sources/kafka_consumer.h"
#include "operators/sources/partition_reader.h"
#include "operators/transforms/stage.h"
#include "operators/windows/watermark.h"
#include "operators/windows/window_lane.h"

namespace tidemark {

// A source partition as an attempt begins with it.
struct PartitionStart {
  TopicPartition id;
  PartitionPosition position;
  bool idle = false;
  std::optional<int64_t> end_offset;  // --until-end: read up to here and no further
};

struct PartitionReport {
  uint32_t partition = 0;
  PartitionPosition position;
  bool idle = false;
  SourceCounters counters;
};

// What a worker knows of itself at a barrier: exact, and consistent over all workers of the epoch.
struct WorkerReport {
  uint64_t epoch = 0;
  std::vector<PartitionReport> partitions;
  std::vector<StepCounters> steps;
  WindowCounters windows;
  std::vector<SinkCounters> sinks;
  RefusedCounts refused;
  std::vector<std::pair<uint16_t, Time>> lane_watermarks;
  uint64_t partitioning_violations = 0;
  Time newest_record = Time::min();  // Kafka timestamp among the rows of this epoch; Time::min(): none
};

// Cheap figures for metrics and for drift, written by the worker now and then, read by anyone.
struct PartitionGauge {
  std::atomic<int64_t> next_offset{0};
  std::atomic<int64_t> watermark_us{INT64_MIN};
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
  std::atomic<uint64_t> dirty_bytes{0};
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
  uint32_t workers = 1;
  uint32_t batch_rows = Batch::kMaxRows;
  size_t state_bytes_per_worker = 64 << 20;       // dirty and cached keyed state
  size_t channel_bytes = 8 << 20;
  size_t sink_wait_bytes = 32 << 20;              // rows held back for the next transaction
  bool until_end = false;
  bool keep_open = false;
  KeySamples key_samples;
  std::vector<std::atomic<int64_t>>* progress_us = nullptr;  // by worker: clock.elapsed() of its last step; 0: not running
};

// A lane as a worker takes it over.
struct LaneStart {
  uint16_t lane = 0;
  RecoveryUnit* unit = nullptr;
  std::vector<std::unique_ptr<WindowLane>> windows;  // by window ordinal
};

// The calls of start(), request_* and the gauges: any thread. Everything else happens on the worker's own.
class Worker {
 public:
  Worker(uint32_t index, WorkerShared& shared, Logger logger);
  ~Worker();  // stops and joins
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Before start().
  Status add_partition(uint32_t partition);
  void add_lane(LaneStart lane);
  void connect(const std::vector<std::unique_ptr<Worker>>& workers);

  void start(uint64_t first_epoch);
  // Ends the thread at the next turn; nothing is flushed.
  void request_stop();
  void join();
  // Asks for Barrier{epoch} between two batches.
  void request_barrier(uint64_t epoch);
  // Fresh news of where partitions stand (about once a second).
  void post_statuses(std::vector<PartitionStatus> statuses);
  void wake();

  const WorkerGauges& gauges() const { return gauges_; }
  Channel& inbox_from(uint32_t worker) { return *inbox_[worker]; }

 private:
  struct Reader;
  struct Lane;
  struct WrittenNews {
    uint16_t lane;
    size_t ordinal;
    uint64_t generation;
    std::shared_ptr<const View> view;
  };
  class Intake;   // MessageHandler and ReaderEvents
  class Routing;  // StageOutput
  class Results;  // ResultEmitter

  void run();
  bool turn();                       // one turn of the loop; false when there was nothing to do
  bool drain_source();
  void finish_batch(Reader& reader);
  void send(uint32_t to, LaneEvent event);
  bool flush_outbox();
  bool read_inboxes();
  void handle(LaneEvent& event, uint32_t from);
  void handle_batch(const RoutedBatch& routed);
  void set_time(const PartitionTime& time);
  void advance_lanes();
  void write_late(const Batch& batch, const std::string& step, const std::vector<LateRow>& late);
  void begin_barrier(uint64_t epoch);
  void align();
  void freeze(Lane& lane, size_t ordinal);
  void spill_if_needed();
  void shed(size_t target);
  size_t unwritten_bytes() const;
  void wake_reader(Reader& reader);
  void note_end(Reader& reader);
  void tell_time(const Reader& reader);
  void take_mail();
  bool source_may_read() const;
  void wait_for_sinks();
  void report_flushed();
  void publish_gauges();
  void note_progress();
  void fail(const Error& error);

  const uint32_t index_;
  WorkerShared& shared_;
  Logger logger_;
  RateLimited warnings_;
  std::unique_ptr<Decoder> decoder_;
  BatchPool pool_;
  SinkWriter sinks_;
  std::unique_ptr<Intake> intake_;
  std::unique_ptr<Routing> routing_;
  std::unique_ptr<Results> results_;
  std::unique_ptr<Stage> stage_;
  std::vector<std::unique_ptr<Reader>> readers_;
  std::vector<Reader*> reader_by_partition_;  // by the attempt's partition number; null: somebody else's
  std::vector<Lane> lanes_;
  std::vector<Worker*> peers_;
  std::vector<std::unique_ptr<Channel>> inbox_;   // by sending worker
  std::vector<std::deque<LaneEvent>> outbox_;     // by receiving worker: what found no room yet
  std::vector<LateRow> late_;

  uint64_t epoch_ = 1;                    // that rows belong to
  std::atomic<uint64_t> wanted_barrier_{0};
  uint64_t sent_barrier_ = 0;
  std::vector<uint64_t> passed_barrier_;  // by sending worker
  std::optional<WorkerReport> at_barrier_;
  uint64_t flushed_epoch_ = 0;
  bool ended_ = false;
  uint64_t partitioning_violations_ = 0;
  bool failed_ = false;
  std::atomic<bool> stop_{false};

  std::mutex mail_mutex_;  // guards the two below
  std::vector<WrittenNews> written_;
  std::vector<PartitionStatus> statuses_;
  std::atomic<bool> has_mail_{false};

  WorkerGauges gauges_;
  std::thread thread_;
};

}  // namespace tidemark
