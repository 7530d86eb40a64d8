// The list of the specs, for those who want them all. A handle is made from its spec alone and needs no entry here.
#include "base/metric_names.h"

namespace tidemark::metric {

std::span<const MetricSpec* const> all() {
  static constexpr const MetricSpec* kAll[] = {
      &kRecordsRead,         &kRecordsEmitted,      &kRecordsFiltered,        &kRecordsCounted,
      &kRecordsLate,         &kRecordsDeadLettered, &kRecordsDeduplicated,    &kRecordsLost,
      &kResultsFiltered,     &kWindowUpdatesMissed, &kResultErrors,           &kPartitioningViolations,
      &kConsumerLag,         &kCommittedLag,        &kConsumerLagSeconds,     &kWatermarkTimestamp,
      &kWatermarkLag,        &kCheckpointDuration,  &kCheckpoints,            &kCheckpointLastSuccess,
      &kCheckpointSize,      &kTransactionDuration, &kStateBytes,             &kStateKeys,
      &kLaneBusy,            &kLaneIdle,            &kLaneBackpressured,      &kInputPause,
      &kEndToEndLatency,     &kPipelineState,       &kKafkaBrokersUp,         &kKafkaQueueMessages,
      &kKafkaQueueBytes,     &kKafkaSentBytes,      &kKafkaReceivedBytes,     &kKafkaRequestErrors,
      &kKafkaRoundTrip,      &kKafkaThrottle,       &kBuildInfo,
      &kProcessResidentMemory, &kProcessVirtualMemory, &kProcessCpu,          &kProcessOpenFds,
      &kProcessMaxFds,       &kProcessThreads,      &kProcessStartTime,
  };
  return kAll;
}

}  // namespace tidemark::metric
