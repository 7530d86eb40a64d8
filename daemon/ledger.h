// Ledger: where every record that was read has gone, step by step, exact at each checkpoint.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "daemon/tally.h"
#include "operators/plan/plan.h"
#include "operators/sources/partition_reader.h"
#include "state/manifest.h"

namespace tidemark {

struct PartitionStart;
struct WorkerReport;

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

 private:
  void find_gaps_behind(const Plan& plan, const std::string& name, uint64_t out, const std::vector<size_t>& next_steps,
                        std::vector<std::string>& found) const;
};

}  // namespace tidemark
