// Reads librdkafka's statistics document. Fields that are absent keep their defaults, since versions differ.
#include "operators/sources/kafka_statistics.h"

#include <simdjson.h>

namespace tidemark {

namespace {

namespace dom = simdjson::dom;

int64_t integer(dom::element object, const char* name, int64_t otherwise) {
  int64_t value = 0;
  return object[name].get(value) == simdjson::SUCCESS ? value : otherwise;
}

std::string_view text(dom::element object, const char* name) {
  std::string_view value;
  return object[name].get(value) == simdjson::SUCCESS ? value : std::string_view{};
}

void read_brokers(dom::element document, KafkaStatistics& out) {
  dom::object brokers;
  if (document["brokers"].get(brokers) != simdjson::SUCCESS) return;
  for (const auto& [name, broker] : brokers) {
    const auto id = static_cast<int32_t>(integer(broker, "nodeid", -1));
    // The coordinator has a second, "logical" connection to its broker, which fetches nothing.
    if (id >= 0 && text(broker, "source") != "logical") out.broker_up[id] |= text(broker, "state") == "UP";
  }
}

void read_topic(std::string_view topic, dom::element element, KafkaStatistics& out) {
  dom::object partitions;
  if (element["partitions"].get(partitions) != simdjson::SUCCESS) return;
  for (const auto& [key, partition] : partitions) {
    PartitionStatistics one;
    one.where = {std::string(topic), static_cast<int32_t>(integer(partition, "partition", -1))};
    if (one.where.partition < 0) continue;  // the fictive one for unassigned messages
    one.broker = static_cast<int32_t>(integer(partition, "broker", -1));
    one.active = text(partition, "fetch_state") == "active";
    one.high_watermark = std::max<int64_t>(-1, integer(partition, "hi_offset", -1));
    one.queued_messages = integer(partition, "fetchq_cnt", 0);
    one.queued_bytes = integer(partition, "fetchq_size", 0);
    out.partitions.push_back(std::move(one));
  }
}

}  // namespace

Result<KafkaStatistics> parse_kafka_statistics(std::string_view json) {
  dom::parser parser;
  dom::element document;
  if (const auto error = parser.parse(json.data(), json.size()).get(document)) {
    return internal_error(std::string("librdkafka statistics: ") + simdjson::error_message(error));
  }
  KafkaStatistics out;
  read_brokers(document, out);
  dom::object topics;
  if (document["topics"].get(topics) == simdjson::SUCCESS) {
    for (const auto& [name, topic] : topics) read_topic(name, topic, out);
  }
  return out;
}

bool AnswerTracker::update(bool eligible, int32_t broker, uint64_t answers) {
  if (!eligible || !eligible_ || broker != broker_) {
    eligible_ = eligible;
    broker_ = broker;
    base_ = answers;
    return false;
  }
  if (answers - base_ < 2) return false;
  base_ = answers;
  return true;
}

}  // namespace tidemark
