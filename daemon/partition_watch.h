// PartitionWatch: what the standing of an attempt's partitions means: lag and watermark metrics, and which of them are to
// be held back because they are far ahead of the others. It does not decide what is idle; workers do.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "daemon/pipeline_metrics.h"
#include "daemon/worker.h"
#include "operators/plan/plan.h"

namespace tidemark {

// How far the newest commit covers a partition.
struct CommittedStand {
  int64_t next_offset = 0;
  Time newest_record = Time::min();  // Kafka timestamp of the record read last before it; Time::min(): not known
};

// Coordinator thread only.
class PartitionWatch {
 public:
  // All outlive it; partitions and gauges have the same numbers.
  struct Deps {
    const Plan& plan;
    const Clock& clock;
    KafkaConsumer& consumer;
    PipelineMetrics& metrics;
    const std::vector<PartitionStart>& partitions;
    const std::vector<PartitionGauge>& gauges;
  };
  explicit PartitionWatch(Deps deps) : deps_(deps) {}

  // `committed`: by partition. Answers what the consumer says of the partitions now.
  std::vector<PartitionStatus> look(const std::vector<CommittedStand>& committed);

  // Pauses partitions that are too far ahead in event time of the slowest one that has more to give, and resumes them once
  // it is halfway there: each pause costs the records that were fetched in advance.
  void hold_back();
  // While a backlog is read, minutes of event time go by in a second: then it is soon time for the next hold_back().
  bool reads_backlog() const;

 private:
  void show(const PartitionStatus& status, const CommittedStand& committed);
  // The partition that keeps the slowest lane's watermark from moving on; none where nothing live is waited for.
  std::optional<uint32_t> holder() const;
  int64_t reached_us(uint32_t partition) const;
  PartitionMetrics& metrics_of(uint32_t partition);
  bool may_drift() const { return deps_.plan.keyed() && deps_.gauges.size() > 1; }

  const Deps deps_;
  std::vector<uint32_t> paused_;
};

}  // namespace tidemark
