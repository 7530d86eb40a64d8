// MemoryKafka: the Kafka clients of one life on a MemoryBroker, which answer at once. Records are handed over in the
// order in which they were appended, whatever their partition, so that a run is the same each time. It knows the one
// worker that it serves by how often that has looked for records, and not what it makes of them.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>

#include "daemon/kafka_clients.h"
#include "daemon/pipeline_test/memory_broker.h"

namespace tidemark {

// How a worker's looks for records and those who wait for it to be done with all meet. Thread-safe.
class Lookout {
 public:
  // On the worker's thread. There was nothing to read: rests until wake(), or not at all while somebody waits for
  // quiet. A worker that may not rest, for `at_most` is zero, has other things to do.
  void nothing_there(Duration at_most);
  // There was.
  void something_there();
  void wake();
  // Until the worker has had nothing to do for so many turns that all that came before is done with; false when time
  // ran out.
  bool wait_for_quiet(Duration at_most);

 private:
  std::mutex mutex_;  // guards all below
  std::condition_variable woken_;
  std::condition_variable looked_;
  bool awake_ = false;
  bool hurried_ = false;
  int idle_turns_ = 0;  // in a row
};

// Broker and lookout outlive it and the clients. One consumer, with one fetch queue, at a time.
class MemoryKafka final : public KafkaClients {
 public:
  MemoryKafka(MemoryBroker& broker, Lookout& lookout) : broker_(broker), lookout_(lookout) {}
  Result<std::unique_ptr<KafkaConsumer>> consumer(const ConsumerOptions& options, GroupEvents& events,
                                                  LogLine log) override;
  Result<std::unique_ptr<KafkaProducer>> producer(const ProducerOptions& options, LogLine log) override;

 private:
  MemoryBroker& broker_;
  Lookout& lookout_;
};

}  // namespace tidemark
