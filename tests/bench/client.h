// librdkafka for the bench, as bare as it can be used: nothing between the client and whoever is measured. Throws on
// every failure, which ends the command. Knows nothing of the events.
#pragma once

#include <librdkafka/rdkafka.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tidemark::bench {

using Settings = std::vector<std::pair<const char*, std::string>>;
using Client = std::unique_ptr<rd_kafka_t, decltype(&rd_kafka_destroy)>;
using Topic = std::unique_ptr<rd_kafka_topic_t, decltype(&rd_kafka_topic_destroy)>;

Client open(rd_kafka_type_t type, const Settings& settings);
void check(rd_kafka_resp_err_t error, const char* what);

// An idempotent producer that packs large lz4 batches. Keyed records go where Java clients would put them.
Client open_producer(const std::string& brokers, int linger_ms);

// `take` sees every message of the topic, and its ends, in librdkafka's callback: the fastest way that the library has.
// Stops when each partition's end was met, or when `failure` is not empty.
struct Drain {
  int partitions = 4;
  bool committed = true;
  std::string failure;
};
using Take = void (*)(rd_kafka_message_t* message, void* opaque);
void drain(const std::string& brokers, const std::string& topic, Drain& how, Take take, void* opaque);

// What this process has used since it was started.
struct Usage {
  double cpu_s = 0;
  double wall_s = 0;
};
Usage usage();

}  // namespace tidemark::bench
