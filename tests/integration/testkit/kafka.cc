// The kit's Kafka: librdkafka's C interface, called the long way round. Knows no command line and no pipeline.
#include "tests/integration/testkit/kafka.h"

#include <chrono>
#include <cstring>
#include <thread>

namespace tidemark::testkit {
namespace {

constexpr int kTimeoutMs = 30'000;
constexpr int kMetadataTimeoutMs = 5'000;
constexpr auto kPatience = std::chrono::seconds(60);  // for what a broker that comes up answers in its first moments
constexpr auto kPause = std::chrono::milliseconds(200);

bool is_passing(rd_kafka_resp_err_t error) {
  switch (error) {
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__WAIT_COORD:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
    case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_COORDINATOR:
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION: return true;
    default: return false;
  }
}

// Calls until the answer is no passing error, or patience ends.
rd_kafka_resp_err_t patiently(const std::function<rd_kafka_resp_err_t()>& call) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (true) {
    const rd_kafka_resp_err_t error = call();
    if (!is_passing(error) || std::chrono::steady_clock::now() > deadline) return error;
    std::this_thread::sleep_for(kPause);
  }
}

// Waits until this very client knows that partition: one that does not fails its records at once.
void wait_for_partition(rd_kafka_t* client, const std::string& topic, int32_t partition) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  rd_kafka_topic_t* handle = rd_kafka_topic_new(client, topic.c_str(), nullptr);
  bool known = false;
  while (!known && std::chrono::steady_clock::now() < deadline) {
    const rd_kafka_metadata_t* metadata = nullptr;
    if (rd_kafka_metadata(client, 0, handle, &metadata, kMetadataTimeoutMs) == RD_KAFKA_RESP_ERR_NO_ERROR) {
      known = metadata->topic_cnt == 1 && metadata->topics[0].partition_cnt > partition;
      rd_kafka_metadata_destroy(metadata);
    }
    if (!known) std::this_thread::sleep_for(kPause);
  }
  rd_kafka_topic_destroy(handle);
  if (!known) throw Failure("no partition " + std::to_string(partition) + " of " + topic);
}

template <class T, auto destroy>
struct Destroyer {
  void operator()(T* it) const { destroy(it); }
};
template <class T, auto destroy>
using Owned = std::unique_ptr<T, Destroyer<T, destroy>>;

using Queue = Owned<rd_kafka_queue_t, rd_kafka_queue_destroy>;
using Event = Owned<rd_kafka_event_t, rd_kafka_event_destroy>;
using Offsets = Owned<rd_kafka_topic_partition_list_t, rd_kafka_topic_partition_list_destroy>;

std::optional<std::string> bytes(const void* data, size_t size) {
  if (data == nullptr) return std::nullopt;
  return std::string(static_cast<const char*>(data), size);
}

oracle::Record to_record(const rd_kafka_message_t& message) {
  oracle::Record out;
  out.offset = message.offset;
  out.timestamp_ms = rd_kafka_message_timestamp(&message, nullptr);
  out.key = bytes(message.key, message.key_len);
  out.value = bytes(message.payload, message.len);
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(&message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR) {
    const char* name = nullptr;
    const void* value = nullptr;
    size_t size = 0;
    for (size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR; ++i) {
      out.headers.push_back({name, bytes(value, size)});
    }
  }
  return out;
}

Offsets to_list(const std::map<Place, Position>& positions) {
  Offsets list(rd_kafka_topic_partition_list_new(static_cast<int>(positions.size())));
  for (const auto& [place, position] : positions) {
    rd_kafka_topic_partition_t* one =
        rd_kafka_topic_partition_list_add(list.get(), place.first.c_str(), place.second);
    one->offset = position.offset;
    if (!position.metadata.empty()) {
      one->metadata = strdup(position.metadata.c_str());
      one->metadata_size = position.metadata.size();
    }
  }
  return list;
}

void check_topics(const rd_kafka_topic_result_t** results, size_t count, const std::string& what) {
  for (size_t i = 0; i < count; ++i) {
    if (rd_kafka_topic_result_error(results[i]) != RD_KAFKA_RESP_ERR_NO_ERROR) {
      throw Failure(what + ": " + rd_kafka_topic_result_error_string(results[i]));
    }
  }
}

}  // namespace

void check(rd_kafka_resp_err_t error, const std::string& what) {
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) throw Failure(what + ": " + rd_kafka_err2str(error));
}

