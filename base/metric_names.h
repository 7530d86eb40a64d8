// Every metric that Tidemark exposes: name, type, unit, labels, meaning, and what to do about it. The one table from
// which handles are made, the reference is written and dashboards are checked. It knows nothing of who counts.
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
    {"pipeline", "topic", "partition", "step"},
    "Records read from a source partition; step is the source's name.",
    "Its rate is the throughput. 0 while there is lag: see [not advancing](runbook.md#tidemarknotadvancing)."};
inline constexpr MetricSpec kRecordsEmitted{
    "tidemark_records_emitted_total", MetricType::kCounter, MetricUnit::kCount,
    {"pipeline", "sink"},
    "Rows that a sink took; visible to others once the checkpoint is committed. Those too large for it are dead "
    "letters.",
    "None although records are counted: look whether the watermark moves, for only that closes windows."};
inline constexpr MetricSpec kRecordsFiltered{
    "tidemark_records_filtered_total", MetricType::kCounter, MetricUnit::kCount,
    {"pipeline", "step"},
    "Records that a filter in front of the first window dropped, or tombstones that the source skipped.",
    "A sudden change means that the input or the filter has changed."};
inline constexpr MetricSpec kRecordsCounted{
    "tidemark_records_counted_total", MetricType::kCounter, MetricUnit::kCount,
    {"pipeline", "step"},
    "Rows that counted in at least one window of the step.",
    "Hold it against what is read: the rest was filtered, late or a dead letter."};
inline constexpr MetricSpec kRecordsLate{
    "tidemark_records_late_total", MetricType::kCounter, MetricUnit::kCount,
    {"pipeline", "step", "reason"},
    "Rows that counted in no window of the step, by reason: late, idle, dedupe.",
    "`late`: raise `max_delay` or `allowed_lateness`; `idle`: raise `idle_after`. See [late "
    "ratio](runbook.md#tidemarklateratio)."};
inline constexpr MetricSpec kRecordsDeadLettered{
    "tidemark_records_dead_lettered_total", MetricType::kCounter, MetricUnit::kCount,
    {"pipeline", "step", "reason"},
    "Records set aside: decode, missing_field, type, expression, future, oversize, event_time.",
    "Read the header `tidemark.error` of a few dead letters. See [dead "
    "letters](runbook.md#tidemarkdeadletterburnfast)."};
inline constexpr MetricSpec kRecordsDeduplicated{
    "tidemark_records_deduplicated_total", MetricType::kCounter, MetricUnit::kCount,
    {"pipeline", "step"},
    "Repeats that a dedupe step dropped.",
    "A jump: some producer sends again what it has sent before."};
inline constexpr MetricSpec kRecordsLost{
    "tidemark_records_lost_total", MetricType::kCounter, MetricUnit::kCount,
    {"pipeline", "topic", "partition"},
    "Offsets that left the log before they were read and were given up by --accept-loss.",
    "Should be 0 for ever. See [records lost](runbook.md#tidemarkrecordslost)."};
inline constexpr MetricSpec kResultsFiltered{
    "tidemark_results_filtered_total", MetricType::kCounter, MetricUnit::kCount,
    {"pipeline", "step"},
    "Result rows that a filter behind a window dropped.",
    "All of the results: the filter fits no row any more."};
inline constexpr MetricSpec kWindowUpdatesMissed{
    "tidemark_window_updates_missed_total", MetricType::kCounter, MetricUnit::kCount,
    {"pipeline", "step"},
    "Windows that a row came too late for although it counted in others.",
    "Raise `max_delay` or `allowed_lateness` where these windows matter."};
inline constexpr MetricSpec kResultErrors{
    "tidemark_result_errors_total", MetricType::kCounter, MetricUnit::kCount,
    {"pipeline", "step"},
    "Expressions behind a window that failed and became null, false or filtered.",
    "Look for overflow, division by zero and null in the step's expressions."};
