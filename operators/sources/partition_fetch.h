// PartitionFetch: the partitions that a consumer reads, spread over several queues that worker threads drain. Makes sure
// that no message is skipped, doubled or seen after its assignment ended. Knows nothing of groups or commits.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "operators/sources/drain_gate.h"
#include "operators/sources/kafka_consumer.h"

namespace tidemark {

struct KafkaStatistics;

struct BrokerAddress {
  int32_t id = -1;
  std::string host;
  int32_t port = 0;
  bool operator==(const BrokerAddress&) const = default;
};
using Leaders = std::map<TopicPartition, BrokerAddress>;

// What a drain met instead of messages.
struct PartitionError {
  TopicPartition where;
  int code = 0;  // Kafka's, or below zero librdkafka's own
  std::string text;
};

// drain() and wake() on any thread, one drain per queue at a time; the rest on the coordinator's thread.
class PartitionFetch {
 public:
  static constexpr uint32_t kMaxQueues = 256;

  virtual ~PartitionFetch() = default;

  // Makes `starts` all that is read. Waits for drains under way, which end after their present message.
  virtual Status take(const std::vector<KafkaConsumer::Start>& starts, uint32_t queues) = 0;
  // The same with nothing, where the group takes the partitions away.
  virtual Status give_up() = 0;
  virtual Status pause(const std::vector<uint32_t>& assignments) = 0;
  // Goes on behind the last message that was handed over.
  virtual Status resume(const std::vector<uint32_t>& assignments) = 0;

  virtual size_t drain(uint32_t queue, Duration timeout, MessageHandler& handler) = 0;
  virtual void wake(uint32_t queue) = 0;

  virtual std::vector<PartitionStatus> statuses() = 0;
  // Of the group's client, about once a second.
  virtual void take_statistics(const KafkaStatistics& statistics) = 0;
  virtual ClientStatistics client_statistics() const = 0;  // beyond that client's

  // The topics whose partitions it cannot find at their present leaders; asked for again until set_leaders() answers.
  virtual std::vector<std::string> topics_without_leaders() const = 0;
  virtual void set_leaders(const Leaders& leaders) = 0;

  // Since the last call.
  std::vector<PartitionError> take_errors() {
    const std::lock_guard lock(errors_mutex_);
    return std::exchange(errors_, {});
  }

 protected:
  void tell(PartitionError error) {
    const std::lock_guard lock(errors_mutex_);
    errors_.push_back(std::move(error));
  }

  // Ends drains that are under way, and holds off others, for as long as the answer lives.
  DrainGate::Alone alone() {
    return {gate_, [this] {
              for (uint32_t i = 0; i < queue_count_; ++i) wake(i);
            }};
  }

  DrainGate gate_;                        // alone: what drains go by changes
  std::atomic<uint32_t> queue_count_{0};  // only grows

 private:
  std::mutex errors_mutex_;  // guards errors_
  std::vector<PartitionError> errors_;
};

}  // namespace tidemark