Client::Client(rd_kafka_type_t type, Settings settings, Delivered delivered) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  if (delivered != nullptr) rd_kafka_conf_set_dr_msg_cb(conf, delivered);
  settings.try_emplace("log_level", "3");
  char error[512];
  for (const auto& [name, value] : settings) {
    if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), error, sizeof error) != RD_KAFKA_CONF_OK) {
      rd_kafka_conf_destroy(conf);
      throw Failure(error);
    }
  }
  client_ = rd_kafka_new(type, conf, error, sizeof error);
  if (client_ == nullptr) {
    rd_kafka_conf_destroy(conf);
    throw Failure(error);
  }
}

Client::~Client() {
  if (client_ != nullptr) rd_kafka_destroy(client_);
}

// ---- Admin

Admin::Admin(const std::string& brokers)
    : brokers_(brokers), client_(RD_KAFKA_PRODUCER, {{"bootstrap.servers", brokers}}) {}

rd_kafka_event_t* Admin::wait(rd_kafka_queue_t* queue) const {
  rd_kafka_event_t* event = rd_kafka_queue_poll(queue, 2 * kTimeoutMs);
  if (event == nullptr) throw Failure("the admin request got no answer");
  if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    const std::string why = rd_kafka_event_error_string(event);
    rd_kafka_event_destroy(event);
    throw Failure("the admin request failed: " + why);
  }
  return event;
}

void Admin::create_topic(const std::string& topic, int partitions, const Settings& config) const {
  char error[512];
  Owned<rd_kafka_NewTopic_t, rd_kafka_NewTopic_destroy> wanted(
      rd_kafka_NewTopic_new(topic.c_str(), partitions, 1, error, sizeof error));
  if (!wanted) throw Failure(error);
  for (const auto& [name, value] : config) {
    check(rd_kafka_NewTopic_set_config(wanted.get(), name.c_str(), value.c_str()), name);
  }
  Queue queue(rd_kafka_queue_new(client_.get()));
  rd_kafka_NewTopic_t* list[] = {wanted.get()};
  rd_kafka_CreateTopics(client_.get(), list, 1, nullptr, queue.get());
  const Event event(wait(queue.get()));
  size_t count = 0;
  check_topics(rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event.get()), &count), count,
               "create " + topic);
  wait_for_partition(client_.get(), topic, partitions - 1);
}

void Admin::delete_topic(const std::string& topic) const {
  Owned<rd_kafka_DeleteTopic_t, rd_kafka_DeleteTopic_destroy> wanted(rd_kafka_DeleteTopic_new(topic.c_str()));
  Queue queue(rd_kafka_queue_new(client_.get()));
  rd_kafka_DeleteTopic_t* list[] = {wanted.get()};
  rd_kafka_DeleteTopics(client_.get(), list, 1, nullptr, queue.get());
  const Event event(wait(queue.get()));
  size_t count = 0;
  check_topics(rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event.get()), &count), count,
               "delete " + topic);
}

void Admin::grow_topic(const std::string& topic, int partitions) const {
  char error[512];
  Owned<rd_kafka_NewPartitions_t, rd_kafka_NewPartitions_destroy> wanted(
      rd_kafka_NewPartitions_new(topic.c_str(), static_cast<size_t>(partitions), error, sizeof error));
  if (!wanted) throw Failure(error);
  Queue queue(rd_kafka_queue_new(client_.get()));
  rd_kafka_NewPartitions_t* list[] = {wanted.get()};
  rd_kafka_CreatePartitions(client_.get(), list, 1, nullptr, queue.get());
  const Event event(wait(queue.get()));
  size_t count = 0;
  check_topics(rd_kafka_CreatePartitions_result_topics(rd_kafka_event_CreatePartitions_result(event.get()), &count),
               count, "grow " + topic);
  wait_for_partition(client_.get(), topic, partitions - 1);
}

void Admin::delete_records(const std::map<Place, int64_t>& before) const {
  std::map<Place, Position> positions;
  for (const auto& [place, offset] : before) positions[place] = {offset < 0 ? RD_KAFKA_OFFSET_END : offset, ""};
  const Offsets list = to_list(positions);
  Owned<rd_kafka_DeleteRecords_t, rd_kafka_DeleteRecords_destroy> wanted(rd_kafka_DeleteRecords_new(list.get()));
  Queue queue(rd_kafka_queue_new(client_.get()));
  rd_kafka_DeleteRecords_t* all[] = {wanted.get()};
  rd_kafka_DeleteRecords(client_.get(), all, 1, nullptr, queue.get());
  const Event event(wait(queue.get()));
  const auto* done = rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event.get()));
  for (int i = 0; i < done->cnt; ++i) check(done->elems[i].err, "delete records");
}

