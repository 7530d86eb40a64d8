// What every librdkafka client here shares: owning pointers, configuration in layers, logs, partition lists. Knows nothing
// of consuming or producing.
#pragma once

#include <librdkafka/rdkafka.h>

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "operators/sources/kafka_consumer.h"
#include "operators/sources/secrets.h"

namespace tidemark {

struct RdDeleter {
  void operator()(rd_kafka_t* p) const { rd_kafka_destroy(p); }
  void operator()(rd_kafka_conf_t* p) const { rd_kafka_conf_destroy(p); }
  void operator()(rd_kafka_queue_t* p) const { rd_kafka_queue_destroy(p); }
  void operator()(rd_kafka_error_t* p) const { rd_kafka_error_destroy(p); }
  void operator()(rd_kafka_event_t* p) const { rd_kafka_event_destroy(p); }
  void operator()(rd_kafka_topic_t* p) const { rd_kafka_topic_destroy(p); }
  void operator()(rd_kafka_message_t* p) const { rd_kafka_message_destroy(p); }
  void operator()(rd_kafka_headers_t* p) const { rd_kafka_headers_destroy(p); }
  void operator()(rd_kafka_topic_partition_list_t* p) const { rd_kafka_topic_partition_list_destroy(p); }
  void operator()(rd_kafka_consumer_group_metadata_t* p) const { rd_kafka_consumer_group_metadata_destroy(p); }
  void operator()(const rd_kafka_metadata_t* p) const { rd_kafka_metadata_destroy(p); }
};
template <class T>
using RdPtr = std::unique_ptr<T, RdDeleter>;
using RdPartitions = RdPtr<rd_kafka_topic_partition_list_t>;

using KafkaLog = std::function<void(int level, std::string_view text)>;
using KafkaProperties = std::vector<std::pair<std::string, std::string>>;

// What a client's callbacks get as their opaque pointer. Outlives the client.
class KafkaCallbacks {
 public:
  explicit KafkaCallbacks(KafkaLog log) : log_(std::move(log)) {}
  virtual ~KafkaCallbacks() = default;
  // Before the first client: what librdkafka says is without these properties' secrets from then on.
  void hide_secrets_of(const KafkaProperties& properties) {
    if (secrets_.empty()) secrets_ = Secrets(properties);
  }
  std::string without_secrets(std::string_view text) const { return secrets_.hidden(text); }
  void log(int level, std::string_view text) const {
    if (log_) log_(level, without_secrets(text));
  }
  // On the thread that polls the client. `fatal`: the client is of no further use.
  virtual void on_client_error(rd_kafka_resp_err_t code, std::string_view text, bool fatal) = 0;

 private:
  KafkaLog log_;
  Secrets secrets_;
};

// Settings in layers: a later one replaces an earlier one, so defaults come first, then the user's, then what the
// guarantees demand. The first refusal is kept and answered by create().
class KafkaConf {
 public:
  explicit KafkaConf(KafkaCallbacks& callbacks);
  void set(const std::string& name, const std::string& value);
  void set(const std::string& name, int64_t value) { set(name, std::to_string(value)); }
  // The user's.
  void set_all(const KafkaProperties& properties);
  // What is not the user's to choose: a setting of theirs is refused, never replaced in silence.
  void demand(const std::string& name, const std::string& value);
  void demand(const std::string& name, int64_t value) { demand(name, std::to_string(value)); }
  // For properties that older libraries do not have; false: not known here.
  bool set_where_known(const std::string& name, const std::string& value);
  // The value as it stands; empty when there is none.
  std::string get(const std::string& name) const;
  rd_kafka_conf_t* native() { return conf_.get(); }
  // Consumes the settings. What librdkafka refuses is a user error.
  Result<RdPtr<rd_kafka_t>> create(rd_kafka_type_t type);

 private:
  KafkaCallbacks& callbacks_;
  RdPtr<rd_kafka_conf_t> conf_;
  std::set<std::string> of_user_;
  std::string refusal_;
};

// Whole milliseconds for librdkafka, rounded up, at most about 24 days and never negative.
int timeout_ms(Duration timeout);

RdPartitions to_native(const std::vector<TopicPartition>& partitions);
// With offset and metadata.
RdPartitions to_native(const std::vector<PartitionOffset>& offsets);
std::vector<TopicPartition> from_native(const rd_kafka_topic_partition_list_t* list);

}  // namespace tidemark
