// Finished rows are rendered before the clock starts, so that only the client is measured; paced events are due by the
// stream's own times, whether or not the reader keeps up.
#include "tests/bench/flow.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/bench/client.h"
#include "tests/bench/judge.h"

namespace tidemark::bench {

namespace {

constexpr int kTimeoutMs = 600'000;
constexpr int kJoinTimeoutMs = 30'000;
constexpr int kPacedLingerMs = 2;
constexpr int kFullLingerMs = 50;
constexpr auto kFirstRowWithin = std::chrono::minutes(2);

using SteadyClock = std::chrono::steady_clock;

int64_t wall_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

Topic open_topic(const Client& client, const std::string& name) {
  Topic topic(rd_kafka_topic_new(client.get(), name.c_str(), nullptr), rd_kafka_topic_destroy);
  if (!topic) throw std::runtime_error("topic " + name);
  return topic;
}

void produce(const Client& client, const std::string& topic, std::string_view key, std::string_view value,
             int64_t ts_ms) {
  while (true) {
    const auto error = rd_kafka_producev(
        client.get(), RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_KEY(key.data(), key.size()),
        RD_KAFKA_V_VALUE(const_cast<char*>(value.data()), value.size()), RD_KAFKA_V_TIMESTAMP(ts_ms),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return;
    if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) check(error, "produce");
    rd_kafka_poll(client.get(), 20);
  }
}

// Keys and values of rows one behind the other, so that millions of them cost two allocations.
struct Rendered {
  std::string bytes;
  std::vector<size_t> ends;  // of key, value, key, value, ...
};

Rendered render_all(const Expected& expected) {
  Rendered out;
  for (int64_t window = 0; window < expected.windows(); ++window) {
    for (uint64_t user = 0; user < static_cast<uint64_t>(expected.keys()); ++user) {
      const Row row = expected.row(expected.start_of(window), user);
      if (row.count == 0) continue;
      out.bytes += user_name(user);
      out.ends.push_back(out.bytes.size());
      out.bytes += render(expected, window, user, row);
      out.ends.push_back(out.bytes.size());
    }
  }
  return out;
}

void produce_unchanged(const Client& client, const Topic& topic, Rendered& rows) {
  size_t at = 0;
  for (size_t i = 0; i < rows.ends.size(); i += 2) {
    const size_t key_size = rows.ends[i] - at, value_size = rows.ends[i + 1] - rows.ends[i];
    // No flag: librdkafka reads our bytes where they are.
    while (rd_kafka_produce(topic.get(), RD_KAFKA_PARTITION_UA, 0, rows.bytes.data() + rows.ends[i], value_size,
                            rows.bytes.data() + at, key_size, nullptr) != 0) {
      if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL) check(rd_kafka_last_error(), "produce");
      rd_kafka_poll(client.get(), 20);
    }
    at = rows.ends[i + 1];
    if (i % 20'000 == 0) rd_kafka_poll(client.get(), 0);
  }
  check(rd_kafka_flush(client.get(), kTimeoutMs), "flush");
}

// A JSON field's bytes, without quotes; rows come from contestants whose output was judged elsewhere.
std::string_view field_of(std::string_view json, const std::string& name) {
  const size_t at = json.find("\"" + name + "\":");
  if (at == std::string_view::npos) return {};
  std::string_view rest = json.substr(at + name.size() + 3);
  if (rest.starts_with('"')) return rest.substr(1, rest.find('"', 1) - 1);
  return rest.substr(0, rest.find_first_of(",}"));
}

int64_t due_ms(std::string_view json, const std::string& field) {
  const std::string_view text = field_of(json, field);
  const int64_t parsed = parse_time_ms(text);
  return parsed >= 0 ? parsed : text.empty() ? -1 : std::strtoll(std::string(text).c_str(), nullptr, 10);
}

void print_latencies(std::vector<int64_t>& latencies) {
  std::sort(latencies.begin(), latencies.end());
  const auto at = [&](double share) {
    const auto place = static_cast<size_t>(share * static_cast<double>(latencies.size()));
    return latencies.empty() ? -1 : latencies[std::min(latencies.size() - 1, place)];
  };
  std::printf("{\"rows\":%zu,\"p50_ms\":%" PRId64 ",\"p90_ms\":%" PRId64 ",\"p99_ms\":%" PRId64 ",\"p999_ms\":%" PRId64
              ",\"max_ms\":%" PRId64 "}\n",
              latencies.size(), at(0.5), at(0.9), at(0.99), at(0.999), at(1.0));
}

rd_kafka_topic_partition_list_t* all_of(const std::string& topic, int partitions, int64_t offset) {
  rd_kafka_topic_partition_list_t* list = rd_kafka_topic_partition_list_new(partitions);
  for (int p = 0; p < partitions; ++p) rd_kafka_topic_partition_list_add(list, topic.c_str(), p)->offset = offset;
  return list;
}

}  // namespace

void fill(const std::string& brokers, const Fill& what) {
  const Client client = open_producer(brokers, what.paced ? kPacedLingerMs : kFullLingerMs);
  char value[kMaxEventBytes], key[32];
  int64_t bytes = 0;
  const auto start = SteadyClock::now();
  const int64_t start_wall_ms = wall_ms();
  Stream stream = what.stream;
  if (stream.start_ms == 0) stream.start_ms = start_wall_ms;
  for (int64_t i = 0; i < stream.events; ++i) {
    const int64_t ts_ms = time_ms_of(stream, i);
    const auto due = start + std::chrono::milliseconds(ts_ms - stream.start_ms);
    if (what.paced && due > SteadyClock::now()) {
      rd_kafka_poll(client.get(), 0);
      std::this_thread::sleep_until(due);
    }
    const int size = write_event(value, stream, i);
    const int key_size = write_user(key, sizeof key, user_of(stream, i));
    bytes += size;
    // Open loop: the Kafka timestamp is that of production, so that latencies and lag are real.
    produce(client, what.topic, {key, static_cast<size_t>(key_size)}, {value, static_cast<size_t>(size)},
            what.paced ? start_wall_ms + ts_ms - stream.start_ms : ts_ms);
    if (i % 10'000 == 0) rd_kafka_poll(client.get(), 0);
  }
  check(rd_kafka_flush(client.get(), kTimeoutMs), "flush");
  std::printf("{\"events\":%" PRId64 ",\"start_ms\":%" PRId64 ",\"mean_bytes\":%.1f,\"wall_s\":%.3f}\n", stream.events,
              stream.start_ms, static_cast<double>(bytes) / static_cast<double>(stream.events), usage().wall_s);
}

void produce_rows(const std::string& brokers, const std::string& topic, const Expected& expected) {
  Rendered rows = render_all(expected);
  const Client client = open_producer(brokers, 10);
  const Topic handle = open_topic(client, topic);
  const Usage before = usage();
  produce_unchanged(client, handle, rows);
  const Usage after = usage();
  const size_t count = rows.ends.size() / 2;
  std::printf("{\"events\":%zu,\"cpu_s\":%.4f,\"wall_s\":%.4f,\"mean_bytes\":%zu}\n", count, after.cpu_s - before.cpu_s,
              after.wall_s - before.wall_s, rows.bytes.size() / std::max<size_t>(1, count));
}

namespace {

Client open_watcher(const std::string& brokers, const std::string& topic, int partitions, int64_t offset) {
  Client client = open(RD_KAFKA_CONSUMER, {{"bootstrap.servers", brokers},
                                           {"group.id", "tidemark-bench-watch"},
                                           {"enable.auto.commit", "false"},
                                           {"enable.partition.eof", "true"},
                                           {"isolation.level", "read_committed"},
                                           {"fetch.wait.max.ms", "100"}});
  rd_kafka_topic_partition_list_t* list = all_of(topic, partitions, offset);
  const auto assigned = rd_kafka_assign(client.get(), list);
  rd_kafka_topic_partition_list_destroy(list);
  check(assigned, "assign");
  rd_kafka_poll_set_consumer(client.get());
  return client;
}

}  // namespace

void watch(const std::string& brokers, const Watch& what) {
  const Client client = open_watcher(brokers, what.topic, what.partitions, RD_KAFKA_OFFSET_BEGINNING);
  std::vector<int64_t> latencies;
  auto last = SteadyClock::now();
  bool any = false;
  while (!any || SteadyClock::now() - last < std::chrono::seconds(what.quiet_s)) {
    rd_kafka_message_t* message = rd_kafka_consumer_poll(client.get(), 200);
    if (message == nullptr) {
      if (!any && SteadyClock::now() - last > kFirstRowWithin) throw std::runtime_error("no row came");
      continue;
    }
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      const int64_t due = due_ms({static_cast<const char*>(message->payload), message->len}, what.field);
      if (due >= what.from_ms) latencies.push_back(wall_ms() - due);
      last = SteadyClock::now();
      any = true;
    }
    rd_kafka_message_destroy(message);
  }
  print_latencies(latencies);
}

void first_row(const std::string& brokers, const std::string& topic, int partitions) {
  const Client client = open_watcher(brokers, topic, partitions, RD_KAFKA_OFFSET_END);
  int at_end = 0;
  for (bool seen = false; !seen;) {
    rd_kafka_message_t* message = rd_kafka_consumer_poll(client.get(), 1000);
    if (message == nullptr) continue;
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF && ++at_end == partitions) {
      std::printf("ready\n");
      std::fflush(stdout);
    }
    seen = message->err == RD_KAFKA_RESP_ERR_NO_ERROR && at_end >= partitions;
    rd_kafka_message_destroy(message);
  }
  std::printf("{\"wall_ms\":%" PRId64 "}\n", wall_ms());
}

