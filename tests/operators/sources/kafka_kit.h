// What tests of the Kafka clients share: topics made by hand, records put there with plain librdkafka, and recorders of
// what a consumer tells. Runs against the brokers in TIDEMARK_TEST_BROKERS, or against librdkafka's mock cluster.
#pragma once

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "config/kafka_properties.h"
#include "operators/sources/kafka_client.h"
#include "operators/sources/kafka_consumer.h"
#include "tests/catch.h"

namespace tidemark::kafka_kit {

inline std::string real_brokers() {
  const char* brokers = std::getenv("TIDEMARK_TEST_BROKERS");
  REQUIRE(brokers != nullptr);
  return brokers;
}

inline std::string unique(std::string_view stem) {
  static std::atomic<int> count{0};
  const auto now = std::chrono::system_clock::now().time_since_epoch().count();
  return std::string(stem) + "-" + std::to_string(now) + "-" + std::to_string(++count);
}

inline void ignore_log(int, std::string_view) {}

// A cluster in this process.
class MockCluster {
 public:
  explicit MockCluster(int brokers = 1) {
    client_.reset(rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), nullptr, 0));
    cluster_ = rd_kafka_mock_cluster_new(client_.get(), brokers);
  }
  ~MockCluster() { rd_kafka_mock_cluster_destroy(cluster_); }
  std::string brokers() const { return rd_kafka_mock_cluster_bootstraps(cluster_); }
  rd_kafka_mock_cluster_t* native() { return cluster_; }

 private:
  RdPtr<rd_kafka_t> client_;
  rd_kafka_mock_cluster_t* cluster_;
};