void Admin::delete_group(const std::string& group) const {
  Owned<rd_kafka_DeleteGroup_t, rd_kafka_DeleteGroup_destroy> wanted(rd_kafka_DeleteGroup_new(group.c_str()));
  Queue queue(rd_kafka_queue_new(client_.get()));
  rd_kafka_DeleteGroup_t* all[] = {wanted.get()};
  rd_kafka_DeleteGroups(client_.get(), all, 1, nullptr, queue.get());
  const Event event(wait(queue.get()));
  size_t count = 0;
  const auto* groups = rd_kafka_DeleteGroups_result_groups(rd_kafka_event_DeleteGroups_result(event.get()), &count);
  for (size_t i = 0; i < count; ++i) {
    if (const auto* error = rd_kafka_group_result_error(groups[i])) throw Failure(rd_kafka_error_string(error));
  }
}

void Admin::set_offsets(const std::string& group, const std::map<Place, Position>& positions) const {
  const Client client(RD_KAFKA_CONSUMER, {{"bootstrap.servers", brokers_}, {"group.id", group}});
  const Offsets list = to_list(positions);
  check(rd_kafka_commit(client.get(), list.get(), 0), "set offsets of " + group);
  for (int i = 0; i < list->cnt; ++i) check(list->elems[i].err, "set offsets of " + group);
}

void Admin::delete_offsets(const std::string& group, const std::vector<Place>& places) const {
  std::map<Place, Position> positions;
  for (const Place& place : places) positions[place] = {};
  const Offsets list = to_list(positions);
  Owned<rd_kafka_DeleteConsumerGroupOffsets_t, rd_kafka_DeleteConsumerGroupOffsets_destroy> wanted(
      rd_kafka_DeleteConsumerGroupOffsets_new(group.c_str(), list.get()));
  Queue queue(rd_kafka_queue_new(client_.get()));
  rd_kafka_DeleteConsumerGroupOffsets_t* all[] = {wanted.get()};
  rd_kafka_DeleteConsumerGroupOffsets(client_.get(), all, 1, nullptr, queue.get());
  const Event event(wait(queue.get()));
  size_t count = 0;
  const auto* groups = rd_kafka_DeleteConsumerGroupOffsets_result_groups(
      rd_kafka_event_DeleteConsumerGroupOffsets_result(event.get()), &count);
  for (size_t i = 0; i < count; ++i) {
    if (const auto* error = rd_kafka_group_result_error(groups[i])) throw Failure(rd_kafka_error_string(error));
    const auto* done = rd_kafka_group_result_partitions(groups[i]);
    for (int j = 0; j < done->cnt; ++j) check(done->elems[j].err, "delete offsets of " + group);
  }
}

std::map<Place, Position> Admin::offsets(const std::string& group, const std::vector<Place>& places) const {
  return Commits(brokers_, group, places).now();
}

Commits::Commits(const std::string& brokers, std::string group, std::vector<Place> places)
    : client_(RD_KAFKA_CONSUMER, {{"bootstrap.servers", brokers}, {"group.id", group}, {"isolation.level", "read_uncommitted"}}),
      group_(std::move(group)),
      places_(std::move(places)) {}

std::map<Place, Position> Commits::now() const {
  std::map<Place, Position> positions;
  for (const Place& place : places_) positions[place] = {};
  const Offsets list = to_list(positions);
  check(patiently([&] {
          const rd_kafka_resp_err_t error = rd_kafka_committed(client_.get(), list.get(), kTimeoutMs);
          if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return error;
          for (int i = 0; i < list->cnt; ++i) {
            if (is_passing(list->elems[i].err)) return list->elems[i].err;
          }
          return error;
        }),
        "read offsets of " + group_);
  for (int i = 0; i < list->cnt; ++i) {
    const rd_kafka_topic_partition_t& one = list->elems[i];
    check(one.err, "read offsets of " + group_);
    Position& position = positions[{one.topic, one.partition}];
    position.offset = one.offset < 0 ? -1 : one.offset;
    position.metadata = bytes(one.metadata, one.metadata_size).value_or("");
  }
  return positions;
}