void join(const std::string& brokers, const std::string& topic, int partitions) {
  const std::string name = "tidemark-bench-join-" + std::to_string(getpid());
  const auto start = SteadyClock::now();
  const Client producer = open(RD_KAFKA_PRODUCER, {{"bootstrap.servers", brokers},
                                                   {"transactional.id", name},
                                                   {"retry.backoff.ms", "10"}});
  if (rd_kafka_error_t* error = rd_kafka_init_transactions(producer.get(), kJoinTimeoutMs)) {
    throw std::runtime_error(rd_kafka_error_string(error));
  }
  const Client consumer = open(RD_KAFKA_CONSUMER, {{"bootstrap.servers", brokers},
                                                   {"group.id", name},
                                                   {"group.instance.id", name},
                                                   {"enable.auto.commit", "false"},
                                                   {"auto.offset.reset", "earliest"}});
  rd_kafka_poll_set_consumer(consumer.get());
  rd_kafka_topic_partition_list_t* list = all_of(topic, 1, RD_KAFKA_OFFSET_INVALID);
  list->elems[0].partition = RD_KAFKA_PARTITION_UA;
  const auto subscribed = rd_kafka_subscribe(consumer.get(), list);
  rd_kafka_topic_partition_list_destroy(list);
  check(subscribed, "subscribe");
  int assigned = 0;
  while (assigned < partitions) {
    if (rd_kafka_message_t* message = rd_kafka_consumer_poll(consumer.get(), 10)) rd_kafka_message_destroy(message);
    rd_kafka_topic_partition_list_t* mine = nullptr;
    check(rd_kafka_assignment(consumer.get(), &mine), "assignment");
    assigned = mine->cnt;
    rd_kafka_topic_partition_list_destroy(mine);
  }
  rd_kafka_topic_partition_list_t* asked = all_of(topic, partitions, RD_KAFKA_OFFSET_INVALID);
  const auto answered = rd_kafka_committed(consumer.get(), asked, kJoinTimeoutMs);
  rd_kafka_topic_partition_list_destroy(asked);
  check(answered, "committed");
  const double seconds = std::chrono::duration<double>(SteadyClock::now() - start).count();
  std::printf("{\"ready_s\":%.4f}\n", seconds);
  rd_kafka_consumer_close(consumer.get());
}

}  // namespace tidemark::bench
