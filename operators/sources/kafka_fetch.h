// KafkaFetch: reads partitions through librdkafka, each forwarded to one of several queues. Makes sure that no message is
// skipped, doubled or seen after its assignment ended, whatever librdkafka's queues still hold. Knows nothing of commits.
#pragma once

#include <librdkafka/rdkafka.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "operators/sources/kafka_client.h"
#include "operators/sources/kafka_statistics.h"
#include "operators/sources/partition_fetch.h"

namespace tidemark {

// How many fetch requests each broker has answered without error. Written by librdkafka's broker threads.
class FetchAnswers {
 public:
  void add(int32_t broker) {
    const std::lock_guard lock(mutex_);
    ++counts_[broker];
  }
  uint64_t of(int32_t broker) {
    const std::lock_guard lock(mutex_);
    return counts_[broker];
  }

 private:
  std::mutex mutex_;  // guards counts_
  std::map<int32_t, uint64_t> counts_;
};

// When librdkafka takes a queue for full.
struct QueueLimits {
  int64_t messages = 0;
  int64_t bytes = 0;
};

// Outlived by the client and by `answers`, which the client's interceptor counts.
class KafkaFetch final : public PartitionFetch {
 public:
  // `wake_fetchers` is called, on any thread, each time a drain has taken `wake_bytes`; 0: never.
  KafkaFetch(rd_kafka_t* client, FetchAnswers& answers, QueueLimits limits, int64_t wake_bytes,
             std::function<void()> wake_fetchers)
      : client_(client), answers_(answers), limits_(limits), wake_bytes_(wake_bytes), wake_(std::move(wake_fetchers)) {}

  // The client's whole assignment too.
  Status take(const std::vector<KafkaConsumer::Start>& starts, uint32_t queues) override;
  Status give_up() override;
  Status pause(const std::vector<uint32_t>& assignments) override;
  Status resume(const std::vector<uint32_t>& assignments) override;
  size_t drain(uint32_t queue, Duration timeout, MessageHandler& handler) override;
  void wake(uint32_t queue) override;
  std::vector<PartitionStatus> statuses() override;
  void take_statistics(const KafkaStatistics& statistics) override;
  ClientStatistics client_statistics() const override { return {}; }
  std::vector<std::string> topics_without_leaders() const override { return {}; }
  void set_leaders(const Leaders&) override {}

 private:
  struct Part {
    TopicPartition where;
    uint32_t queue = 0;
    bool paused = false;
    std::atomic<int64_t> position{0};  // the next to hand over; written by the drain of its queue
    RdPtr<rd_kafka_queue_t> source;    // the partition's own queue, forwarded
    AnswerTracker tracker;
    bool answered = false;
    int64_t log_end = -1;
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
  int64_t position(size_t assignment) const { return parts_[assignment]->position.load(std::memory_order_relaxed); }

  rd_kafka_t* client_;
  FetchAnswers& answers_;
  const QueueLimits limits_;
  const int64_t wake_bytes_;
  const std::function<void()> wake_;
  std::array<std::unique_ptr<Queue>, kMaxQueues> queues_;
  std::vector<std::unique_ptr<Part>> parts_;
  std::map<TopicPartition, uint32_t> index_;
};

}  // namespace tidemark
