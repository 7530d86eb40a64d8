// MemoryBroker: a Kafka in memory, faithful where exactly-once is decided: logs that grow, a group whose newest member
// fences the older ones, offsets with metadata, and transactions whose rows and offsets become visible together or
// never. It outlasts its clients, as a broker does. It does not know what the records mean.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"
#include "operators/sinks/kafka_producer.h"
#include "operators/sources/kafka_consumer.h"

namespace tidemark {

using MemoryHeaders = std::vector<std::pair<std::string, std::optional<std::string>>>;

// A record in a log that is read.
struct MemoryRecord {
  int64_t offset = 0;
  Time timestamp = Time::min();  // Time::min(): none
  std::optional<std::string> key;
  std::optional<std::string> value;
  MemoryHeaders headers;
};

// A record that was written.
struct WrittenRecord {
  std::string topic;
  int32_t partition = 0;
  std::optional<std::string> key;
  std::optional<std::string> value;
  MemoryHeaders headers;
  Time timestamp;
};

// What a producer was given, as it will lie in its topic.
WrittenRecord written_record(std::string topic, const ProducerRecord& record);
// A record as a consumer hears of it; its views and headers point into `record`.
KafkaMessage message_of(uint32_t assignment, const MemoryRecord& record);

// What the group knows a member by.
class MemoryMembership final : public GroupMetadata {
 public:
  explicit MemoryMembership(uint64_t member) : member_(member) {}
  const void* native() const override { return &member_; }
  static uint64_t member_of(const GroupMetadata& metadata) { return *static_cast<const uint64_t*>(metadata.native()); }

 private:
  uint64_t member_;
};

// Thread-safe. Outlives its clients.
class MemoryBroker {
 public:
  // The partitions that are read, and how many every topic has that is written to.
  MemoryBroker(std::vector<TopicPartition> partitions, int32_t sink_partitions);

  // ---- For those who own it.

  // Behind the partition's last record; its offset is at least the end of the log. References to records stay valid.
  void append(size_t partition, MemoryRecord record);
  // What lies between the last record and `end` was compacted, or marks transactions.
  void set_end(size_t partition, int64_t end);
  // What a topic takes in one message, framing included, where it is not the usual megabyte.
  void set_limit(const std::string& topic, int64_t bytes) { limits_[topic] = bytes; }
  // Rows that a read_committed consumer sees, in the order of their writing.
  std::vector<WrittenRecord> committed_rows() const;
  bool has_open_transaction() const;
  // No client made so far gets anything done any more: to the broker they are dead.
  void sever();

  // ---- What its clients ask.

  const std::vector<TopicPartition>& partitions() const { return partitions_; }
  size_t index_of(const TopicPartition& id) const;
  int32_t sink_partitions() const { return sink_partitions_; }
  int64_t limit_of(const std::string& topic) const;
  int64_t log_end(size_t partition) const;
  // The record by its place in the log, from 0; null behind the last one.
  const MemoryRecord* record(size_t partition, size_t place) const;
  // The place of the first record at or behind the offset.
  size_t place_of(size_t partition, int64_t offset) const;
  // Places of all logs in the order in which the records were appended; null behind the last one.
  struct Appended {
    size_t partition = 0;
    const MemoryRecord* record = nullptr;
  };
  std::optional<Appended> appended(size_t number) const;

  uint64_t join();  // a new member, which fences the ones before
  bool is_member(uint64_t member) const;
  std::vector<PartitionOffset> committed(const std::vector<TopicPartition>& partitions) const;
  bool commit_offsets(const std::vector<PartitionOffset>& offsets, uint64_t member);
  // A plain producer's row.
  void write(WrittenRecord row);

  enum class Answer : uint8_t { kDone, kFenced };
  uint64_t init_transactions(const std::string& id);  // answers the producer's epoch
  Answer write_in_transaction(const std::string& id, uint64_t epoch, WrittenRecord row);
  Answer add_offsets(const std::string& id, uint64_t epoch, const std::vector<PartitionOffset>& offsets);
  // An end that was decided already is decided: a repetition finds nothing open and changes nothing.
  Answer end_transaction(const std::string& id, uint64_t epoch, bool commit);
  // The broker gives up on the open transaction, which looks like fencing to its producer.
  void time_out_transaction(const std::string& id);

 private:
  struct Log {
    std::deque<MemoryRecord> records;
    int64_t end = 0;
  };
  struct Transaction {
    uint64_t epoch = 0;
    std::vector<WrittenRecord> rows;
    std::vector<PartitionOffset> offsets;
    void clear();
  };
  void apply_offsets(const std::vector<PartitionOffset>& offsets);

  const std::vector<TopicPartition> partitions_;
  const int32_t sink_partitions_;
  std::map<std::string, int64_t> limits_;  // before there are clients
  mutable std::mutex mutex_;               // guards all below
  std::vector<Log> logs_;                  // by partition
  std::vector<Appended> order_;
  std::map<TopicPartition, PartitionOffset> offsets_;
  std::map<std::string, Transaction> transactions_;  // by transactional id
  std::vector<WrittenRecord> rows_;
  uint64_t newest_member_ = 0;
};

}  // namespace tidemark
