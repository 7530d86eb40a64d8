// Handles are made when first asked for and then kept, under one lock. A partition that is given away loses its gauges
// and keeps its counters; all series go with the pipeline.
#include "daemon/pipeline_metrics.h"

#include "base/metric_names.h"
#include "daemon/hot_key_report.h"

namespace tidemark {

namespace {

// Those of a partition that tell how it stands now.
constexpr std::array kPartitionGauges = {
    &metric::kConsumerLag,     &metric::kCommittedLag,       &metric::kConsumerLagSeconds, &metric::kCommittedLagSeconds,
    &metric::kPositionOffset,  &metric::kCommittedOffset,    &metric::kLogEndOffset,       &metric::kWatermarkTimestamp,
    &metric::kWatermarkHolder, &metric::kPartitionIdle,      &metric::kPartitionPaused};

}  // namespace

std::string_view to_string(PipelineState state) {
  switch (state) {
    case PipelineState::kStarting: return "starting";
    case PipelineState::kRestoring: return "restoring";
    case PipelineState::kRunning: return "running";
    case PipelineState::kWaiting: return "waiting";
    case PipelineState::kDraining: return "draining";
    case PipelineState::kPaused: return "paused";
    case PipelineState::kDrained: return "drained";
    case PipelineState::kEnded: return "ended";
    case PipelineState::kFailed: return "failed";
    case PipelineState::kFenced: return "fenced";
  }
  return "failed";
}

PipelineMetrics::PipelineMetrics(MetricRegistry& registry, std::string pipeline)
    : watermark_lag_seconds(registry, metric::kWatermarkLag, {pipeline}),
      checkpoint_duration_seconds(registry.histogram(metric::kCheckpointDuration, {pipeline})),
      checkpoint_interval_seconds(registry.gauge(metric::kCheckpointInterval, {pipeline})),
      checkpoints_succeeded(registry.counter(metric::kCheckpoints, {pipeline, "success"})),
      checkpoints_failed(registry.counter(metric::kCheckpoints, {pipeline, "failure"})),
      checkpoint_last_success_timestamp_seconds(registry, metric::kCheckpointLastSuccess, {pipeline}),
      checkpoint_size_bytes(registry, metric::kCheckpointSize, {pipeline}),
      transaction_duration_seconds(registry.histogram(metric::kTransactionDuration, {pipeline})),
      state_hot_bytes(registry.gauge(metric::kStateBytes, {pipeline, "hot"})),
      state_cold_bytes(registry.gauge(metric::kStateBytes, {pipeline, "cold"})),
      state_memory_limit_bytes(registry.gauge(metric::kStateMemoryLimit, {pipeline})),
      state_keys(registry.gauge(metric::kStateKeys, {pipeline})),
      rocksdb_keys(registry.gauge(metric::kRocksKeys, {pipeline})),
      rocksdb_memtable_bytes(registry.gauge(metric::kRocksMemtable, {pipeline})),
      rocksdb_table_reader_bytes(registry.gauge(metric::kRocksTableReaders, {pipeline})),
      rocksdb_pending_compaction_bytes(registry.gauge(metric::kRocksPendingCompaction, {pipeline})),
      lane_busy_seconds(registry.counter(metric::kLaneBusy, {pipeline})),
      lane_idle_seconds(registry.counter(metric::kLaneIdle, {pipeline})),
      lane_backpressured_seconds(registry.counter(metric::kLaneBackpressured, {pipeline})),
      input_pause_seconds(registry.histogram(metric::kInputPause, {pipeline})),
      end_to_end_latency_seconds(registry.histogram(metric::kEndToEndLatency, {pipeline})),
      registry_(registry),
      pipeline_(std::move(pipeline)) {
  for (size_t i = 0; i < states_.size(); ++i) {
    states_[i] = registry_.gauge(metric::kPipelineState, {pipeline_, std::string(to_string(kAllPipelineStates[i]))});
  }
  set_state(PipelineState::kStarting);
}

PipelineMetrics::~PipelineMetrics() { registry_.remove_all("pipeline", pipeline_); }

void PipelineMetrics::set_state(PipelineState state) {
  for (size_t i = 0; i < states_.size(); ++i) states_[i].set(kAllPipelineStates[i] == state ? 1 : 0);
}

PartitionMetrics& PipelineMetrics::partition(std::string_view source, std::string_view topic, int32_t partition) {
  const std::lock_guard lock(mutex_);
  const auto [entry, is_new] = partitions_.try_emplace({std::string(source), std::string(topic), partition});
  if (!is_new) return entry->second;
  const LabelValues labels = {pipeline_, std::string(topic), std::to_string(partition)};
  LabelValues read_labels = labels;
  read_labels.emplace_back(source);
  entry->second = {
      .consumer_lag = {registry_, metric::kConsumerLag, labels},
      .committed_lag = {registry_, metric::kCommittedLag, labels},
      .consumer_lag_seconds = {registry_, metric::kConsumerLagSeconds, labels},
      .committed_lag_seconds = {registry_, metric::kCommittedLagSeconds, labels},
      .position_offset = {registry_, metric::kPositionOffset, labels},
      .committed_offset = {registry_, metric::kCommittedOffset, labels},
      .log_end_offset = {registry_, metric::kLogEndOffset, labels},
      .watermark_timestamp_seconds = {registry_, metric::kWatermarkTimestamp, labels},
      .watermark_holder = {registry_, metric::kWatermarkHolder, labels},
      .idle = {registry_, metric::kPartitionIdle, labels},
      .paused = {registry_, metric::kPartitionPaused, labels},
      .records_read = registry_.counter(metric::kRecordsRead, std::move(read_labels)),
      .records_lost = registry_.counter(metric::kRecordsLost, labels),
  };
  return entry->second;
}

void PipelineMetrics::forget_partition(std::string_view source, std::string_view topic, int32_t partition) {
  const std::lock_guard lock(mutex_);
  if (partitions_.erase({std::string(source), std::string(topic), partition}) == 0) return;
  const LabelValues labels = {pipeline_, std::string(topic), std::to_string(partition)};
  for (const MetricSpec* gauge : kPartitionGauges) registry_.remove(*gauge, labels);
}

const StepMetrics& PipelineMetrics::step(std::string_view step) {
  const std::lock_guard lock(mutex_);
  const auto known = steps_.find(step);
  if (known != steps_.end()) return known->second;
  const LabelValues labels = {pipeline_, std::string(step)};
  const StepMetrics made = {
      .records_filtered = registry_.counter(metric::kRecordsFiltered, labels),
      .records_counted = registry_.counter(metric::kRecordsCounted, labels),
      .records_deduplicated = registry_.counter(metric::kRecordsDeduplicated, labels),
      .results_filtered = registry_.counter(metric::kResultsFiltered, labels),
      .window_updates_missed = registry_.counter(metric::kWindowUpdatesMissed, labels),
      .result_errors = registry_.counter(metric::kResultErrors, labels),
      .partitioning_violations = registry_.counter(metric::kPartitioningViolations, labels),
  };
  return steps_.emplace(step, made).first->second;
}

const SinkMetrics& PipelineMetrics::sink(std::string_view sink) {
  const std::lock_guard lock(mutex_);
  const auto known = sinks_.find(sink);
  if (known != sinks_.end()) return known->second;
  const SinkMetrics made = {registry_.counter(metric::kRecordsEmitted, {pipeline_, std::string(sink)})};
  return sinks_.emplace(sink, made).first->second;
}

MetricCounter PipelineMetrics::dead_lettered(std::string_view step, std::string_view reason) {
  return registry_.counter(metric::kRecordsDeadLettered, {pipeline_, std::string(step), std::string(reason)});
}

MetricCounter PipelineMetrics::late(std::string_view step, std::string_view reason) {
  return registry_.counter(metric::kRecordsLate, {pipeline_, std::string(step), std::string(reason)});
}

MetricCounter PipelineMetrics::ledger(std::string_view step, std::string_view entry) {
  return registry_.counter(metric::kLedgerRecords, {pipeline_, std::string(step), std::string(entry)});
}

MetricGauge PipelineMetrics::ledger_open(std::string_view step) {
  return registry_.gauge(metric::kLedgerOpen, {pipeline_, std::string(step)});
}

void PipelineMetrics::show_hot_keys(std::string_view step, const HotKeys& keys) {
  show_keys(metric::kHottestKey, metric::kHotKey, step, keys);
}

void PipelineMetrics::show_heavy_keys(std::string_view step, const HotKeys& keys) {
  show_keys(metric::kHeaviestKey, metric::kHeavyKey, step, keys);
}

void PipelineMetrics::show_keys(const MetricSpec& hottest, const MetricSpec& each, std::string_view step, const HotKeys& keys) {
  const auto all = keys.above(0);
  registry_.gauge(hottest, {pipeline_, std::string(step)}).set(all.empty() ? 0 : all.front().ratio);
  std::set<std::string> shown;
  for (const HotKeys::Key& key : hot_enough(keys)) {
    const std::string name = hot_key_name(key.hash);
    registry_.gauge(each, {pipeline_, std::string(step), name}).set(key.ratio);
    shown.insert(name);
  }
  const std::lock_guard lock(mutex_);
  std::set<std::string>& before = hot_keys_[{each.name, std::string(step)}];
  for (const std::string& name : before) {
    if (!shown.contains(name)) registry_.remove(each, {pipeline_, std::string(step), name});
  }
  before = std::move(shown);
}

KafkaClientMetrics PipelineMetrics::kafka_client(std::string_view client) {
  const LabelValues labels = {pipeline_, std::string(client)};
  return {
      .brokers_up = registry_.gauge(metric::kKafkaBrokersUp, labels),
      .queue_messages = registry_.gauge(metric::kKafkaQueueMessages, labels),
      .queue_bytes = registry_.gauge(metric::kKafkaQueueBytes, labels),
      .sent_bytes = registry_.counter(metric::kKafkaSentBytes, labels),
      .received_bytes = registry_.counter(metric::kKafkaReceivedBytes, labels),
      .request_errors = registry_.counter(metric::kKafkaRequestErrors, labels),
      .round_trip_seconds = registry_.gauge(metric::kKafkaRoundTrip, labels),
      .throttle_seconds = registry_.gauge(metric::kKafkaThrottle, labels),
  };
}

}  // namespace tidemark
