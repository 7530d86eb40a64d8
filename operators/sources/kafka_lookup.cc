// Metadata, offset and configuration requests, with the reason for silence where the client knows one. Knows nothing of
// groups or of why the answers are wanted.
#include "operators/sources/kafka_lookup.h"

#include <regex.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstring>
#include <span>
#include <thread>

#include <fmt/core.h>

namespace tidemark {

namespace {

using SteadyClock = std::chrono::steady_clock;
constexpr Duration kSettingsTimeout = Duration::seconds(2);
constexpr int kSliceMs = 500;  // how long a call may go without looking at the client's own errors

void add_partitions(const rd_kafka_metadata_topic_t& topic, std::vector<TopicPartition>& out) {
  for (int i = 0; i < topic.partition_cnt; ++i) out.push_back({topic.topic, topic.partitions[i].id});
}

}  // namespace

Result<std::unique_ptr<KafkaLookup>> KafkaLookup::make(const std::string& brokers, const std::string& client_id,
                                                       const KafkaProperties& properties, KafkaLog log) {
  std::unique_ptr<KafkaLookup> lookup(new KafkaLookup(brokers, std::move(log)));
  KafkaConf conf(*lookup);
  conf.set("client.id", client_id);
  conf.set_all(properties);
  conf.set("bootstrap.servers", brokers);
  conf.set("allow.auto.create.topics", "false");
  conf.set("isolation.level", "read_uncommitted");
  conf.set("statistics.interval.ms", 0);
  auto client = conf.create(RD_KAFKA_CONSUMER);
  if (!client) return std::unexpected(client.error());
  lookup->client_ = std::move(*client);
  return lookup;
}

void KafkaLookup::on_client_error(rd_kafka_resp_err_t code, std::string_view text, bool) {
  if (is_user_fault(code, text)) user_fault_ = kafka_error(code, "Kafka", text);
  outage_.note(code, text);
}

template <class Ask>
Status KafkaLookup::ask_until(Duration timeout, std::string_view what, Ask ask) {
  user_fault_.reset();
  const auto deadline = SteadyClock::now() + std::chrono::microseconds(timeout.us);
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - SteadyClock::now()).count();
    const auto asked = SteadyClock::now();
    const rd_kafka_resp_err_t code = ask(static_cast<int>(std::clamp<int64_t>(left, 1, kSliceMs)));
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
    rd_kafka_poll(client_.get(), 0);
    if (is_user_fault(code)) return std::unexpected(kafka_error(code, what));
    if (user_fault_) return std::unexpected(*user_fault_);
    if (!is_silence(code) || SteadyClock::now() >= deadline) return std::unexpected(outage_.explain(code, what, brokers_));
    // An answer such as "no leader" comes at once; ask no more than some twenty times a second.
    std::this_thread::sleep_until(std::min(deadline, asked + std::chrono::milliseconds(50)));
  }
}

Result<RdPtr<const rd_kafka_metadata_t>> KafkaLookup::metadata(const std::string* topic, Duration timeout) {
  RdPtr<rd_kafka_topic_t> only;
  if (topic != nullptr) only.reset(rd_kafka_topic_new(client_.get(), topic->c_str(), nullptr));
  RdPtr<const rd_kafka_metadata_t> answer;
  const auto status = ask_until(timeout, topic ? "topic " + *topic : "topics", [&](int ms) {
    const rd_kafka_metadata_t* found = nullptr;
    const auto code = rd_kafka_metadata(client_.get(), topic == nullptr, only.get(), &found, ms);
    answer.reset(found);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR || topic == nullptr) return code;
    return found->topic_cnt == 1 ? found->topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
  });
  if (!status) return std::unexpected(status.error());
  return answer;
}

Result<std::vector<TopicPartition>> KafkaLookup::partitions(const std::vector<std::string>& topics, Duration timeout) {
  std::vector<TopicPartition> found;
  for (const auto& topic : topics) {
    auto answer = metadata(&topic, timeout);
    if (!answer) return std::unexpected(answer.error());
    add_partitions((*answer)->topics[0], found);
  }
  std::sort(found.begin(), found.end());
  return found;
}