std::vector<std::string> Admin::topics() const {
  const rd_kafka_metadata_t* metadata = nullptr;
  check(patiently([&] { return rd_kafka_metadata(client_.get(), 1, nullptr, &metadata, kTimeoutMs); }), "metadata");
  std::vector<std::string> names;
  for (int i = 0; i < metadata->topic_cnt; ++i) names.emplace_back(metadata->topics[i].topic);
  rd_kafka_metadata_destroy(metadata);
  return names;
}

int Admin::partitions(const std::string& topic) const {
  const rd_kafka_metadata_t* metadata = nullptr;
  check(patiently([&] { return rd_kafka_metadata(client_.get(), 1, nullptr, &metadata, kTimeoutMs); }), "metadata");
  int count = 0;
  for (int i = 0; i < metadata->topic_cnt; ++i) {
    if (metadata->topics[i].topic == topic) count = metadata->topics[i].partition_cnt;
  }
  rd_kafka_metadata_destroy(metadata);
  return count;
}

std::string Admin::cluster_id() const {
  char* id = rd_kafka_clusterid(client_.get(), kTimeoutMs);
  if (id == nullptr) throw Failure("the broker tells no cluster id");
  std::string out = id;
  rd_kafka_mem_free(client_.get(), id);
  return out;
}

std::pair<int64_t, int64_t> Admin::watermarks(const Place& place) const {
  std::pair<int64_t, int64_t> out;
  const auto ask = [&](rd_kafka_t* client) {
    return rd_kafka_query_watermark_offsets(client, place.first.c_str(), place.second, &out.first, &out.second, kTimeoutMs);
  };
  rd_kafka_resp_err_t error = ask(client_.get());
  // A client keeps for minutes what it heard of a topic that had no leaders yet: another one asks anew.
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    error = patiently([&] { return ask(Client(RD_KAFKA_CONSUMER, {{"bootstrap.servers", brokers_}, {"group.id", "testkit"}}).get()); });
  }
  check(error, "watermarks of " + place.first);
  return out;
}

// ---- Producing

namespace {

void note_delivery(rd_kafka_t*, const rd_kafka_message_t* message, void*) {
  auto* failure = static_cast<std::string*>(message->_private);
  if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR && failure->empty()) *failure = rd_kafka_err2str(message->err);
}

}  // namespace

Producer::Producer(const std::string& brokers, Settings settings)
    : failure_(std::make_unique<std::string>()),
      client_(RD_KAFKA_PRODUCER,
              [&] {
                settings.try_emplace("bootstrap.servers", brokers);
                settings.try_emplace("enable.idempotence", "true");
                settings.try_emplace("linger.ms", "5");
                settings.try_emplace("queue.buffering.max.messages", "200000");
                return settings;
              }(),
              note_delivery),
      brokers_(brokers) {}

void Producer::produce(const OutRecord& out) {
  int32_t partition = out.partition;
  if (partition < 0) {
    auto known = partitions_.find(out.topic);
    if (known == partitions_.end()) known = partitions_.emplace(out.topic, Admin(brokers_).partitions(out.topic)).first;
    if (known->second == 0) throw Failure("no topic " + out.topic);
    partition = oracle::java_partition(out.record.key.value_or(""), known->second);
  }
  if (ready_.emplace(out.topic, partition).second) wait_for_partition(client_.get(), out.topic, partition);
  rd_kafka_headers_t* headers = rd_kafka_headers_new(out.record.headers.size());
  for (const oracle::Header& header : out.record.headers) {
    rd_kafka_header_add(headers, header.name.data(), static_cast<ssize_t>(header.name.size()),
                        header.value ? header.value->data() : nullptr,
                        header.value ? static_cast<ssize_t>(header.value->size()) : 0);
  }
  const auto data = [](const std::optional<std::string>& bytes) {
    return const_cast<char*>(bytes ? bytes->data() : nullptr);
  };
  const auto size = [](const std::optional<std::string>& bytes) { return bytes ? bytes->size() : 0; };
  while (true) {
    const rd_kafka_resp_err_t error = rd_kafka_producev(
        client_.get(), RD_KAFKA_V_TOPIC(out.topic.c_str()), RD_KAFKA_V_PARTITION(partition),
        RD_KAFKA_V_KEY(data(out.record.key), size(out.record.key)),
        RD_KAFKA_V_VALUE(data(out.record.value), size(out.record.value)), RD_KAFKA_V_HEADERS(headers),
        RD_KAFKA_V_TIMESTAMP(out.record.timestamp_ms < 0 ? 0 : out.record.timestamp_ms),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_OPAQUE(failure_.get()), RD_KAFKA_V_END);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) break;
    if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
      rd_kafka_headers_destroy(headers);
      check(error, "produce to " + out.topic);
    }
    rd_kafka_flush(client_.get(), 50);
  }
}