inline constexpr MetricSpec kPartitioningViolations{
    "tidemark_partitioning_violations_total", MetricType::kCounter, MetricUnit::kCount,
    {"pipeline", "step"},
    "Sampled keys seen in two lanes although partitioned_by promised otherwise.",
    "Results of such keys are split. See [partitioning broken](runbook.md#tidemarkpartitioningbroken)."};

// Keys that make up a large part of a window step's rows; sampled. `key` is a hash.
inline constexpr MetricSpec kHottestKey{
    "tidemark_hottest_key_ratio", MetricType::kGauge, MetricUnit::kRatio,
    {"pipeline", "step"},
    "Share of the hottest key in the rows that reach the step, of late, sampled: at least this.",
    "More than one lane's worth of it, with lag: see [hot key](runbook.md#tidemarkhotkey)."};
inline constexpr MetricSpec kHotKey{
    "tidemark_hot_key_ratio", MetricType::kGauge, MetricUnit::kRatio,
    {"pipeline", "step", "key"},
    "The same for each key of at least 5%, at most ten of a step; those that cool down go.",
    "One that stays is a fact of the input; find out who a new one is."};
inline constexpr MetricSpec kHeaviestKey{
    "tidemark_heaviest_key_ratio", MetricType::kGauge, MetricUnit::kRatio,
    {"pipeline", "step"},
    "Share of one key in the bytes that were written of the step's state of late, sampled by bytes: at least this.",
    "Large, with state that grows: one key's lists or sets. See [state grows](runbook.md#tidemarkstategrowing)."};
inline constexpr MetricSpec kHeavyKey{
    "tidemark_heavy_key_ratio", MetricType::kGauge, MetricUnit::kRatio,
    {"pipeline", "step", "key"},
    "The same for each key of at least 5%, at most ten of a step.",
    "`--reveal-keys` shows over the API which key a hash stands for."};

// The ledger. `step` as above; `entry` is a side of its account.
inline constexpr MetricSpec kLedgerRecords{
    "tidemark_ledger_records_total", MetricType::kCounter, MetricUnit::kCount,
    {"pipeline", "step", "entry"},
    "Where records have gone, step by step, exact as of the last checkpoint. Of the source: read = passed + filtered + "
    "dead_lettered. Of a step: in = out + filtered + late + deduplicated + dead_lettered; of a window: in = counted "
    "+ late + "
    "dead_lettered, and out are its results.",
    "Find the step at which records go astray by holding its entries against each other."};
inline constexpr MetricSpec kLedgerOpen{
    "tidemark_ledger_open_records", MetricType::kGauge, MetricUnit::kCount,
    {"pipeline", "step"},
    "Records that the step's account in the ledger does not account for, as of the last checkpoint: 0 when it closes.",
    "Anything but 0 is a defect. See [ledger open](runbook.md#tidemarkledgeropen)."};

// Where a pipeline stands in its input and in time.
inline constexpr MetricSpec kConsumerLag{
    "tidemark_consumer_lag", MetricType::kGauge, MetricUnit::kCount,
    {"pipeline", "topic", "partition"},
    "Records between the next offset to fetch and the end of the partition.",
    "Growing: see [lag rises](runbook.md#lag-rises)."};
inline constexpr MetricSpec kCommittedLag{
    "tidemark_committed_lag", MetricType::kGauge, MetricUnit::kCount,
    {"pipeline", "topic", "partition"},
    "Records between the committed offset and the end of the partition.",
    "Up to what arrives between two checkpoints is ordinary. Growing while the consumer lag does not: checkpoints "
    "fail."};
inline constexpr MetricSpec kConsumerLagSeconds{
    "tidemark_consumer_lag_seconds", MetricType::kGauge, MetricUnit::kSeconds,
    {"pipeline", "topic", "partition"},
    "Age of the newest record read, by its Kafka timestamp; 0 at the end of the partition.",
    "How stale results are. See [lag rises](runbook.md#lag-rises)."};
