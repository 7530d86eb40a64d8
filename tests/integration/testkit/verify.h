// Compares what stands in the topics with what the oracle says: results, late records and dead letters, each exactly once.
// Knows the contract of those records to the byte, and nothing of how they came about.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "tests/integration/testkit/job.h"

namespace tidemark::testkit {

struct Verdict {
  std::vector<std::string> differences;  // readable, one each; empty: all as it must be
  oracle::Outcome expected;
  size_t results = 0;       // committed records found
  size_t late = 0;
  size_t dead_letters = 0;
};

// Reads the job's topics under read_committed, once no transaction is open over the results, and judges them.
Verdict verify(const std::string& brokers, const Job& job);

// What the job's input topics hold, partition by partition.
std::vector<oracle::PartitionLog> load_inputs(const std::string& brokers, const Job& job);

}  // namespace tidemark::testkit
