// Every metric that Tidemark exposes: name, type, unit, labels, help. The one table from which handles are made, the
// reference is written and dashboards are checked. It knows nothing of who counts.
#pragma once

#include <array>
#include <span>

#include "base/metrics.h"

namespace tidemark::metric {

namespace buckets {
// Upper bounds in seconds. How long a reader looks away.
inline constexpr std::array<double, 10> kPause = {0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1, 5};
// Work that takes milliseconds to minutes: checkpoints and transactions.
inline constexpr std::array<double, 13> kWork = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300};
// From a record's arrival in Kafka to its visible result: windows make this minutes.
inline constexpr std::array<double, 15> kLatency = {0.05, 0.1, 0.25, 0.5, 1,   2.5, 5,   10,
                                                    30,   60,  120,  300, 600, 1800, 3600};
}  // namespace buckets

// Rows and records. `step` is the name of a step, or of the source for what happens before the first step.
inline constexpr MetricSpec kRecordsRead{
    "tidemark_records_read_total", MetricType::kCounter, MetricUnit::kCount,
    {"pipeline", "topic", "partition", "step"}, "Records read from a source partition; step is the source's name."};
inline constexpr MetricSpec kRecordsEmitted{
    "tidemark_records_emitted_total", MetricType::kCounter, MetricUnit::kCount,
    {"pipeline", "sink"}, "Rows that a sink took; visible to others once the checkpoint is committed. Those too large for it are dead letters."};
inline constexpr MetricSpec kRecordsFiltered{
    "tidemark_records_filtered_total", MetricType::kCounter, MetricUnit::kCount,
    {"pipeline", "step"},
    "Records that a filter in front of the first window dropped, or tombstones that the source skipped."};
inline constexpr MetricSpec kRecordsCounted{
    "tidemark_records_counted_total", MetricType::kCounter, MetricUnit::kCount,
    {"pipeline", "step"}, "Rows that counted in at least one window of the step."};
inline constexpr MetricSpec kRecordsLate{
    "tidemark_records_late_total", MetricType::kCounter, MetricUnit::kCount,
    {"pipeline", "step", "reason"}, "Rows that counted in no window of the step, by reason: late, idle, dedupe."};
inline constexpr MetricSpec kRecordsDeadLettered{
    "tidemark_records_dead_lettered_total", MetricType::kCounter, MetricUnit::kCount,
    {"pipeline", "step", "reason"},
    "Records set aside: decode, missing_field, type, expression, future, oversize, event_time."};
inline constexpr MetricSpec kRecordsDeduplicated{
    "tidemark_records_deduplicated_total", MetricType::kCounter, MetricUnit::kCount,
    {"pipeline", "step"}, "Repeats that a dedupe step dropped."};
inline constexpr MetricSpec kRecordsLost{
    "tidemark_records_lost_total", MetricType::kCounter, MetricUnit::kCount,
    {"pipeline", "topic", "partition"},
    "Offsets that left the log before they were read and were given up by --accept-loss."};
inline constexpr MetricSpec kResultsFiltered{
    "tidemark_results_filtered_total", MetricType::kCounter, MetricUnit::kCount,
    {"pipeline", "step"}, "Result rows that a filter behind a window dropped."};
inline constexpr MetricSpec kWindowUpdatesMissed{
    "tidemark_window_updates_missed_total", MetricType::kCounter, MetricUnit::kCount,
    {"pipeline", "step"}, "Windows that a row came too late for although it counted in others."};
inline constexpr MetricSpec kResultErrors{
    "tidemark_result_errors_total", MetricType::kCounter, MetricUnit::kCount,
    {"pipeline", "step"}, "Expressions behind a window that failed and became null, false or filtered."};
inline constexpr MetricSpec kPartitioningViolations{
    "tidemark_partitioning_violations_total", MetricType::kCounter, MetricUnit::kCount,
    {"pipeline", "step"}, "Sampled keys seen in two lanes although partitioned_by promised otherwise."};

// Where a pipeline stands in its input and in time.
inline constexpr MetricSpec kConsumerLag{
    "tidemark_consumer_lag", MetricType::kGauge, MetricUnit::kCount,
    {"pipeline", "topic", "partition"}, "Records between the next offset to fetch and the end of the partition."};