inline constexpr MetricSpec kCommittedLagSeconds{
    "tidemark_committed_lag_seconds", MetricType::kGauge, MetricUnit::kSeconds,
    {"pipeline", "topic", "partition"},
    "Age of the newest record that the last commit covers, by its Kafka timestamp; 0 where it covers all there is.",
    "What a committed reader's view is behind by. Far above the consumer lag: checkpoints are slow or fail."};
inline constexpr MetricSpec kPositionOffset{
    "tidemark_position_offset", MetricType::kGauge, MetricUnit::kCount,
    {"pipeline", "topic", "partition"},
    "The next offset to read, as workers stand now.",
    "Standing still below the end of the log: nothing is read of this partition."};
inline constexpr MetricSpec kCommittedOffset{
    "tidemark_committed_offset", MetricType::kGauge, MetricUnit::kCount,
    {"pipeline", "topic", "partition"},
    "The next offset to read as of the last commit: where a restart goes on.",
    "Standing still while the position moves: see [checkpoints](runbook.md#tidemarkcheckpointstale)."};
inline constexpr MetricSpec kLogEndOffset{
    "tidemark_log_end_offset", MetricType::kGauge, MetricUnit::kCount,
    {"pipeline", "topic", "partition"},
    "The end of the partition (its high watermark), as last heard from the broker.",
    "Its rate is what producers write."};
inline constexpr MetricSpec kWatermarkTimestamp{
    "tidemark_watermark_timestamp_seconds", MetricType::kGauge, MetricUnit::kSeconds,
    {"pipeline", "topic", "partition"},
    "The partition's watermark, as a Unix time.",
    "One far behind the others holds all windows back."};
inline constexpr MetricSpec kWatermarkHolder{
    "tidemark_watermark_holder", MetricType::kGauge, MetricUnit::kInfo,
    {"pipeline", "topic", "partition"},
    "1 for the partition that holds the slowest lane's watermark back, 0 for the others.",
    "Look at this partition when the watermark stands. See [stuck watermark](runbook.md#tidemarkwatermarkstuck)."};
inline constexpr MetricSpec kPartitionIdle{
    "tidemark_partition_idle", MetricType::kGauge, MetricUnit::kInfo,
    {"pipeline", "topic", "partition"},
    "1 while the partition is idle, and so holds no window back.",
    "1 for all: nobody writes to the topic."};
inline constexpr MetricSpec kPartitionPaused{
    "tidemark_partition_paused", MetricType::kGauge, MetricUnit::kInfo,
    {"pipeline", "topic", "partition"},
    "1 while the partition is held back because it is more than `max_drift` ahead of the slowest one.",
    "Ordinary while a backlog is read. Lasting: the slowest partition is the one to look at."};
inline constexpr MetricSpec kWatermarkLag{
    "tidemark_watermark_lag_seconds", MetricType::kGauge, MetricUnit::kSeconds,
    {"pipeline"},
    "How far the slowest lane's watermark is behind the wall clock, as of the last checkpoint.",
    "About `max_delay` and a checkpoint when all is well. Rising by a second a second: it stands."};

// Checkpoints, transactions and state.
inline constexpr MetricSpec kCheckpointDuration{
    "tidemark_checkpoint_duration_seconds", MetricType::kHistogram, MetricUnit::kSeconds,
    {"pipeline"},
    "From opening an epoch to its commit.",
    "Near or above the interval: see [slow checkpoints](runbook.md#tidemarkcheckpointslow).", buckets::kWork};
inline constexpr MetricSpec kCheckpointInterval{
    "tidemark_checkpoint_interval_seconds", MetricType::kGauge, MetricUnit::kSeconds,
    {"pipeline"},
    "`checkpoint: every` of the file.",
    "What durations and ages of checkpoints are held against."};
inline constexpr MetricSpec kCheckpoints{
    "tidemark_checkpoints_total", MetricType::kCounter, MetricUnit::kCount,
    {"pipeline", "result"},
    "Checkpoints by result: success, failure; one that could not be restored has failed too.",
    "Failures: see [failing checkpoints](runbook.md#tidemarkcheckpointfailing)."};
