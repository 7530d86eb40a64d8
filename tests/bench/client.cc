// Settings that make librdkafka quick, the same for every rung. A drain reads partitions from their beginnings to the
// ends that the broker reports, in one thread, message by message through a callback.
#include "tests/bench/client.h"

#include <sys/resource.h>

#include <chrono>
#include <stdexcept>

namespace tidemark::bench {

namespace {

const auto kStarted = std::chrono::steady_clock::now();

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

struct Draining {
  Drain* how;
  Take take;
  void* opaque;
  int ended = 0;
};

void pass_on(rd_kafka_message_t* message, void* opaque) {
  auto& all = *static_cast<Draining*>(opaque);
  if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
    all.take(message, all.opaque);
  } else if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
    ++all.ended;
  } else {
    all.how->failure = rd_kafka_message_errstr(message);
  }
}

}  // namespace

Client open(rd_kafka_type_t type, const Settings& settings) {
  char error[512];
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  for (const auto& [name, value] : settings) {
    if (rd_kafka_conf_set(conf, name, value.c_str(), error, sizeof error) != RD_KAFKA_CONF_OK) {
      rd_kafka_conf_destroy(conf);
      throw std::runtime_error(error);
    }
  }
  Client client(rd_kafka_new(type, conf, error, sizeof error), rd_kafka_destroy);
  if (!client) throw std::runtime_error(error);
  return client;
}

void check(rd_kafka_resp_err_t error, const char* what) {
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) throw std::runtime_error(std::string(what) + ": " + rd_kafka_err2str(error));
}

Client open_producer(const std::string& brokers, int linger_ms) {
  return open(RD_KAFKA_PRODUCER, {{"bootstrap.servers", brokers},
                                  {"compression.codec", "lz4"},
                                  {"linger.ms", std::to_string(linger_ms)},
                                  {"batch.size", "1000000"},
                                  {"enable.idempotence", "true"},
                                  {"partitioner", "murmur2"},
                                  {"queue.buffering.max.messages", "1000000"}});
}

void drain(const std::string& brokers, const std::string& topic, Drain& how, Take take, void* opaque) {
  const char* isolation = how.committed ? "read_committed" : "read_uncommitted";
  const Client client = open(RD_KAFKA_CONSUMER, {{"bootstrap.servers", brokers},
                                                 {"group.id", "tidemark-bench"},
                                                 {"enable.auto.commit", "false"},
                                                 {"enable.partition.eof", "true"},
                                                 {"isolation.level", isolation},
                                                 {"check.crcs", "true"},
                                                 {"queued.min.messages", "1000000"},
                                                 {"queued.max.messages.kbytes", "65536"}});
  using List = std::unique_ptr<rd_kafka_topic_partition_list_t, decltype(&rd_kafka_topic_partition_list_destroy)>;
  const List list(rd_kafka_topic_partition_list_new(how.partitions), rd_kafka_topic_partition_list_destroy);
  for (int p = 0; p < how.partitions; ++p) {
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), p)->offset = RD_KAFKA_OFFSET_BEGINNING;
  }
  check(rd_kafka_assign(client.get(), list.get()), "assign");
  rd_kafka_queue_t* queue = rd_kafka_queue_get_consumer(client.get());
  Draining all{&how, take, opaque};
  while (all.ended < how.partitions && how.failure.empty()) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    rd_kafka_consume_callback_queue(queue, 1000, pass_on, &all);
#pragma GCC diagnostic pop
  }
  rd_kafka_queue_destroy(queue);
  if (!how.failure.empty()) throw std::runtime_error(how.failure);
}

Usage usage() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  return {.cpu_s = seconds(used.ru_utime) + seconds(used.ru_stime),
          .wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - kStarted).count()};
}

}  // namespace tidemark::bench