// A plain producer that remembers where its records went.
class Feeder {
 public:
  explicit Feeder(const std::string& brokers, const std::string& transactional_id = {},
                  const std::string& compression = {}) {
    auto* conf = rd_kafka_conf_new();
    set(conf, "bootstrap.servers", brokers);
    set(conf, "linger.ms", "2");
    set(conf, "queue.buffering.max.messages", "1000000");
    set(conf, "retry.backoff.ms", "10");
    if (!transactional_id.empty()) set(conf, "transactional.id", transactional_id);
    if (!compression.empty()) set(conf, "compression.type", compression);
    rd_kafka_conf_set_opaque(conf, this);
    rd_kafka_conf_set_dr_msg_cb(conf, [](rd_kafka_t*, const rd_kafka_message_t* message, void* self) {
      if (message->err) ++static_cast<Feeder*>(self)->failed_;
      else static_cast<Feeder*>(self)->pending_[message->partition].push_back(message->offset);
    });
    client_.reset(rd_kafka_new(RD_KAFKA_PRODUCER, conf, nullptr, 0));
    REQUIRE(client_ != nullptr);
    if (!transactional_id.empty()) check(rd_kafka_init_transactions(client_.get(), 30'000));
  }
  void create_topic(const std::string& topic, int partitions, const std::string& name = {}, const std::string& value = {}) {
    auto* wanted = rd_kafka_NewTopic_new(topic.c_str(), partitions, 1, nullptr, 0);
    if (!name.empty()) rd_kafka_NewTopic_set_config(wanted, name.c_str(), value.c_str());
    const RdPtr<rd_kafka_queue_t> queue(rd_kafka_queue_new(client_.get()));
    rd_kafka_CreateTopics(client_.get(), &wanted, 1, nullptr, queue.get());
    const RdPtr<rd_kafka_event_t> event(rd_kafka_queue_poll(queue.get(), 30'000));
    REQUIRE(event != nullptr);
    REQUIRE(rd_kafka_event_error(event.get()) == RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_NewTopic_destroy(wanted);
  }
  void send(const std::string& topic, int32_t partition, std::string_view value, int64_t timestamp_ms = 0) {
    const auto code = rd_kafka_producev(client_.get(), RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_PARTITION(partition),
                                        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                        RD_KAFKA_V_VALUE(const_cast<char*>(value.data()), value.size()),
                                        RD_KAFKA_V_TIMESTAMP(timestamp_ms), RD_KAFKA_V_END);
    REQUIRE(code == RD_KAFKA_RESP_ERR_NO_ERROR);
  }
  void flush() {
    REQUIRE(rd_kafka_flush(client_.get(), 30'000) == RD_KAFKA_RESP_ERR_NO_ERROR);
    keep();
  }
  void begin() { check(rd_kafka_begin_transaction(client_.get())); }
  void commit() {
    check(rd_kafka_commit_transaction(client_.get(), -1));
    keep();
  }
  void abort() {
    // First to the log, so that there is something that a committed reader must not see.
    REQUIRE(rd_kafka_flush(client_.get(), 30'000) == RD_KAFKA_RESP_ERR_NO_ERROR);
    check(rd_kafka_abort_transaction(client_.get(), -1));
    pending_.clear();
  }
  // Offsets of what was sent for good, by partition, ascending.
  const std::map<int32_t, std::vector<int64_t>>& kept() const { return kept_; }
  rd_kafka_t* native() { return client_.get(); }

 private:
  static void set(rd_kafka_conf_t* conf, const char* name, const std::string& value) {
    REQUIRE(rd_kafka_conf_set(conf, name, value.c_str(), nullptr, 0) == RD_KAFKA_CONF_OK);
  }
  static void check(rd_kafka_error_t* error) {
    if (error) UNSCOPED_INFO(rd_kafka_error_string(error));
    REQUIRE(error == nullptr);
  }
  void keep() {
    CHECK(failed_ == 0);
    for (auto& [partition, offsets] : pending_) {
      auto& all = kept_[partition];
      all.insert(all.end(), offsets.begin(), offsets.end());
      std::sort(all.begin(), all.end());
    }
    pending_.clear();
  }
  std::map<int32_t, std::vector<int64_t>> pending_;
  std::map<int32_t, std::vector<int64_t>> kept_;
  int failed_ = 0;
  RdPtr<rd_kafka_t> client_;
};

// Takes an assignment through whatever the test says.
struct Events final : GroupEvents {
  std::function<void(const std::vector<TopicPartition>&)> assigned = [](const auto&) {};
  std::function<void(const std::vector<TopicPartition>&, bool)> revoked = [](const auto&, bool) {};
  std::vector<std::pair<Error, bool>> errors;
  int fenced = 0;
  int assignments = 0;
  int revocations = 0;

  void on_assigned(const std::vector<TopicPartition>& partitions) override {
    ++assignments;
    assigned(partitions);
  }
  void on_revoked(const std::vector<TopicPartition>& partitions, bool lost) override {
    ++revocations;
    revoked(partitions, lost);
  }
  void on_error(const Error& error, bool fatal) override { errors.emplace_back(error, fatal); }
  void on_fenced(const Error& error) override {
    ++fenced;
    errors.emplace_back(error, true);
  }
  bool fatal() const {
    for (const auto& [error, is_fatal] : errors) {
      if (is_fatal) return true;
    }
    return false;
  }
};

// Serves until `done` or the deadline; true when done.
template <class Done>
bool serve_until(KafkaConsumer& consumer, Done done, std::chrono::seconds patience = std::chrono::seconds(20)) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!done()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    consumer.serve(Duration::millis(20));
  }
  return true;
}

inline ConsumerOptions options(const std::string& brokers, const std::string& topic, bool native_fetch = true) {
  ConsumerOptions options;
  options.native_fetch = native_fetch;
  options.brokers = brokers;
  options.group = unique("group");
  options.topics = {topic};
  return options;
}

// Tries every property of one kind of client that a pipeline file may set: `make` builds a client with it and answers what
// was refused. The engine has to use the value, or refuse the name where pipeline files are checked.
template <class Make>
void check_properties(KafkaRole role, Make make) {
  char* text = nullptr;
  size_t size = 0;
  std::FILE* file = open_memstream(&text, &size);
  rd_kafka_conf_properties_show(file);
  std::fclose(file);
  std::istringstream lines(std::string(text, size));
  std::free(text);
  int tried = 0;
  for (std::string line; std::getline(lines, line);) {
    std::array<std::string, 4> columns;  // name, who, range, default
    std::istringstream parts(line);
    for (std::string& column : columns) {
      std::getline(parts, column, '|');
      column.erase(0, column.find_first_not_of(' '));
      column.erase(column.find_last_not_of(' ') + 1);
    }
    if (columns[1] != "*" && columns[1] != (role == KafkaRole::kConsumer ? "C" : "P")) continue;
    if (!refused_property(role, columns[0]).empty()) continue;
    CHECK_THAT(make(columns[0], columns[3]), !Catch::Matchers::Contains("the engine sets it"));
    ++tried;
  }
  CHECK(tried > 50);
}

template <class T, class E>
T value_of(std::expected<T, E> result) {
  if (!result) UNSCOPED_INFO(result.error().message);
  REQUIRE(result.has_value());
  return std::move(*result);
}
template <class E>
void require_ok(const std::expected<void, E>& result) {
  if (!result) UNSCOPED_INFO(result.error().message);
  REQUIRE(result.has_value());
}

}  // namespace tidemark::kafka_kit
