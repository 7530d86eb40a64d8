// Attempt: one execution of a plan over a fixed assignment of partitions, from restored state until it is stopped, has
// ended or cannot go on. It owns the workers and drives the epochs: barrier, snapshot, manifest, commit, deletion.
// It does not know how partitions are assigned or what happens after it.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "daemon/attempt_requests.h"
#include "daemon/checkpoint_trace.h"
#include "daemon/checkpoint_sweep.h"
#include "daemon/hot_key_report.h"
#include "daemon/kafka_clients.h"
#include "daemon/ledger.h"
#include "daemon/partition_watch.h"
#include "daemon/pipeline_metrics.h"
#include "daemon/resume.h"
#include "daemon/sinks.h"
#include "daemon/stop_signal.h"
#include "daemon/worker.h"

namespace tidemark {

// How an attempt came to its end, or why it has to.
enum class AttemptEnd : uint8_t {
  kNone,     // it goes on
  kEnded,    // --until-end: everything is committed
  kRewind,   // state or transaction is lost: begin again from the committed checkpoint, if the identity is still ours
  kFailed,   // for good
};

struct AttemptOptions {
  RunMode mode = RunMode::kForever;
  uint32_t workers = 1;
  uint32_t batch_rows = Batch::kMaxRows;
  size_t state_bytes = 128 << 20;      // keyed state in memory, over all workers
  size_t sink_wait_bytes = 32 << 20;   // rows held back, over all workers
  size_t channel_bytes = 32 << 20;     // batches between workers, over all channels
  Duration transaction_timeout = Duration::seconds(60);  // of the transactional producer
  bool windows_in_parts = false;       // see WorkerShared
  std::string scratch_dir;             // for checkpoints in the making; exists
  std::string instance;                // as traces name it
  bool reveal_keys = false;            // hot ones, to whoever asks the API
};

// Everything that an attempt works with; all outlive it. `transactional` is null without exactly_once sinks; its
// transactions are initialised.
struct AttemptDeps {
  const Plan& plan;
  const Clock& clock;
  Logger logger;
  KafkaConsumer& consumer;
  KafkaProducer* transactional = nullptr;
  std::vector<KafkaProducer*> plain;   // of at_least_once sinks
  std::vector<SinkTarget> targets;     // by sink number
  LineOutput& lines;
  CheckpointStorage& storage;
  Files& files;
  PipelineMetrics& metrics;
  const CrashPoints& crash_points;
  std::vector<std::atomic<int64_t>>& worker_progress_us;  // by worker; see WorkerShared
  std::atomic<int64_t>& writer_step_began_us;             // see StateWriter
  const StopSignal& stop;
  AttemptRequests& requests;
  KafkaSilence& silence;
  std::function<void()> tell_clients;  // shows how the Kafka clients stand; called where one is waited for
  TraceSink* traces = nullptr;         // of checkpoints; null: nobody takes any
};

// Figures for the API and metrics; a copy.
struct AttemptStatus {
  uint64_t epoch = 0;                  // last committed
  Time last_checkpoint;                // of the last success; Time::min(): none yet
  Duration last_checkpoint_took;
  uint64_t checkpoint_bytes = 0;
  uint64_t keys = 0;
  std::vector<PartitionOffset> positions;  // the next to read, by partition
  Ledger ledger;                       // as of the last committed epoch of this attempt
  HotKeysOfSteps hot_keys;
};

// Coordinator thread only, but for wake-ups from workers.
class Attempt final : private WorkerEvents {
 public:
  Attempt(AttemptDeps deps, AttemptOptions options, Resumed resumed);
  ~Attempt() override;

  // Commits the first positions where that is due, hands the positions to the consumer and starts the workers.
  Status start();
  // Moves the protocol on; call again within patience().
  AttemptEnd turn();
  // Until something may have to be done that wakes nobody.
  Duration patience() const;
  // Checkpoints, commits and stops; true when the commit succeeded in time.
  bool drain(Duration at_most);
  // Stops the workers; what was not committed is dropped. The open transaction is aborted.
  void stop();

  const Error& error() const { return error_; }
  // Whether it came to its end because its transaction was open for too long.
  bool timed_out() const { return timed_out_; }
  AttemptStatus status() const;
  uint64_t committed_epoch() const { return status_.epoch; }

 private:
  struct Epoch {
    uint64_t number = 0;
    Duration began;
    uint64_t request = 0;  // that is answered once it is committed
    EpochProgress progress;
    std::vector<WorkerReport> reports;
    bool ended = false;  // this commit marks the end
    const char* call = "commit";  // to Kafka that is under way, once everything is durable
    std::map<std::string, WrittenCheckpoint> written;  // by unit
    std::optional<Error> failure;
    CheckpointTrace trace;
  };

