// KafkaLookup: questions to a cluster (which partitions, which offsets, which limits) through a client of its own. It
// belongs to no group, never creates topics and, unlike a read_committed consumer, sees the high watermark.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "operators/sources/kafka_client.h"
#include "operators/sources/kafka_errors.h"
#include "operators/sources/partition_fetch.h"

namespace tidemark {

// Single-threaded. All calls wait at most `timeout`. Unknown topics, missing rights and wrong credentials are user
// errors, an unreachable broker is an external retriable one.
class KafkaLookup final : private KafkaCallbacks {
 public:
  static Result<std::unique_ptr<KafkaLookup>> make(const std::string& brokers, const std::string& client_id,
                                                   const KafkaProperties& properties, KafkaLog log);

  Result<std::vector<TopicPartition>> partitions(const std::vector<std::string>& topics, Duration timeout);
  // Of the topics whose names match the POSIX extended regular expression; internal topics never do.
  Result<std::vector<TopicPartition>> partitions_matching(const std::string& pattern, Duration timeout);
  // Of the partitions that have one.
  Result<Leaders> leaders(const std::vector<std::string>& topics, Duration timeout);
  Result<std::string> cluster_id(Duration timeout);
  Result<LogBounds> bounds(const TopicPartition& partition, Duration timeout);
  // The ids of the group's members, as its coordinator knows them.
  Result<std::vector<std::string>> members(const std::string& group, Duration timeout);
  Result<int64_t> offset_at(const TopicPartition& partition, Time at, Duration timeout);
  // The topic's max.message.bytes. Reading it takes a right of its own (DescribeConfigs), which a producer does not need,
  // and some brokers do not answer; so nothing is a common answer, after two seconds at most.
  std::optional<int64_t> max_message_bytes(const std::string& topic, Duration timeout);
  // Whether this user has the right to write to the topic. Nothing where that is not told: by librdkafka before 2.3, or
  // by the broker.
  std::optional<bool> may_write(const std::string& topic, Duration timeout);

 private:
  KafkaLookup(std::string brokers, KafkaLog log) : KafkaCallbacks(std::move(log)), brokers_(std::move(brokers)) {}
  void on_client_error(rd_kafka_resp_err_t code, std::string_view text, bool fatal) override;
  // Calls `ask(ms)` until it answers something other than silence, time runs out, or the client reports a user's fault.
  template <class Ask>
  Status ask_until(Duration timeout, std::string_view what, Ask ask);
  Result<RdPtr<const rd_kafka_metadata_t>> metadata(const std::string* topic, Duration timeout);

  const std::string brokers_;
  RdPtr<rd_kafka_t> client_;
  std::optional<Error> user_fault_;  // reported by the client since the present call began
  OutageCause outage_;
};

}  // namespace tidemark