void Producer::flush() {
  check(rd_kafka_flush(client_.get(), 4 * kTimeoutMs), "flush");
  if (!failure_->empty()) throw Failure("a record was not delivered: " + *failure_);
}

// ---- Consuming

void wait_until_stable(const std::string& brokers, const std::string& topic, std::chrono::seconds patience) {
  const auto reader = [&](const char* isolation) {
    return Settings{{"bootstrap.servers", brokers}, {"group.id", "testkit"}, {"isolation.level", isolation}};
  };
  const Client committed(RD_KAFKA_CONSUMER, reader("read_committed"));
  const Client all(RD_KAFKA_CONSUMER, reader("read_uncommitted"));
  const auto end = [&](const Client& client, int32_t partition) {
    int64_t low = 0, high = 0;
    check(patiently([&] {
            return rd_kafka_query_watermark_offsets(client.get(), topic.c_str(), partition, &low, &high, kTimeoutMs);
          }),
          "ends of " + topic);
    return high;
  };
  const auto deadline = std::chrono::steady_clock::now() + patience;
  const int partitions = Admin(brokers).partitions(topic);
  for (int32_t p = 0; p < partitions; ++p) {
    while (end(committed, p) != end(all, p)) {
      if (std::chrono::steady_clock::now() > deadline) {
        throw Failure("a transaction stays open over " + topic + "[" + std::to_string(p) + "]");
      }
      std::this_thread::sleep_for(kPause);
    }
  }
}

std::map<Place, int64_t> read_topic(const std::string& brokers, const std::string& topic, bool committed,
                                    const std::function<void(int32_t, oracle::Record&&)>& take) {
  const int partitions = Admin(brokers).partitions(topic);
  if (partitions == 0) throw Failure("no topic " + topic);
  const Client client(RD_KAFKA_CONSUMER, {{"bootstrap.servers", brokers},
                                          {"group.id", "testkit"},
                                          {"enable.auto.commit", "false"},
                                          {"enable.partition.eof", "true"},
                                          {"auto.offset.reset", "earliest"},
                                          {"queued.min.messages", "1000000"},
                                          {"fetch.wait.max.ms", "10"},
                                          {"isolation.level", committed ? "read_committed" : "read_uncommitted"}});
  rd_kafka_poll_set_consumer(client.get());
  std::map<Place, Position> start;
  for (int p = 0; p < partitions; ++p) start[{topic, p}] = {RD_KAFKA_OFFSET_BEGINNING, ""};
  check(rd_kafka_assign(client.get(), to_list(start).get()), "assign");
  std::map<Place, int64_t> ended;
  while (ended.size() < static_cast<size_t>(partitions)) {
    rd_kafka_message_t* message = rd_kafka_consumer_poll(client.get(), kTimeoutMs);
    if (message == nullptr) throw Failure("nothing was read from " + topic + " for 30 s");
    const Owned<rd_kafka_message_t, rd_kafka_message_destroy> owner(message);
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      ended.try_emplace({topic, message->partition}, message->offset);
    } else if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      throw Failure(std::string("reading ") + topic + ": " + rd_kafka_message_errstr(message));
    } else if (!ended.contains({topic, message->partition})) {
      take(message->partition, to_record(*message));
    }
  }
  return ended;
}

std::vector<oracle::PartitionLog> load_topic(const std::string& brokers, const std::string& topic, bool committed) {
  std::vector<oracle::PartitionLog> logs;
  const auto ended = read_topic(brokers, topic, committed, [&](int32_t partition, oracle::Record&& record) {
    while (logs.size() <= static_cast<size_t>(partition)) {
      logs.push_back({topic, static_cast<int32_t>(logs.size()), {}});
    }
    logs[static_cast<size_t>(partition)].records.push_back(std::move(record));
  });
  while (logs.size() < ended.size()) logs.push_back({topic, static_cast<int32_t>(logs.size()), {}});
  return logs;
}

}  // namespace tidemark::testkit
