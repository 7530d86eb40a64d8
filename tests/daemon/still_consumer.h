// A consumer for tests of what asks one: it answers what it was told to, and nothing ever comes of it.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "operators/sources/kafka_consumer.h"

namespace tidemark {

// A group and its logs that say what they were told to.
class StillConsumer : public KafkaConsumer {
 public:
  std::vector<PartitionOffset> offsets;
  std::map<TopicPartition, LogBounds> logs;

  void serve(Duration) override {}
  Status subscribe() override { return {}; }
  Result<std::vector<TopicPartition>> list_partitions(Duration) override { return external_error("not asked here"); }
  Result<std::string> cluster_id(Duration) override { return external_error("not asked here"); }
  Result<std::vector<PartitionOffset>> committed(const std::vector<TopicPartition>& asked, Duration) override {
    std::vector<PartitionOffset> found;
    for (const PartitionOffset& one : offsets) {
      if (std::ranges::find(asked, one.where) != asked.end()) found.push_back(one);
    }
    return found;
  }
  Result<LogBounds> log_bounds(const TopicPartition& id, Duration) override { return logs.at(id); }
  Result<int64_t> offset_at(const TopicPartition&, Time, Duration) override { return external_error("not asked here"); }
  Status assign(const std::vector<Start>&, uint32_t) override { return {}; }
  size_t drain(uint32_t, Duration, MessageHandler&) override { return 0; }
  void wake(uint32_t) override {}
  Status pause(const std::vector<uint32_t>&) override { return {}; }
  Status resume(const std::vector<uint32_t>&) override { return {}; }
  std::vector<PartitionStatus> statuses() override { return {}; }
  ClientStatistics client_statistics() const override { return {}; }
  Status commit(const std::vector<PartitionOffset>&, Duration) override { return {}; }
  Result<std::unique_ptr<GroupMetadata>> group_metadata() override { return external_error("not asked here"); }
  bool membership_valid(const std::vector<TopicPartition>&) override { return true; }
  std::optional<bool> replaced() override { return false; }
  std::optional<bool> alone() override { return true; }
  void close() override {}
};

}  // namespace tidemark