inline constexpr MetricSpec kCommittedLag{
    "tidemark_committed_lag", MetricType::kGauge, MetricUnit::kCount,
    {"pipeline", "topic", "partition"}, "Records between the committed offset and the end of the partition."};
inline constexpr MetricSpec kConsumerLagSeconds{
    "tidemark_consumer_lag_seconds", MetricType::kGauge, MetricUnit::kSeconds,
    {"pipeline", "topic", "partition"},
    "Age of the newest record read, by its Kafka timestamp; 0 at the end of the partition."};
inline constexpr MetricSpec kWatermarkTimestamp{
    "tidemark_watermark_timestamp_seconds", MetricType::kGauge, MetricUnit::kSeconds,
    {"pipeline", "topic", "partition"}, "The partition's watermark, as a Unix time."};
inline constexpr MetricSpec kWatermarkLag{
    "tidemark_watermark_lag_seconds", MetricType::kGauge, MetricUnit::kSeconds,
    {"pipeline"}, "How far the slowest lane's watermark is behind the wall clock."};

// Checkpoints, transactions and state.
inline constexpr MetricSpec kCheckpointDuration{
    "tidemark_checkpoint_duration_seconds", MetricType::kHistogram, MetricUnit::kSeconds,
    {"pipeline"}, "From opening an epoch to its commit.", buckets::kWork};
inline constexpr MetricSpec kCheckpoints{
    "tidemark_checkpoints_total", MetricType::kCounter, MetricUnit::kCount,
    {"pipeline", "result"}, "Checkpoints by result: success, failure; one that could not be restored has failed too."};
inline constexpr MetricSpec kCheckpointLastSuccess{
    "tidemark_checkpoint_last_success_timestamp_seconds", MetricType::kGauge, MetricUnit::kSeconds,
    {"pipeline"}, "When the newest committed checkpoint was committed, as a Unix time."};
inline constexpr MetricSpec kCheckpointSize{
    "tidemark_checkpoint_size_bytes", MetricType::kGauge, MetricUnit::kBytes,
    {"pipeline"}, "Size of the newest committed checkpoint."};
inline constexpr MetricSpec kTransactionDuration{
    "tidemark_transaction_duration_seconds", MetricType::kHistogram, MetricUnit::kSeconds,
    {"pipeline"}, "Flushing an epoch's rows, sending its offsets and committing them.", buckets::kWork};
inline constexpr MetricSpec kStateBytes{
    "tidemark_state_bytes", MetricType::kGauge, MetricUnit::kBytes,
    {"pipeline", "tier"}, "Keyed state by tier: hot (memory), cold (disk)."};
inline constexpr MetricSpec kStateKeys{
    "tidemark_state_keys", MetricType::kGauge, MetricUnit::kCount,
    {"pipeline"}, "Keys with state, each (key, slice) once; an estimate where they lie on disk."};

// Lanes, latency, and the pipeline as a whole.
inline constexpr MetricSpec kLaneBusy{
    "tidemark_lane_busy_seconds_total", MetricType::kCounter, MetricUnit::kSeconds,
    {"pipeline"}, "Time that lanes worked, summed over lanes."};
inline constexpr MetricSpec kLaneIdle{
    "tidemark_lane_idle_seconds_total", MetricType::kCounter, MetricUnit::kSeconds,
    {"pipeline"}, "Time that lanes waited for input, summed over lanes."};
inline constexpr MetricSpec kLaneBackpressured{
    "tidemark_lane_backpressured_seconds_total", MetricType::kCounter, MetricUnit::kSeconds,
    {"pipeline"}, "Time that lanes waited for room behind them, summed over lanes."};
inline constexpr MetricSpec kInputPause{
    "tidemark_input_pause_seconds", MetricType::kHistogram, MetricUnit::kSeconds,
    {"pipeline"}, "From one look into the fetched records to the next: firing windows, freezing state, and waiting for sinks.",
    buckets::kPause};
