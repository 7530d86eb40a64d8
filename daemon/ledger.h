// Ledger: where every record that was read has gone, step by step, exact at each checkpoint.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/tally.h"
#include "operators/plan/plan.h"
#include "operators/sources/partition_reader.h"
#include "state/manifest.h"

namespace tidemark {

struct PartitionStart;
struct WorkerReport;

// What went into a step, or was read by the source, and what became of it.
struct LedgerAccount {
  std::string step;
  std::vector<std::pair<std::string_view, uint64_t>> entries;
  uint64_t open = 0;              // records that are not accounted for, here or on the ways behind it
  std::vector<std::string> gaps;  // the same for people
};

// Sums over the workers of one attempt.
struct Ledger : Tally {
  SourceCounters source;
  std::map<TopicPartition, uint64_t> read;  // of `source.read`, by partition

  // `partitions`: what the report's partition numbers stand for.
  void add(const WorkerReport& report, const std::vector<PartitionStart>& partitions);
  void add(const Ledger& other);
  // The source's account and each step's, in the order of the plan; before the first report all of them hold zeros.
  std::vector<LedgerAccount> accounts(const Plan& plan) const;
  // What does not add up, for people; empty when every record is accounted for.
  std::vector<std::string> gaps(const Plan& plan) const;
  // For the API.
  std::string to_json(const Plan& plan) const;

 private:
  LedgerAccount account_of(const Plan& plan, size_t step) const;
  void find_gaps_behind(const Plan& plan, uint64_t out, const std::vector<size_t>& next_steps, LedgerAccount& account) const;
};

}  // namespace tidemark
