// The metrics of one pipeline and of the process, as structs of ready handles: whoever counts holds a handle and never
// spells a name or a label. They know nothing of where the numbers come from.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <tuple>

#include "base/metrics.h"
#include "base/hot_keys.h"

namespace tidemark {

// What a pipeline is doing, as tidemark_pipeline_state and the API name it.
enum class PipelineState {
  kStarting,
  kRestoring,
  kRunning,
  kWaiting,
  kDraining,
  kPaused,
  kDrained,
  kEnded,
  kFailed,
  kFenced,
};
inline constexpr std::array kAllPipelineStates = {
    PipelineState::kStarting, PipelineState::kRestoring, PipelineState::kRunning, PipelineState::kWaiting,
    PipelineState::kDraining, PipelineState::kPaused,    PipelineState::kDrained, PipelineState::kEnded,
    PipelineState::kFailed,   PipelineState::kFenced};
std::string_view to_string(PipelineState state);

struct PartitionMetrics {
  LateGauge consumer_lag;                 // records
  LateGauge committed_lag;                // records
  LateGauge consumer_lag_seconds;
  LateGauge committed_lag_seconds;
  LateGauge position_offset;
  LateGauge committed_offset;
  LateGauge log_end_offset;
  LateGauge watermark_timestamp_seconds;  // Unix time
  LateGauge watermark_holder;             // 0 or 1, as those below
  LateGauge idle;
  LateGauge paused;
  MetricCounter records_read;
  MetricCounter records_lost;
};

// Of a step, or of a source for what happens before the first step.
struct StepMetrics {
  MetricCounter records_filtered;
  MetricCounter records_counted;
  MetricCounter records_deduplicated;
  MetricCounter results_filtered;
  MetricCounter window_updates_missed;
  MetricCounter result_errors;
  MetricCounter partitioning_violations;
};

struct SinkMetrics {
  MetricCounter records_emitted;
};

// Of one librdkafka client.
struct KafkaClientMetrics {
  MetricGauge brokers_up;
  MetricGauge queue_messages;
  MetricGauge queue_bytes;
  MetricCounter sent_bytes;
  MetricCounter received_bytes;
  MetricCounter request_errors;
  MetricGauge round_trip_seconds;
  MetricGauge throttle_seconds;
};

// Thread-safe. Look-ups take a lock and are for construction and assignment, not for every batch: keep what they give.
// References and handles live as long as this object, which takes the pipeline's series away when it goes; those of a
// partition only until forget_partition. Late gauges belong to the pipeline's own thread.
class PipelineMetrics {
 public:
  PipelineMetrics(MetricRegistry& registry, std::string pipeline);
  ~PipelineMetrics();
  PipelineMetrics(const PipelineMetrics&) = delete;
  PipelineMetrics& operator=(const PipelineMetrics&) = delete;

  LateGauge watermark_lag_seconds;
  MetricHistogram checkpoint_duration_seconds;
  MetricGauge checkpoint_interval_seconds;
  MetricCounter checkpoints_succeeded;
  MetricCounter checkpoints_failed;
  LateGauge checkpoint_last_success_timestamp_seconds;
  LateGauge checkpoint_size_bytes;
  MetricHistogram transaction_duration_seconds;
  MetricGauge state_hot_bytes;
  MetricGauge state_cold_bytes;
  MetricGauge state_memory_limit_bytes;
  MetricGauge state_keys;
  MetricGauge rocksdb_keys;
  MetricGauge rocksdb_memtable_bytes;
  MetricGauge rocksdb_table_reader_bytes;
  MetricGauge rocksdb_pending_compaction_bytes;
  MetricCounter lane_busy_seconds;
  MetricCounter lane_idle_seconds;
  MetricCounter lane_backpressured_seconds;
  MetricHistogram input_pause_seconds;
  MetricHistogram end_to_end_latency_seconds;

  void set_state(PipelineState state);

  PartitionMetrics& partition(std::string_view source, std::string_view topic, int32_t partition);
  // The partition went to another instance: its gauges go, its counters stay, since counters that vanish and come back
  // would read as resets. Its gauges must not be used until partition() is called again.
  void forget_partition(std::string_view source, std::string_view topic, int32_t partition);

  const StepMetrics& step(std::string_view step);
  const SinkMetrics& sink(std::string_view sink);
  // `reason` as in PIPELINES: decode, missing_field, type, expression, future, oversize, event_time.
  MetricCounter dead_lettered(std::string_view step, std::string_view reason);
  // `reason`: late, idle, dedupe.
  MetricCounter late(std::string_view step, std::string_view reason);
  // `entry`: a side of the step's account in the ledger, as LedgerAccount names them.
  MetricCounter ledger(std::string_view step, std::string_view entry);
  MetricGauge ledger_open(std::string_view step);
  // Shows the hottest key's share of the step's rows, and each that is hot; what is hot no more is taken away.
  void show_hot_keys(std::string_view step, const HotKeys& keys);
  // The same of the bytes of its state.
  void show_heavy_keys(std::string_view step, const HotKeys& keys);
  // `client`: consumer, producer.
  KafkaClientMetrics kafka_client(std::string_view client);

 private:
  void show_keys(const MetricSpec& hottest, const MetricSpec& each, std::string_view step, const HotKeys& keys);

  MetricRegistry& registry_;
  const std::string pipeline_;
  std::array<MetricGauge, kAllPipelineStates.size()> states_;

  std::mutex mutex_;  // guards the four below
  std::map<std::tuple<std::string, std::string, int32_t>, PartitionMetrics> partitions_;  // source, topic, partition
  std::map<std::string, StepMetrics, std::less<>> steps_;
  std::map<std::string, SinkMetrics, std::less<>> sinks_;
  std::map<std::pair<std::string_view, std::string>, std::set<std::string>> hot_keys_;  // that are shown, by metric and step
};

}  // namespace tidemark