Result<std::vector<TopicPartition>> KafkaLookup::partitions_matching(const std::string& pattern, Duration timeout) {
  regex_t expression;
  if (regcomp(&expression, pattern.c_str(), REG_EXTENDED | REG_NOSUB) != 0) {
    return user_error(fmt::format("topic_pattern: '{}' is not a regular expression", pattern));
  }
  auto answer = metadata(nullptr, timeout);
  std::vector<TopicPartition> found;
  std::optional<Error> broken;
  for (int i = 0; answer && i < (*answer)->topic_cnt; ++i) {
    const auto& topic = (*answer)->topics[i];
    if (std::strncmp(topic.topic, "__", 2) == 0 || regexec(&expression, topic.topic, 0, nullptr, 0) != 0) continue;
    if (topic.err) broken = kafka_error(topic.err, fmt::format("topic {}", topic.topic));
    add_partitions(topic, found);
  }
  regfree(&expression);
  if (!answer) return std::unexpected(answer.error());
  if (broken) return std::unexpected(*broken);
  std::sort(found.begin(), found.end());
  return found;
}

Result<Leaders> KafkaLookup::leaders(const std::vector<std::string>& topics, Duration timeout) {
  Leaders found;
  for (const auto& topic : topics) {
    auto answer = metadata(&topic, timeout);
    if (!answer) return std::unexpected(answer.error());
    const rd_kafka_metadata_t& all = **answer;
    const std::span brokers(all.brokers, static_cast<size_t>(all.broker_cnt));
    for (int i = 0; i < all.topics[0].partition_cnt; ++i) {
      const auto& partition = all.topics[0].partitions[i];
      const auto leader = std::ranges::find(brokers, partition.leader, &rd_kafka_metadata_broker_t::id);
      if (leader == brokers.end()) continue;
      found.emplace(TopicPartition{topic, partition.id}, BrokerAddress{leader->id, leader->host, leader->port});
    }
  }
  return found;
}

Result<std::string> KafkaLookup::cluster_id(Duration timeout) {
  std::string id;
  const auto status = ask_until(timeout, "cluster id", [&](int ms) {
    char* answer = rd_kafka_clusterid(client_.get(), ms);
    if (answer == nullptr) return RD_KAFKA_RESP_ERR__TIMED_OUT;
    id = answer;
    rd_kafka_mem_free(client_.get(), answer);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
  });
  if (!status) return std::unexpected(status.error());
  return id;
}

Result<LogBounds> KafkaLookup::bounds(const TopicPartition& partition, Duration timeout) {
  LogBounds bounds;
  const auto status = ask_until(timeout, "offsets of " + to_string(partition), [&](int ms) {
    return rd_kafka_query_watermark_offsets(client_.get(), partition.topic.c_str(), partition.partition, &bounds.start,
                                            &bounds.end, ms);
  });
  if (!status) return std::unexpected(status.error());
  return bounds;
}

Result<std::vector<std::string>> KafkaLookup::members(const std::string& group, Duration timeout) {
  std::vector<std::string> found;
  const auto status = ask_until(timeout, "members of group " + group, [&](int ms) {
    const rd_kafka_group_list* groups = nullptr;
    auto code = rd_kafka_list_groups(client_.get(), group.c_str(), &groups, ms);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
      if (groups != nullptr) rd_kafka_group_list_destroy(groups);
      return code == RD_KAFKA_RESP_ERR__PARTIAL ? RD_KAFKA_RESP_ERR__TIMED_OUT : code;
    }
    for (int i = 0; i < groups->group_cnt; ++i) {
      const rd_kafka_group_info& one = groups->groups[i];
      if (one.err != RD_KAFKA_RESP_ERR_NO_ERROR) code = one.err;
      for (int m = 0; m < one.member_cnt; ++m) found.emplace_back(one.members[m].member_id);
    }
    rd_kafka_group_list_destroy(groups);
    return code;
  });
  if (!status) return std::unexpected(status.error());
  return found;
}

Result<int64_t> KafkaLookup::offset_at(const TopicPartition& partition, Time at, Duration timeout) {
  // Rounded up, because records carry milliseconds; never negative, because -1 and -2 mean the ends of the log.
  const int64_t at_ms = std::max<int64_t>(0, (at + Duration::micros(999)).to_millis());
  int64_t offset = -1;
  const auto status = ask_until(timeout, "offset by time of " + to_string(partition), [&](int ms) {
    auto list = to_native(std::vector<TopicPartition>{partition});
    list->elems[0].offset = at_ms;
    const auto code = rd_kafka_offsets_for_times(client_.get(), list.get(), ms);
    offset = list->elems[0].offset;
    return code != RD_KAFKA_RESP_ERR_NO_ERROR ? code : list->elems[0].err;
  });
  if (!status) return std::unexpected(status.error());
  if (offset >= 0) return offset;
  const auto log = bounds(partition, timeout);
  if (!log) return std::unexpected(log.error());
  return log->end;
}

