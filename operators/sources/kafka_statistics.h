// What of librdkafka's statistics matters here, and whether a partition's leader has answered lately. Pure: JSON and
// counts in, facts out; knows no clients.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "operators/sources/client_statistics.h"
#include "operators/sources/kafka_consumer.h"

namespace tidemark {

struct PartitionStatistics {
  TopicPartition where;
  int32_t broker = -1;      // that it is fetched from; -1 none
  bool active = false;      // its fetcher runs
  int64_t high_watermark = -1;
  int64_t queued_messages = 0;  // in the queue that it is forwarded to
  int64_t queued_bytes = 0;
};

struct KafkaStatistics {
  std::map<int32_t, bool> broker_up;
  std::vector<PartitionStatistics> partitions;  // that are being consumed
  ClientStatistics client;
};

// Parses the JSON document of a statistics callback.
Result<KafkaStatistics> parse_kafka_statistics(std::string_view json);

// Decides from the counts of fetch answers per broker whether a partition took part in one. Two answers since it became
// eligible, or since the last yes, prove it: a request that names the partition was sent after the first of them at the
// latest, because a broker has at most one fetch request outstanding.
class AnswerTracker {
 public:
  // `eligible`: the fetcher runs, unpaused, with room in its queue and a connection to `broker`; `answers`: fetch
  // requests that this broker has answered without error so far.
  bool update(bool eligible, int32_t broker, uint64_t answers);
  // The next yes needs two further answers.
  void reset() { eligible_ = false; }

 private:
  bool eligible_ = false;
  int32_t broker_ = -1;
  uint64_t base_ = 0;
};

}  // namespace tidemark
