// The lists of the specs, for those who want them all. A handle is made from its spec alone and needs no entry here.
#include "base/metric_names.h"

namespace tidemark::metric {

std::span<const LabelSpec> labels() {
  static constexpr LabelSpec kLabels[] = {
      {"pipeline", "`name` of the file", "pipelines of the process"},
      {"topic", "a source topic", "topics read"},
      {"partition", "a partition of it", "partitions assigned"},
      {"step",
       "a step's `name`, or KIND-N by its place; the source's name for what happens before the first step; a sink's for "
       "what it refuses",
       "steps of the file"},
      {"key", "the hash of a key, in hexadecimal digits", "20 for each window step, at a time"},
      {"sink", "a sink's name", "sinks of the file"},
      {"reason", "why a record was set aside", "10: the reasons of late records and dead letters"},
      {"entry", "a side of an account in the ledger",
       "9: read, passed, in, out, counted, filtered, late, deduplicated, dead_lettered"},
      {"result", "how a checkpoint ended", "2: success, failure"},
      {"tier", "where keyed state lies", "2: hot, cold"},
      {"state", "what a pipeline is doing",
       "10: starting, restoring, running, waiting, draining, paused, drained, ended, failed, fenced"},
      {"client", "a Kafka client of the pipeline", "2: consumer, producer"},
      {"version", "of Tidemark", "1"},
      {"compiler", "that built it", "1"},
      {"librdkafka", "its version", "1"},
      {"rocksdb", "its version", "1"},
  };
  return kLabels;
}

std::span<const MetricSpec* const> all() {
  static constexpr const MetricSpec* kAll[] = {
      &kRecordsRead, &kRecordsEmitted, &kRecordsFiltered, &kRecordsCounted, &kRecordsLate, &kRecordsDeadLettered,
      &kRecordsDeduplicated, &kRecordsLost, &kResultsFiltered, &kWindowUpdatesMissed, &kResultErrors,
      &kPartitioningViolations, &kHottestKey, &kHotKey, &kHeaviestKey, &kHeavyKey, &kLedgerRecords, &kLedgerOpen, &kConsumerLag, &kCommittedLag, &kConsumerLagSeconds,
      &kCommittedLagSeconds, &kPositionOffset, &kCommittedOffset, &kLogEndOffset, &kWatermarkTimestamp,
      &kWatermarkHolder, &kPartitionIdle, &kPartitionPaused, &kWatermarkLag, &kCheckpointDuration,
      &kCheckpointInterval, &kCheckpoints, &kCheckpointLastSuccess, &kCheckpointSize, &kTransactionDuration,
      &kStateBytes, &kStateMemoryLimit, &kStateKeys, &kRocksKeys, &kRocksMemtable, &kRocksTableReaders,
      &kRocksPendingCompaction, &kLaneBusy, &kLaneIdle, &kLaneBackpressured, &kInputPause, &kEndToEndLatency,
      &kPipelineState, &kKafkaBrokersUp, &kKafkaQueueMessages, &kKafkaQueueBytes, &kKafkaSentBytes,
      &kKafkaReceivedBytes, &kKafkaRequestErrors, &kKafkaRoundTrip, &kKafkaThrottle, &kBuildInfo, &kMemoryBudget,
      &kStateDiskFree, &kStateDiskSize, &kTraceSpansExported, &kTraceSpansDropped, &kProcessResidentMemory,
      &kProcessVirtualMemory, &kProcessCpu,
      &kProcessOpenFds, &kProcessMaxFds, &kProcessThreads, &kProcessStartTime,
  };
  return kAll;
}

}  // namespace tidemark::metric