  void on_aligned(uint32_t worker, WorkerReport report) override;
  void on_flushed(uint32_t worker, uint64_t epoch) override;
  void on_ended(uint32_t worker) override;
  void on_failed(const Error& error) override;

  Status make_workers();
  Status commit_start();
  Epoch& new_epoch();
  void begin_epoch(bool marks_end);
  void move_epoch();
  void begin_trace(TraceSink& to);
  void trace_phases();
  void trace_rows(const Ledger& now);
  void end_trace(const char* result, const std::optional<std::string>& error);
  void take_reports();
  void store_units();
  void store_unit(RecoveryUnit& unit, uint64_t epoch, Manifest manifest);
  bool changed(const RecoveryUnit& unit, const Manifest& manifest) const;
  Manifest manifest_of(const RecoveryUnit& unit, uint64_t epoch, bool ended) const;
  void commit_epoch();
  void epoch_failed(const Error& error);
  std::vector<PartitionOffset> offsets_to_commit() const;
  TransactionStatus begin_transaction();
  AttemptEnd commit_offsets(const std::vector<PartitionOffset>& offsets);
  AttemptEnd commit_transaction(const std::vector<PartitionOffset>& offsets);
  AttemptEnd commit_group(const std::vector<PartitionOffset>& offsets);
  Status flush_plain();
  void enter_call(const char* name);
  AttemptEnd transaction_failed(const TransactionError& error);
  // Calls again for as long as the answer is to try again, until told to give up.
  static constexpr Duration kCallSlice = Duration::seconds(2);  // of a call to Kafka: between two looks at gives_up()
  bool gives_up() const;
  bool firing() const;
  template <class Call>
  TransactionStatus repeat(const char* name, Call call);
  void abort_transaction();
  AttemptEnd finish(AttemptEnd end, const Error& error);
  void epoch_committed();
  void observe_latencies(const Epoch& epoch);
  void show_hot_keys(const Epoch& epoch);
  bool worth_committing() const;
  void watch_epoch();
  void watch_partitions();
  void note_committed();
  void publish();
  void publish_stores();

  AttemptDeps deps_;
  AttemptOptions options_;
  Resumed resumed_;
  Logger logger_;
  RateLimited warnings_;
  RateLimited slow_epochs_;
  CheckpointSweep sweep_;
  SinkSet sinks_;
  WorkerShared shared_;
  std::vector<PartitionGauge> gauges_;
  PartitionWatch watch_;
  std::unique_ptr<StateWriter> writer_;
  std::vector<std::unique_ptr<Worker>> workers_;

  // As of the last barrier: what manifests and commits are made of.
  std::vector<PartitionReport> positions_;   // by partition
  std::vector<CommittedStand> committed_;    // by partition: as of the last commit
  std::map<uint16_t, Time> lane_watermarks_;
  std::set<uint16_t> closing_lanes_;         // see LaneReport
  std::set<uint16_t> spoken_lanes_;          // since the last commit
  size_t lanes_ = 0;

  uint64_t next_epoch_ = 1;
  std::optional<Epoch> running_epoch_;
  std::optional<Ledger> committed_ledger_;
  // Of the attempts before this one, whose workers are gone; in seconds.
  const double busy_before_, idle_before_, blocked_before_;
  Duration next_checkpoint_;
  std::optional<Duration> drain_deadline_;  // nothing is waited for beyond it
  Duration end_again_{0};  // a failed last checkpoint is not tried again before
  Duration next_watch_;
  Duration next_hold_back_{0};
  Duration next_sweep_;
  Duration next_clock_{0};  // when a watermark that merely follows the clock is worth a checkpoint
  std::optional<Duration> transaction_since_;
  AttemptEnd end_ = AttemptEnd::kNone;
  bool timed_out_ = false;
  Error error_;
  AttemptStatus status_;

  // Reports from workers and the state writer.
  struct Mail {
    std::vector<WorkerReport> aligned;
    std::vector<uint64_t> flushed;
    std::vector<std::pair<std::string, Result<WrittenCheckpoint>>> stored;
    uint32_t ended = 0;
    std::optional<Error> failed;
  };
  void read_mail();
  std::mutex mail_mutex_;  // guards mail_
  Mail mail_;
  uint32_t ended_workers_ = 0;
  bool commit_open_ = false;  // the last commit was given up without an answer: the broker decides it
  bool stopped_ = false;
};

}  // namespace tidemark
