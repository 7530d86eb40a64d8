// Where Kafka clients come from: the real library in the daemon, fakes in tests.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "operators/sinks/kafka_producer.h"
#include "operators/sources/kafka_consumer.h"

namespace tidemark {

// Thread-safe; outlives the clients it made.
class KafkaClients {
 public:
  using LogLine = std::function<void(int level, std::string_view text)>;
  virtual ~KafkaClients() = default;
  virtual Result<std::unique_ptr<KafkaConsumer>> consumer(const ConsumerOptions& options, GroupEvents& events, LogLine log) = 0;
  virtual Result<std::unique_ptr<KafkaProducer>> producer(const ProducerOptions& options, LogLine log) = 0;
};

class RealKafkaClients final : public KafkaClients {
 public:
  Result<std::unique_ptr<KafkaConsumer>> consumer(const ConsumerOptions& options, GroupEvents& events, LogLine log) override {
    return make_kafka_consumer(options, events, std::move(log));
  }
  Result<std::unique_ptr<KafkaProducer>> producer(const ProducerOptions& options, LogLine log) override {
    return make_kafka_producer(options, std::move(log));
  }
};

}  // namespace tidemark
