// librdkafka for the test kit: records and offsets as plain values, every failure an exception that ends the command.
// Deliberately apart from the engine's own Kafka clients, which it helps to judge.
#pragma once

#include <librdkafka/rdkafka.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/oracle/oracle.h"

namespace tidemark::testkit {

// Ends the command with exit code 2 and its text; the kit's only way of failing.
struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

using Settings = std::map<std::string, std::string>;
using Place = std::pair<std::string, int32_t>;  // topic, partition

struct OutRecord {
  std::string topic;
  int32_t partition = -1;  // -1: murmur2 of the key, as Java clients do
  oracle::Record record;   // its offset is ignored; a timestamp of -1 is now
};

struct Position {
  int64_t offset = -1;  // -1: none committed
  std::string metadata;
};

void check(rd_kafka_resp_err_t error, const std::string& what);

// Owns a client; not for several threads at once.
class Client {
 public:
  using Delivered = void (*)(rd_kafka_t*, const rd_kafka_message_t*, void*);
  Client(rd_kafka_type_t type, Settings settings, Delivered delivered = nullptr);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  rd_kafka_t* get() const { return client_; }

 private:
  rd_kafka_t* client_ = nullptr;
};

// What a group has committed, asked for again and again by one client; uncommitted transactions are not waited for.
class Commits {
 public:
  Commits(const std::string& brokers, std::string group, std::vector<Place> places);
  std::map<Place, Position> now() const;

 private:
  Client client_;
  std::string group_;
  std::vector<Place> places_;
};

// The admin's requests, each waiting for its answer.
class Admin {
 public:
  explicit Admin(const std::string& brokers);
  void create_topic(const std::string& topic, int partitions, const Settings& config) const;
  void delete_topic(const std::string& topic) const;
  void grow_topic(const std::string& topic, int partitions) const;
  void delete_records(const std::map<Place, int64_t>& before) const;  // -1: up to the end
  void delete_group(const std::string& group) const;
  void set_offsets(const std::string& group, const std::map<Place, Position>& positions) const;
  void delete_offsets(const std::string& group, const std::vector<Place>& places) const;
  // What is committed, uncommitted transactions not waited for.
  std::map<Place, Position> offsets(const std::string& group, const std::vector<Place>& places) const;
  int partitions(const std::string& topic) const;  // 0: no such topic
  std::vector<std::string> topics() const;
  std::string cluster_id() const;
  std::pair<int64_t, int64_t> watermarks(const Place& place) const;  // [low, high)

 private:
  rd_kafka_event_t* wait(rd_kafka_queue_t* queue) const;

  std::string brokers_;
  Client client_;
};

// Produces in order within each partition and waits for all acknowledgements in flush().
class Producer {
 public:
  Producer(const std::string& brokers, Settings settings);
  void produce(const OutRecord& record);
  void flush();
  rd_kafka_t* get() const { return client_.get(); }

 private:
  std::unique_ptr<std::string> failure_;  // the first delivery that failed; each message points at it
  Client client_;
  std::map<std::string, int> partitions_;
  std::set<Place> ready_;  // the client knows these partitions
  std::string brokers_;
};

// Waits until no transaction is open over the topic: what a dead producer left open hides everything behind it until it
// times out.
void wait_until_stable(const std::string& brokers, const std::string& topic, std::chrono::seconds patience);

// Hands over every record from the beginning of each partition to its present end (for read_committed the last stable
// offset), each partition's in order. Returns the offsets at which reading ended.
std::map<Place, int64_t> read_topic(const std::string& brokers, const std::string& topic, bool committed,
                                    const std::function<void(int32_t partition, oracle::Record&&)>& take);

// read_topic() into logs, one for each partition.
std::vector<oracle::PartitionLog> load_topic(const std::string& brokers, const std::string& topic, bool committed);

}  // namespace tidemark::testkit
