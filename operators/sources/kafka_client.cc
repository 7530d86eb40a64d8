// librdkafka's configuration and partition lists behind small owning types. Knows nothing of consuming or producing.
#include "operators/sources/kafka_client.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

#include <fmt/core.h>

#include "base/check.h"

namespace tidemark {

namespace {

KafkaCallbacks& callbacks_of(const rd_kafka_t* client) {
  return *static_cast<KafkaCallbacks*>(rd_kafka_opaque(client));
}

void forward_log(const rd_kafka_t* client, int level, const char* facility, const char* text) {
  // Consumers and producers share the user's properties, so that one always holds some meant for the other.
  if (client == nullptr || std::strcmp(facility, "CONFWARN") == 0) return;
  callbacks_of(client).log(level, fmt::format("{}: {}", facility, text));
}

void forward_error(rd_kafka_t* client, int code, const char* reason, void* opaque) {
  auto& callbacks = *static_cast<KafkaCallbacks*>(opaque);
  auto error = static_cast<rd_kafka_resp_err_t>(code);
  if (error != RD_KAFKA_RESP_ERR__FATAL) return callbacks.on_client_error(error, callbacks.without_secrets(reason), false);
  std::array<char, 512> text{};
  error = rd_kafka_fatal_error(client, text.data(), text.size());
  callbacks.on_client_error(error, callbacks.without_secrets(text.data()), true);
}

}  // namespace

KafkaConf::KafkaConf(KafkaCallbacks& callbacks) : callbacks_(callbacks), conf_(rd_kafka_conf_new()) {
  rd_kafka_conf_set_opaque(conf_.get(), &callbacks);
  rd_kafka_conf_set_log_cb(conf_.get(), forward_log);
  rd_kafka_conf_set_error_cb(conf_.get(), forward_error);
  set("log.connection.close", "false");  // idle connections come and go
}

void KafkaConf::set(const std::string& name, const std::string& value) {
  std::array<char, 512> why{};
  const auto result = rd_kafka_conf_set(conf_.get(), name.c_str(), value.c_str(), why.data(), why.size());
  if (result != RD_KAFKA_CONF_OK && refusal_.empty()) refusal_ = why.data();
}

void KafkaConf::set_all(const KafkaProperties& properties) {
  callbacks_.hide_secrets_of(properties);
  for (const auto& [name, value] : properties) {
    set(name, value);
    of_user_.insert(name);
  }
}

void KafkaConf::demand(const std::string& name, const std::string& value) {
  if (of_user_.contains(name) && refusal_.empty()) {
    refusal_ = fmt::format("the property `{}` may not be set: the engine sets it", name);
  }
  set(name, value);
}

bool KafkaConf::set_where_known(const std::string& name, const std::string& value) {
  return rd_kafka_conf_set(conf_.get(), name.c_str(), value.c_str(), nullptr, 0) != RD_KAFKA_CONF_UNKNOWN;
}

std::string KafkaConf::get(const std::string& name) const {
  size_t size = 0;
  if (rd_kafka_conf_get(conf_.get(), name.c_str(), nullptr, &size) != RD_KAFKA_CONF_OK || size == 0) return {};
  std::string value(size, '\0');
  rd_kafka_conf_get(conf_.get(), name.c_str(), value.data(), &size);
  value.resize(std::strlen(value.c_str()));
  return value;
}

Result<RdPtr<rd_kafka_t>> KafkaConf::create(rd_kafka_type_t type) {
  if (!refusal_.empty()) return user_error(callbacks_.without_secrets(refusal_));
  std::array<char, 512> why{};
  rd_kafka_t* client = rd_kafka_new(type, conf_.get(), why.data(), why.size());
  if (client == nullptr) return user_error(fmt::format("Kafka client: {}", callbacks_.without_secrets(why.data())));
  (void)conf_.release();  // belongs to the client now
  return RdPtr<rd_kafka_t>(client);
}

int timeout_ms(Duration timeout) {
  const int64_t ms = std::min<int64_t>(timeout.us, int64_t{2'000'000'000} * 1'000);
  return static_cast<int>(std::max<int64_t>(0, (ms + 999) / 1'000));
}

RdPartitions to_native(const std::vector<TopicPartition>& partitions) {
  RdPartitions list(rd_kafka_topic_partition_list_new(static_cast<int>(partitions.size())));
  for (const auto& at : partitions) rd_kafka_topic_partition_list_add(list.get(), at.topic.c_str(), at.partition);
  return list;
}

RdPartitions to_native(const std::vector<PartitionOffset>& offsets) {
  RdPartitions list(rd_kafka_topic_partition_list_new(static_cast<int>(offsets.size())));
  for (const auto& at : offsets) {
    CHECK_OR_DIE(at.offset >= 0, "only real offsets are committed");
    auto* entry = rd_kafka_topic_partition_list_add(list.get(), at.where.topic.c_str(), at.where.partition);
    entry->offset = at.offset;
    if (at.metadata.empty()) continue;
    entry->metadata = std::malloc(at.metadata.size());  // librdkafka frees it with the list
    CHECK_OR_DIE(entry->metadata != nullptr, "out of memory");
    std::memcpy(entry->metadata, at.metadata.data(), at.metadata.size());
    entry->metadata_size = at.metadata.size();
  }
  return list;
}

std::vector<TopicPartition> from_native(const rd_kafka_topic_partition_list_t* list) {
  std::vector<TopicPartition> partitions;
  if (list == nullptr) return partitions;
  partitions.reserve(static_cast<size_t>(list->cnt));
  for (int i = 0; i < list->cnt; ++i) partitions.push_back({list->elems[i].topic, list->elems[i].partition});
  return partitions;
}

}  // namespace tidemark