inline constexpr MetricSpec kCheckpointLastSuccess{
    "tidemark_checkpoint_last_success_timestamp_seconds", MetricType::kGauge, MetricUnit::kSeconds,
    {"pipeline"},
    "When the newest committed checkpoint was committed, as a Unix time.",
    "Its age is what a crash would read again. See [stale checkpoint](runbook.md#tidemarkcheckpointstale)."};
inline constexpr MetricSpec kCheckpointSize{
    "tidemark_checkpoint_size_bytes", MetricType::kGauge, MetricUnit::kBytes,
    {"pipeline"},
    "Size of the newest committed checkpoint.",
    "What a restore reads. Growing without an end: see [state grows](runbook.md#tidemarkstategrowing)."};
inline constexpr MetricSpec kTransactionDuration{
    "tidemark_transaction_duration_seconds", MetricType::kHistogram, MetricUnit::kSeconds,
    {"pipeline"},
    "Flushing an epoch's rows, sending its offsets and committing them.",
    "Tens of milliseconds on a healthy cluster; seconds: the brokers are slow.", buckets::kWork};
inline constexpr MetricSpec kStateBytes{
    "tidemark_state_bytes", MetricType::kGauge, MetricUnit::kBytes,
    {"pipeline", "tier"},
    "Keyed state by tier: hot (memory), cold (disk).",
    "See [state grows](runbook.md#tidemarkstategrowing)."};
inline constexpr MetricSpec kStateMemoryLimit{
    "tidemark_state_memory_limit_bytes", MetricType::kGauge, MetricUnit::kBytes,
    {"pipeline"},
    "What keyed state may take in memory before it spills to disk: a share of `--memory`.",
    "State far above it is read from disk when windows fire; more memory or fewer keys is the cure."};
inline constexpr MetricSpec kStateKeys{
    "tidemark_state_keys", MetricType::kGauge, MetricUnit::kCount,
    {"pipeline"},
    "Keys with state in memory, each (key, slice) once.",
    "Growing without an end: keys are unbounded, or windows do not close."};
inline constexpr MetricSpec kRocksKeys{
    "tidemark_rocksdb_keys", MetricType::kGauge, MetricUnit::kCount,
    {"pipeline"},
    "Entries of keyed state on disk; RocksDB's estimate.",
    "As for keys in memory."};
inline constexpr MetricSpec kRocksMemtable{
    "tidemark_rocksdb_memtable_bytes", MetricType::kGauge, MetricUnit::kBytes,
    {"pipeline"},
    "Memtables of the pipeline's stores.",
    "Part of `--memory`; full all the time means that the disk is slow."};
inline constexpr MetricSpec kRocksTableReaders{
    "tidemark_rocksdb_table_reader_bytes", MetricType::kGauge, MetricUnit::kBytes,
    {"pipeline"},
    "Memory of open tables outside the block cache.",
    "Grows with the state on disk."};
inline constexpr MetricSpec kRocksPendingCompaction{
    "tidemark_rocksdb_pending_compaction_bytes", MetricType::kGauge, MetricUnit::kBytes,
    {"pipeline"},
    "Bytes that RocksDB has still to rewrite; its estimate.",
    "Growing for hours: the disk or the CPU is too slow for what is written."};

// Lanes, latency, and the pipeline as a whole.
inline constexpr MetricSpec kLaneBusy{
    "tidemark_lane_busy_seconds_total", MetricType::kCounter, MetricUnit::kSeconds,
    {"pipeline"},
    "Time that workers worked, with their lanes, summed over workers.",
    "Near one second a second for each thread: it is CPU-bound. Give it threads or instances."};
inline constexpr MetricSpec kLaneIdle{
    "tidemark_lane_idle_seconds_total", MetricType::kCounter, MetricUnit::kSeconds,
    {"pipeline"},
    "Time that workers waited for input, summed over workers.",
    "Idle with lag: the brokers, or the network, do not give more."};
