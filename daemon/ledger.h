// Ledger: where every record that was read has gone, step by step, exact at each checkpoint.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "daemon/sinks.h"
#include "operators/plan/plan.h"
#include "operators/sources/partition_reader.h"
#include "operators/transforms/stage.h"
#include "operators/windows/window_lane.h"
#include "state/manifest.h"

namespace tidemark {

struct PartitionStart;
struct WorkerReport;

// What steps and sinks have counted.
struct Tally {
  std::vector<StepCounters> steps;  // by step number; windows: in = counted + late + dead_lettered
  WindowCounters windows;
  std::vector<SinkCounters> sinks;  // by sink number
  RefusedCounts refused;
  uint64_t partitioning_violations = 0;

  void add(const Tally& more);
};

// Sums over the workers of one attempt.
struct Ledger : Tally {
  SourceCounters source;
  std::map<TopicPartition, uint64_t> read;  // of `source.read`, by partition

  // `partitions`: what the report's partition numbers stand for.
  void add(const WorkerReport& report, const std::vector<PartitionStart>& partitions);
  void add(const Ledger& other);
  // What does not add up, for people; empty when every record is accounted for.
  std::vector<std::string> gaps(const Plan& plan) const;
  // For the API.
  std::string to_json(const Plan& plan) const;
};

}  // namespace tidemark