std::optional<int64_t> KafkaLookup::max_message_bytes(const std::string& topic, Duration timeout) {
  std::optional<int64_t> limit;
  RdPtr<rd_kafka_queue_t> answers(rd_kafka_queue_new(client_.get()));
  const auto status = ask_until(std::min(timeout, kSettingsTimeout), "configuration of topic " + topic, [&](int ms) {
    auto* options = rd_kafka_AdminOptions_new(client_.get(), RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    rd_kafka_AdminOptions_set_request_timeout(options, ms, nullptr, 0);
    auto* resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str());
    rd_kafka_DescribeConfigs(client_.get(), &resource, 1, options, answers.get());
    rd_kafka_ConfigResource_destroy(resource);
    rd_kafka_AdminOptions_destroy(options);
    RdPtr<rd_kafka_event_t> event(rd_kafka_queue_poll(answers.get(), ms + kSliceMs));
    if (!event) return RD_KAFKA_RESP_ERR__TIMED_OUT;
    if (rd_kafka_event_error(event.get())) return rd_kafka_event_error(event.get());
    size_t count = 0;
    const auto* result = rd_kafka_event_DescribeConfigs_result(event.get());
    const auto** resources = rd_kafka_DescribeConfigs_result_resources(result, &count);
    if (count != 1) return RD_KAFKA_RESP_ERR__BAD_MSG;
    if (const auto code = rd_kafka_ConfigResource_error(resources[0])) return code;
    const auto** entries = rd_kafka_ConfigResource_configs(resources[0], &count);
    for (size_t i = 0; i < count; ++i) {
      const char* value = rd_kafka_ConfigEntry_value(entries[i]);
      if (value == nullptr || std::strcmp(rd_kafka_ConfigEntry_name(entries[i]), "max.message.bytes") != 0) continue;
      int64_t bytes = 0;
      const auto parsed = std::from_chars(value, value + std::strlen(value), bytes);
      if (parsed.ec == std::errc{} && bytes > 0) limit = bytes;
    }
    return RD_KAFKA_RESP_ERR_NO_ERROR;
  });
  if (!status) log(5, status.error().message + "; taking the usual limit");
  return limit;
}

#if RD_KAFKA_VERSION >= 0x020300ff

namespace {

// Of an answer about one topic.
std::optional<bool> allows_writing(const rd_kafka_TopicDescription_t* topic) {
  size_t count = 0;
  const rd_kafka_AclOperation_t* operations = rd_kafka_TopicDescription_authorized_operations(topic, &count);
  if (operations == nullptr) return std::nullopt;
  return std::ranges::count(std::span(operations, count), RD_KAFKA_ACL_OPERATION_WRITE) > 0;
}

}  // namespace

std::optional<bool> KafkaLookup::may_write(const std::string& topic, Duration timeout) {
  std::optional<bool> may;
  RdPtr<rd_kafka_queue_t> answers(rd_kafka_queue_new(client_.get()));
  const auto status = ask_until(std::min(timeout, kSettingsTimeout), "rights on topic " + topic, [&](int ms) {
    auto* options = rd_kafka_AdminOptions_new(client_.get(), RD_KAFKA_ADMIN_OP_DESCRIBETOPICS);
    rd_kafka_AdminOptions_set_request_timeout(options, ms, nullptr, 0);
    rd_kafka_error_destroy(rd_kafka_AdminOptions_set_include_authorized_operations(options, 1));
    const char* name = topic.c_str();
    auto* topics = rd_kafka_TopicCollection_of_topic_names(&name, 1);
    rd_kafka_DescribeTopics(client_.get(), topics, options, answers.get());
    rd_kafka_TopicCollection_destroy(topics);
    rd_kafka_AdminOptions_destroy(options);
    RdPtr<rd_kafka_event_t> event(rd_kafka_queue_poll(answers.get(), ms + kSliceMs));
    if (!event) return RD_KAFKA_RESP_ERR__TIMED_OUT;
    if (rd_kafka_event_error(event.get())) return rd_kafka_event_error(event.get());
    size_t count = 0;
    const auto** found = rd_kafka_DescribeTopics_result_topics(rd_kafka_event_DescribeTopics_result(event.get()), &count);
    if (count == 1) may = allows_writing(found[0]);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
  });
  if (!status) log(5, status.error().message + "; whether it may be written to will show");
  return may;
}

#else

std::optional<bool> KafkaLookup::may_write(const std::string&, Duration) { return std::nullopt; }

#endif

}  // namespace tidemark
