// tidemark_bench: fills topics as fast as librdkafka lets, and consumes them raw: the ceiling that everything built on
// this client stands under. Knows nothing of Tidemark.
#include <librdkafka/rdkafka.h>
#include <simdjson.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

constexpr int kTimeoutMs = 60'000;
constexpr int64_t kStartMs = 1'767'225'600'000;  // 2026-01-01

using Settings = std::vector<std::pair<const char*, std::string>>;
using Client = std::unique_ptr<rd_kafka_t, decltype(&rd_kafka_destroy)>;

Client open(rd_kafka_type_t type, const Settings& settings) {
  char error[512];
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  for (const auto& [name, value] : settings) {
    if (rd_kafka_conf_set(conf, name, value.c_str(), error, sizeof error) != RD_KAFKA_CONF_OK) {
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

// ---- Filling

struct Fill {
  std::string topic;
  int64_t events = 10'000'000;
  int64_t keys = 100;
  int partitions = 4;
  int64_t events_per_minute = 600'000;
};

// SplitMix64, seeded by the event's number: any event can be told without those before it.
uint64_t mix(uint64_t number) {
  uint64_t z = number * 0x9e3779b97f4a7c15ULL + 0x9e3779b97f4a7c15ULL;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

int write_event(char* out, size_t size, int64_t i, uint64_t user, int64_t ts_ms) {
  static constexpr const char* kTypes[] = {"view", "view", "click", "purchase"};
  const uint64_t dice = mix(static_cast<uint64_t>(i) ^ 0xABCDEF);
  return std::snprintf(out, size,
                       "{\"event_id\":\"%016" PRIx64 "\",\"user_id\":\"user-%07" PRIu64
                       "\",\"event_type\":\"%s\",\"amount\":%d.%02d,\"quantity\":%d,\"ts\":%" PRId64
                       ",\"address\":{\"city\":\"Stockholm\",\"zip\":\"%05d\"},\"session\":\"%012" PRIx64 "\"}",
                       dice, user, kTypes[dice & 3], static_cast<int>(dice >> 8 & 1023), static_cast<int>(dice >> 20 & 63) + 10,
                       static_cast<int>(dice >> 30 & 7), ts_ms, static_cast<int>(dice >> 34 & 0xFFFF), dice >> 16);
}

void fill(const std::string& brokers, const Fill& what) {
  const Client client = open(RD_KAFKA_PRODUCER, {{"bootstrap.servers", brokers},
                                                 {"compression.codec", "lz4"},
                                                 {"linger.ms", "50"},
                                                 {"batch.size", "1000000"},
                                                 {"enable.idempotence", "true"},
                                                 {"queue.buffering.max.messages", "1000000"}});
  char value[512];
  int64_t bytes = 0;
  for (int64_t i = 0; i < what.events; ++i) {
    const int64_t ts_ms = kStartMs + i * 60'000 / what.events_per_minute;
    const uint64_t user = mix(static_cast<uint64_t>(i)) % static_cast<uint64_t>(what.keys);
    const auto partition = static_cast<int32_t>(user % static_cast<uint64_t>(what.partitions));
    const int size = write_event(value, sizeof value, i, user, ts_ms);
    bytes += size;
    while (true) {
      const auto error = rd_kafka_producev(
          client.get(), RD_KAFKA_V_TOPIC(what.topic.c_str()), RD_KAFKA_V_PARTITION(partition),
          RD_KAFKA_V_VALUE(value, static_cast<size_t>(size)), RD_KAFKA_V_TIMESTAMP(ts_ms),
          RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
      if (error == RD_KAFKA_RESP_ERR_NO_ERROR) break;
      if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) check(error, "produce");
      rd_kafka_poll(client.get(), 20);
    }
    if (i % 10'000 == 0) rd_kafka_poll(client.get(), 0);
  }
  check(rd_kafka_flush(client.get(), 10 * kTimeoutMs), "flush");
  std::printf("{\"events\":%" PRId64 ",\"mean_bytes\":%.1f}\n", what.events, static_cast<double>(bytes) / what.events);
}

// ---- Consuming

struct Consumption {
  bool parse = false;
  int partitions = 4;
  int ended = 0;
  int64_t events = 0;
  int64_t bytes = 0;
  int64_t unreadable = 0;
  double amounts = 0;       // so that nothing parsed is optimised away
  int64_t newest_ms = 0;
  size_t user_bytes = 0;
  std::string failure;
  simdjson::ondemand::parser parser;
  std::vector<char> padded;
};

void parse_three_fields(Consumption& all, const rd_kafka_message_t& message) {
  if (all.padded.size() < message.len + simdjson::SIMDJSON_PADDING) {
    all.padded.resize(message.len + simdjson::SIMDJSON_PADDING);
  }
  std::memcpy(all.padded.data(), message.payload, message.len);
  simdjson::ondemand::document document;
  std::string_view user;
  double amount = 0;
  int64_t ts_ms = 0;
  if (all.parser.iterate(all.padded.data(), message.len, all.padded.size()).get(document) ||
      document["user_id"].get_string().get(user) || document["amount"].get_double().get(amount) ||
      document["ts"].get_int64().get(ts_ms)) {
    ++all.unreadable;
    return;
  }
  all.user_bytes += user.size();
  all.amounts += amount;
  all.newest_ms = std::max(all.newest_ms, ts_ms);
}

void take(rd_kafka_message_t* message, void* opaque) {
  auto& all = *static_cast<Consumption*>(opaque);
  if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
    ++all.events;
    all.bytes += static_cast<int64_t>(message->len);
    if (all.parse) parse_three_fields(all, *message);
  } else if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
    ++all.ended;
  } else {
    all.failure = rd_kafka_message_errstr(message);
  }
}

void consume(const std::string& brokers, const std::string& topic, Consumption& all) {
  const Client client = open(RD_KAFKA_CONSUMER, {{"bootstrap.servers", brokers},
                                                 {"group.id", "tidemark-bench"},
                                                 {"enable.auto.commit", "false"},
                                                 {"enable.partition.eof", "true"},
                                                 {"isolation.level", "read_committed"},
                                                 {"check.crcs", "true"},
                                                 {"queued.min.messages", "1000000"},
                                                 {"queued.max.messages.kbytes", "65536"}});
  using List = std::unique_ptr<rd_kafka_topic_partition_list_t, decltype(&rd_kafka_topic_partition_list_destroy)>;
  const List list(rd_kafka_topic_partition_list_new(all.partitions), rd_kafka_topic_partition_list_destroy);
  for (int p = 0; p < all.partitions; ++p) {
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), p)->offset = RD_KAFKA_OFFSET_BEGINNING;
  }
  check(rd_kafka_assign(client.get(), list.get()), "assign");
  rd_kafka_queue_t* queue = rd_kafka_queue_get_consumer(client.get());
  while (all.ended < all.partitions && all.failure.empty()) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    rd_kafka_consume_callback_queue(queue, 1000, take, &all);
#pragma GCC diagnostic pop
  }
  rd_kafka_queue_destroy(queue);
  if (!all.failure.empty()) throw std::runtime_error(all.failure);
  std::printf("{\"events\":%" PRId64 ",\"bytes\":%" PRId64 ",\"unreadable\":%" PRId64 ",\"amounts\":%g,\"newest_ms\":%" PRId64
              ",\"user_bytes\":%zu}\n",
              all.events, all.bytes, all.unreadable, all.amounts, all.newest_ms, all.user_bytes);
}

int run(int argc, char** argv) {
  CLI::App app{"Fills and empties Kafka topics at full speed"};
  app.require_subcommand(1);
  std::string brokers = "localhost:9092";
  app.add_option("--brokers,-b", brokers);
  Fill what;
  CLI::App* fill_command = app.add_subcommand("fill", "JSON events, lz4, into an existing empty topic");
  fill_command->add_option("topic", what.topic)->required();
  fill_command->add_option("--events", what.events);
  fill_command->add_option("--keys", what.keys);
  fill_command->add_option("--partitions", what.partitions);
  fill_command->add_option("--events-per-minute", what.events_per_minute);
  Consumption all;
  std::string topic;
  CLI::App* consume_command = app.add_subcommand("consume", "a whole topic, by consume_callback_queue");
  consume_command->add_option("topic", topic)->required();
  consume_command->add_option("--partitions", all.partitions);
  consume_command->add_flag("--json", all.parse, "and read three fields of each with simdjson");
  CLI11_PARSE(app, argc, argv);
  try {
    if (*fill_command) fill(brokers, what);
    if (*consume_command) consume(brokers, topic, all);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tidemark_bench: %s\n", error.what());
    return 1;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return run(argc, argv); }
