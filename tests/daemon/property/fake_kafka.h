// A Kafka in memory, faithful where exactly-once is decided: logs with gaps, a group whose newest member fences the older
// ones, offsets with metadata, and transactions whose rows and offsets become visible together or never. Messages come
// in a seeded interleaving of partitions and chunk sizes, and calls fail where the weather says so.
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
#include "tests/daemon/property/life.h"
#include "tests/daemon/property/random.h"
#include "tests/oracle/oracle.h"

namespace tidemark::property {

// A record that was written to the fake.
struct Written {
  std::string topic;
  int32_t partition = 0;
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::vector<oracle::Header> headers;
  int64_t timestamp_ms = 0;
};

// Thread-safe. Outlives its clients.
class FakeBroker {
 public:
  // `logs` with one entry for each partition; `sink_partitions` for every topic that is written to.
  FakeBroker(std::vector<oracle::PartitionLog> logs, std::vector<int64_t> log_ends, int32_t sink_partitions);

  // More records for the partition, in offset order, and its new end. Not while clients exist.
  void append(size_t partition, const std::vector<oracle::Record>& records, int64_t log_end);

  // Rows that a read_committed consumer sees, in the order of their writing.
  std::vector<Written> committed_rows() const;
  // What no correct client does.
  std::vector<std::string> violations() const;
  bool has_open_transaction() const;

  // ---- For the clients.
  struct Source {
    TopicPartition id;
    std::vector<oracle::Record> records;
    int64_t end = 0;
  };
  const std::vector<Source>& sources() const { return sources_; }
  int32_t sink_partitions() const { return sink_partitions_; }
  void violation(const std::string& what);

  uint64_t join();  // a new member, which fences the ones before
  bool is_member(uint64_t member) const;
  std::vector<PartitionOffset> committed(const std::vector<TopicPartition>& partitions) const;
  bool commit_offsets(const std::vector<PartitionOffset>& offsets, uint64_t member);
  // A plain producer's row.
  void write(Written row);

  enum class Answer : uint8_t { kDone, kFenced };
  uint64_t init_transactions(const std::string& id);  // answers the producer's epoch
  Answer write_in_transaction(const std::string& id, uint64_t epoch, Written row);
  Answer add_offsets(const std::string& id, uint64_t epoch, const std::vector<PartitionOffset>& offsets);
  // An end that was decided already is decided: a repetition finds nothing open and changes nothing.
  Answer end_transaction(const std::string& id, uint64_t epoch, bool commit);
  // The broker gives up on the open transaction, which looks like fencing to its producer.
  void time_out_transaction(const std::string& id);

 private:
  struct Transaction {
    uint64_t epoch = 0;
    std::vector<Written> rows;
    std::vector<PartitionOffset> offsets;
  };
  void apply_offsets(const std::vector<PartitionOffset>& offsets);

  std::vector<Source> sources_;
  const int32_t sink_partitions_;
  mutable std::mutex mutex_;  // guards all below
  std::map<TopicPartition, PartitionOffset> offsets_;
  std::map<std::string, Transaction> transactions_;  // by transactional id
  std::vector<Written> rows_;
  std::vector<std::string> violations_;
  uint64_t newest_member_ = 0;
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
