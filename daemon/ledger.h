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

// What went into a step, or was read by a source, and what became of it.
struct LedgerAccount {
  std::string step;
  std::vector<std::pair<std::string_view, uint64_t>> entries;
  uint64_t open = 0;              // records that are not accounted for, here or on the ways behind it
  std::vector<std::string> gaps;  // the same for people
};

// Sums over the workers of one attempt.
struct Ledger : Tally {
  struct Read {
    uint32_t source = 0;  // of the plan
    uint64_t records = 0;
  };
  std::vector<SourceCounters> sources;  // by number; none before anything was added
  std::map<TopicPartition, Read> read;  // of `sources`' records, by partition

  uint64_t records_read() const;  // of all sources
  uint64_t rows_written() const;  // to all sinks

  // `partitions`: what the report's partition numbers stand for.
  void add(const WorkerReport& report, const std::vector<PartitionStart>& partitions);
  void add(const Ledger& other);
  // Each source's account and each step's, in the order of the plan; before the first report all of them hold zeros.
  std::vector<LedgerAccount> accounts(const Plan& plan) const;
  // What does not add up, for people; empty when every record is accounted for.
  std::vector<std::string> gaps(const Plan& plan) const;
  // For the API.
  std::string to_json(const Plan& plan) const;

 private:
  SourceCounters& source(uint32_t number);
  LedgerAccount account_of_source(const Plan& plan, size_t number) const;
  LedgerAccount account_of(const Plan& plan, size_t step) const;
  void hold_union(const Plan& plan, size_t step, LedgerAccount& account) const;
  void find_gaps_behind(const Plan& plan, uint64_t out, const std::vector<size_t>& next_steps, LedgerAccount& account) const;
};

}  // namespace tidemark