inline constexpr MetricSpec kEndToEndLatency{
    "tidemark_end_to_end_latency_seconds", MetricType::kHistogram, MetricUnit::kSeconds,
    {"pipeline"}, "From the Kafka timestamp of a result's newest contributing record until the result is visible.",
    buckets::kLatency};
inline constexpr MetricSpec kPipelineState{
    "tidemark_pipeline_state", MetricType::kGauge, MetricUnit::kInfo,
    {"pipeline", "state"}, "1 for the state that the pipeline is in, 0 for the others."};

// librdkafka, from its statistics. `client` is consumer or producer.
inline constexpr MetricSpec kKafkaBrokersUp{
    "tidemark_kafka_brokers_up", MetricType::kGauge, MetricUnit::kCount,
    {"pipeline", "client"}, "Brokers that the client is connected to."};
inline constexpr MetricSpec kKafkaQueueMessages{
    "tidemark_kafka_queue_messages", MetricType::kGauge, MetricUnit::kCount,
    {"pipeline", "client"}, "Messages in librdkafka's queues."};
inline constexpr MetricSpec kKafkaQueueBytes{
    "tidemark_kafka_queue_bytes", MetricType::kGauge, MetricUnit::kBytes,
    {"pipeline", "client"}, "Bytes in librdkafka's queues."};
inline constexpr MetricSpec kKafkaSentBytes{
    "tidemark_kafka_sent_bytes_total", MetricType::kCounter, MetricUnit::kBytes,
    {"pipeline", "client"}, "Bytes sent to brokers."};
inline constexpr MetricSpec kKafkaReceivedBytes{
    "tidemark_kafka_received_bytes_total", MetricType::kCounter, MetricUnit::kBytes,
    {"pipeline", "client"}, "Bytes received from brokers."};
inline constexpr MetricSpec kKafkaRequestErrors{
    "tidemark_kafka_request_errors_total", MetricType::kCounter, MetricUnit::kCount,
    {"pipeline", "client"}, "Requests to brokers that failed or timed out."};
inline constexpr MetricSpec kKafkaRoundTrip{
    "tidemark_kafka_round_trip_seconds", MetricType::kGauge, MetricUnit::kSeconds,
    {"pipeline", "client"}, "Time that the slowest broker took to answer, averaged over the last seconds."};
inline constexpr MetricSpec kKafkaThrottle{
    "tidemark_kafka_throttle_seconds", MetricType::kGauge, MetricUnit::kSeconds,
    {"pipeline", "client"}, "Time that a broker held answers back because of a quota, averaged over the last seconds."};

// The process, under the names that every Prometheus client library uses.
inline constexpr MetricSpec kBuildInfo{
    "tidemark_build_info", MetricType::kGauge, MetricUnit::kInfo,
    {"version", "compiler", "librdkafka", "rocksdb"}, "Always 1; the labels say what runs."};
inline constexpr MetricSpec kProcessResidentMemory{
    "process_resident_memory_bytes", MetricType::kGauge, MetricUnit::kBytes, {}, "Resident memory."};
inline constexpr MetricSpec kProcessVirtualMemory{
    "process_virtual_memory_bytes", MetricType::kGauge, MetricUnit::kBytes, {}, "Virtual memory."};
inline constexpr MetricSpec kProcessCpu{
    "process_cpu_seconds_total", MetricType::kCounter, MetricUnit::kSeconds, {}, "User and system CPU time."};
inline constexpr MetricSpec kProcessOpenFds{
    "process_open_fds", MetricType::kGauge, MetricUnit::kCount, {}, "Open file descriptors."};
inline constexpr MetricSpec kProcessMaxFds{
    "process_max_fds", MetricType::kGauge, MetricUnit::kCount, {}, "Limit of open file descriptors."};
inline constexpr MetricSpec kProcessThreads{
    "process_threads", MetricType::kGauge, MetricUnit::kCount, {}, "Threads."};
inline constexpr MetricSpec kProcessStartTime{
    "process_start_time_seconds", MetricType::kGauge, MetricUnit::kSeconds,
    {}, "When the process started, as a Unix time."};

// All of the above, in their order here.
std::span<const MetricSpec* const> all();

}  // namespace tidemark::metric
