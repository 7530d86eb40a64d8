// The Kafka in memory of `tidemark test` under rough conditions: messages come in a seeded interleaving of partitions and
// chunk sizes, calls fail where the weather says so, and clients die with their process.
// It does not know what the records mean. A call that no correct client makes is remembered as a violation.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "daemon/kafka_clients.h"
#include "daemon/pipeline_test/memory_broker.h"
#include "tests/daemon/property/life.h"
#include "tests/daemon/property/random.h"
#include "tests/oracle/oracle.h"

namespace tidemark::property {

// A record that was written to the fake, as the oracle has it.
struct Written {
  std::string topic;
  int32_t partition = 0;
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::vector<oracle::Header> headers;
  int64_t timestamp_ms = 0;
};

// The broker, with the oracle's records and rows. Thread-safe. Outlives its clients.
class FakeBroker : public MemoryBroker {
 public:
  // `logs` with one entry for each partition; `sink_partitions` for every topic that is written to.
  FakeBroker(const std::vector<oracle::PartitionLog>& logs, const std::vector<int64_t>& log_ends, int32_t sink_partitions);

  // More records for the partition, in offset order, and its new end.
  void append(size_t partition, const std::vector<oracle::Record>& records, int64_t log_end);

  // Rows that a read_committed consumer sees, in the order of their writing.
  std::vector<Written> committed_rows() const;
  // What no correct client does.
  std::vector<std::string> violations() const;
  void violation(const std::string& what);

 private:
  mutable std::mutex violations_mutex_;  // guards the one below
  std::vector<std::string> violations_;
};

// How rough a life is. Chances in percent of the calls concerned.
struct Weather {
  int64_t revocations = 0;     // how often the group takes all partitions and gives them back, at most
  int64_t lost = 0;            // a revocation without warning
  int64_t abort_wanted = 0;    // a transaction call answers that the transaction must be aborted
  int64_t timed_out = 0;       // the broker gave up on the transaction
  int64_t spared = 0;          // the first transaction calls of a producer that no such thing befalls
  int64_t queue_records = 1000;  // that a producer takes before it is full
  int64_t longest_run = 100;   // messages of one partition in a row
};

// The clients of one life. Thread-safe; broker and life outlive it and the clients.
class FakeKafka final : public KafkaClients {
 public:
  FakeKafka(FakeBroker& broker, Life& life, Weather weather, uint64_t seed)
      : broker_(broker), life_(life), weather_(weather), random_(seed) {}
  Result<std::unique_ptr<KafkaConsumer>> consumer(const ConsumerOptions& options, GroupEvents& events, LogLine log) override;
  Result<std::unique_ptr<KafkaProducer>> producer(const ProducerOptions& options, LogLine log) override;

 private:
  FakeBroker& broker_;
  Life& life_;
  const Weather weather_;
  Random random_;  // asked by the pipeline's thread alone
};

}  // namespace tidemark::property