inline constexpr MetricSpec kLaneBackpressured{
    "tidemark_lane_backpressured_seconds_total", MetricType::kCounter, MetricUnit::kSeconds,
    {"pipeline"},
    "Time that workers waited for room behind them, summed over workers.",
    "A slow sink or a slow disk: see [back-pressure](runbook.md#tidemarkbackpressure)."};
inline constexpr MetricSpec kInputPause{
    "tidemark_input_pause_seconds", MetricType::kHistogram, MetricUnit::kSeconds,
    {"pipeline"},
    "From one look into the fetched records to the next: firing windows, freezing state, and waiting for sinks.",
    "Long ones delay all rows behind them; more threads or lanes make firings shorter.", buckets::kPause};
inline constexpr MetricSpec kEndToEndLatency{
    "tidemark_end_to_end_latency_seconds", MetricType::kHistogram, MetricUnit::kSeconds,
    {"pipeline"},
    "From the Kafka timestamp of a result's newest contributing record until the result is visible.",
    "The checkpoint interval is part of it. Above that: look at lag and at the watermark.", buckets::kLatency};
inline constexpr MetricSpec kPipelineState{
    "tidemark_pipeline_state", MetricType::kGauge, MetricUnit::kInfo,
    {"pipeline", "state"},
    "1 for the state that the pipeline is in, 0 for the others.",
    "`failed` and `fenced` are over for good: see [failed](runbook.md#tidemarkpipelinefailed) and "
    "[fenced](runbook.md#tidemarkfenced). `paused` and `drained` were told to be: [paused](runbook.md#tidemarkpaused)."};

// librdkafka, from its statistics. `client` is consumer or producer.
inline constexpr MetricSpec kKafkaBrokersUp{
    "tidemark_kafka_brokers_up", MetricType::kGauge, MetricUnit::kCount,
    {"pipeline", "client"},
    "Brokers that the client is connected to.",
    "0: see [Kafka unreachable](runbook.md#tidemarkkafkaunreachable)."};
inline constexpr MetricSpec kKafkaQueueMessages{
    "tidemark_kafka_queue_messages", MetricType::kGauge, MetricUnit::kCount,
    {"pipeline", "client"},
    "Messages in librdkafka's queues.",
    "The producer's full: brokers take rows slower than they are made."};
inline constexpr MetricSpec kKafkaQueueBytes{
    "tidemark_kafka_queue_bytes", MetricType::kGauge, MetricUnit::kBytes,
    {"pipeline", "client"},
    "Bytes in librdkafka's queues.",
    "As for messages."};
inline constexpr MetricSpec kKafkaSentBytes{
    "tidemark_kafka_sent_bytes_total", MetricType::kCounter, MetricUnit::kBytes,
    {"pipeline", "client"},
    "Bytes sent to brokers.",
    "Hold it against the network's limit."};
inline constexpr MetricSpec kKafkaReceivedBytes{
    "tidemark_kafka_received_bytes_total", MetricType::kCounter, MetricUnit::kBytes,
    {"pipeline", "client"},
    "Bytes received from brokers.",
    "Hold it against the network's limit."};
inline constexpr MetricSpec kKafkaRequestErrors{
    "tidemark_kafka_request_errors_total", MetricType::kCounter, MetricUnit::kCount,
    {"pipeline", "client"},
    "Requests to brokers that failed or timed out.",
    "A few at a broker's restart are ordinary; a steady rate: look at that cluster."};
inline constexpr MetricSpec kKafkaRoundTrip{
    "tidemark_kafka_round_trip_seconds", MetricType::kGauge, MetricUnit::kSeconds,
    {"pipeline", "client"},
    "Time that the slowest broker took to answer, averaged over the last seconds.",
    "Long for the producer: the sink is slow. Long for the consumer: fetches wait for data, which is ordinary."};
inline constexpr MetricSpec kKafkaThrottle{
    "tidemark_kafka_throttle_seconds", MetricType::kGauge, MetricUnit::kSeconds,
    {"pipeline", "client"},
    "Time that a broker held answers back because of a quota, averaged over the last seconds.",
    "Above 0: raise the quota of this client, or lower its load."};

