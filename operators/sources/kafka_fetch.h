// KafkaFetch: the partitions that a consumer reads, each forwarded to one of several queues that worker threads drain.
// Makes sure that no message is skipped, doubled or seen after its assignment ended, whatever librdkafka's queues still
// hold. Knows nothing of groups, commits or statistics.
#pragma once

#include <librdkafka/rdkafka.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "operators/sources/kafka_client.h"
#include "operators/sources/kafka_consumer.h"

namespace tidemark {

// drain() and wake() on any thread, one drain per queue at a time; the rest on the coordinator's thread. Outlived by the
// client.
class KafkaFetch {
 public:
  static constexpr uint32_t kMaxQueues = 256;

  // `wake_fetchers` is called, on any thread, each time a drain has taken `wake_bytes`; 0: never.
  KafkaFetch(rd_kafka_t* client, int64_t wake_bytes, std::function<void()> wake_fetchers)
      : client_(client), wake_bytes_(wake_bytes), wake_(std::move(wake_fetchers)) {}

  // Makes `starts` the client's whole assignment. Waits for drains under way, which end after their present message.
  Status take(const std::vector<KafkaConsumer::Start>& starts, uint32_t queues);
  // The same with nothing, as the answer to a revocation: librdkafka joins again after this and after nothing else, and
  // a member that answers an assignment of nothing so never hears of the group's next rebalance.
  Status give_up();
  Status pause(const std::vector<uint32_t>& assignments);
  // Goes on behind the last message that was handed over.
  Status resume(const std::vector<uint32_t>& assignments);

  size_t drain(uint32_t queue, Duration timeout, MessageHandler& handler);
  void wake(uint32_t queue);

  size_t size() const { return parts_.size(); }
  const TopicPartition& where(size_t assignment) const { return parts_[assignment]->where; }
  bool paused(size_t assignment) const { return parts_[assignment]->paused; }
  // The next offset to hand over; known to have passed markers and gaps once the partition's end was seen.
  int64_t position(size_t assignment) const { return parts_[assignment]->position.load(std::memory_order_relaxed); }

  struct PartitionError {
    TopicPartition where;
    rd_kafka_resp_err_t code;
    std::string text;
  };
  // What drains met instead of messages since the last call.
  std::vector<PartitionError> take_errors();

 private:
  struct Part {
    TopicPartition where;
    uint32_t queue = 0;
    bool paused = false;
    std::atomic<int64_t> position{0};  // written by the drain of its queue
    RdPtr<rd_kafka_queue_t> source;    // the partition's own queue, forwarded
  };
  struct Queue {
    RdPtr<rd_kafka_queue_t> native;
    // Which partition the last messages came from: fetches come in runs.
    const rd_kafka_topic_t* topic = nullptr;
    int32_t partition = -1;
    uint32_t assignment = 0;
    std::map<std::pair<const rd_kafka_topic_t*, int32_t>, uint32_t> known;
    int64_t bytes_since_wake = 0;
  };
  struct Drain;
  class Exclusive;

  static void take_message(rd_kafka_message_t* message, void* drain);
  void take_error(const rd_kafka_message_t& message);
  bool find(Queue& queue, const rd_kafka_message_t& message);
  Status replace(const std::vector<KafkaConsumer::Start>& starts, const rd_kafka_topic_partition_list_t* list);
  void add_queues(uint32_t count);
  void discard_queued();
  void forward();
  // Seeks to the positions; waits for partitions whose fetcher is still being started.
  Status seek(const std::vector<uint32_t>& assignments);
  void wake_fetchers(Queue& queue);

  rd_kafka_t* client_;
  const int64_t wake_bytes_;
  const std::function<void()> wake_;
  std::array<std::unique_ptr<Queue>, kMaxQueues> queues_;
  std::atomic<uint32_t> queue_count_{0};  // only grows
  std::vector<std::unique_ptr<Part>> parts_;
  std::map<TopicPartition, uint32_t> index_;
  std::shared_mutex gate_;        // shared: a drain runs; exclusive: parts_, index_, paused flags and positions change
  std::atomic<int> closing_{0};   // somebody wants the gate to itself, so drains make way
  std::mutex errors_mutex_;       // guards errors_
  std::vector<PartitionError> errors_;
};

}  // namespace tidemark
