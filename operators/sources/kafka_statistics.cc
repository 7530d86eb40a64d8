// Reads librdkafka's statistics document. Fields that are absent keep their defaults, since versions differ.
#include "operators/sources/kafka_statistics.h"

#include <algorithm>

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

// The average of a window of measurements.
int64_t average(dom::element broker, const char* name) {
  dom::element window;
  return broker[name].get(window) == simdjson::SUCCESS ? integer(window, "avg", 0) : 0;
}

void read_broker_totals(dom::element broker, ClientStatistics& out) {
  out.request_errors += integer(broker, "txerrs", 0) + integer(broker, "rxerrs", 0) + integer(broker, "req_timeouts", 0);
  out.round_trip_seconds = std::max(out.round_trip_seconds, static_cast<double>(average(broker, "rtt")) / 1e6);
  out.throttle_seconds = std::max(out.throttle_seconds, static_cast<double>(average(broker, "throttle")) / 1e3);
}

void read_brokers(dom::element document, KafkaStatistics& out) {
  dom::object brokers;
  if (document["brokers"].get(brokers) != simdjson::SUCCESS) return;
  for (const auto& [name, broker] : brokers) {
    const auto id = static_cast<int32_t>(integer(broker, "nodeid", -1));
    read_broker_totals(broker, out.client);
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
    out.client.queued_messages += one.queued_messages;
    out.client.queued_bytes += one.queued_bytes;
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
  out.client.queued_messages = integer(document, "msg_cnt", 0);
  out.client.queued_bytes = integer(document, "msg_size", 0);
  out.client.sent_bytes = integer(document, "tx_bytes", 0);
  out.client.received_bytes = integer(document, "rx_bytes", 0);
  read_brokers(document, out);
  out.client.brokers_up = std::ranges::count_if(out.broker_up, [](const auto& broker) { return broker.second; });
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