// The process, under the names that every Prometheus client library uses, and what it stands on.
inline constexpr MetricSpec kBuildInfo{
    "tidemark_build_info", MetricType::kGauge, MetricUnit::kInfo,
    {"version", "compiler", "librdkafka", "rocksdb"},
    "Always 1; the labels say what runs.",
    "More than one version: an upgrade is under way, or has stopped halfway."};
inline constexpr MetricSpec kMemoryBudget{
    "tidemark_memory_budget_bytes", MetricType::kGauge, MetricUnit::kBytes,
    {},
    "`--memory`: what the process may take, but for 64 MiB that are counted nowhere.",
    "Resident memory above both together is a defect; below, it needs nothing."};
inline constexpr MetricSpec kStateDiskFree{
    "tidemark_state_disk_free_bytes", MetricType::kGauge, MetricUnit::kBytes,
    {},
    "Free space on the file system of `--state-dir`.",
    "See [disk](runbook.md#tidemarkdiskfilling)."};
inline constexpr MetricSpec kStateDiskSize{
    "tidemark_state_disk_size_bytes", MetricType::kGauge, MetricUnit::kBytes,
    {},
    "Size of the file system of `--state-dir`.",
    "At least twice the state: checkpoints share files with it, but not all."};
inline constexpr MetricSpec kTraceSpansExported{
    "tidemark_trace_spans_exported_total", MetricType::kCounter, MetricUnit::kCount,
    {},
    "Spans of traces that the collector took.",
    "0 with `--otlp`: does the collector listen for OTLP over HTTP there? The log's `traces_not_sent` says what it answers."};
inline constexpr MetricSpec kTraceSpansDropped{
    "tidemark_trace_spans_dropped_total", MetricType::kCounter, MetricUnit::kCount,
    {},
    "Spans of traces that the collector refused, or did not take in time.",
    "Pipelines do not suffer; see to the collector."};
inline constexpr MetricSpec kProcessResidentMemory{
    "process_resident_memory_bytes", MetricType::kGauge, MetricUnit::kBytes, {}, "Resident memory.",
    "Hold it against the budget."};
inline constexpr MetricSpec kProcessVirtualMemory{
    "process_virtual_memory_bytes", MetricType::kGauge, MetricUnit::kBytes, {}, "Virtual memory.",
    "Says nothing of use; nothing to do."};
inline constexpr MetricSpec kProcessCpu{
    "process_cpu_seconds_total", MetricType::kCounter, MetricUnit::kSeconds, {}, "User and system CPU time.",
    "Its rate is the cores in use; at the limit with lag: give it more."};
inline constexpr MetricSpec kProcessOpenFds{
    "process_open_fds", MetricType::kGauge, MetricUnit::kCount, {}, "Open file descriptors.",
    "Hold it against the limit."};
inline constexpr MetricSpec kProcessMaxFds{
    "process_max_fds", MetricType::kGauge, MetricUnit::kCount, {}, "Limit of open file descriptors.",
    "Raise it (`ulimit -n`, `LimitNOFILE`) before it is reached."};
inline constexpr MetricSpec kProcessThreads{
    "process_threads", MetricType::kGauge, MetricUnit::kCount, {}, "Threads.",
    "Constant for a running process; growing is a defect."};
inline constexpr MetricSpec kProcessStartTime{
    "process_start_time_seconds", MetricType::kGauge, MetricUnit::kSeconds,
    {}, "When the process started, as a Unix time.",
    "Changing: it restarts. See [restarting](runbook.md#tidemarkrestarting)."};

// What a label stands for, and what bounds the number of its values. Never a key, a value or a message.
struct LabelSpec {
  std::string_view name;
  std::string_view meaning;
  std::string_view bound;
};

// All labels and all metrics of this file, in their order here.
std::span<const LabelSpec> labels();
std::span<const MetricSpec* const> all();

}  // namespace tidemark::metric
