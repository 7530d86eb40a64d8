// Between the oracle's records and the broker's. Clients, deaths and weather are not known here.
#include <algorithm>

#include "tests/daemon/property/fake_kafka.h"

namespace tidemark::property {
namespace {

std::vector<TopicPartition> ids_of(const std::vector<oracle::PartitionLog>& logs) {
  std::vector<TopicPartition> ids;
  for (const oracle::PartitionLog& log : logs) ids.push_back({log.topic, log.partition});
  return ids;
}

MemoryRecord to_memory(const oracle::Record& record) {
  MemoryRecord out;
  out.offset = record.offset;
  if (record.timestamp_ms >= 0) out.timestamp = Time::from_millis(record.timestamp_ms);
  out.key = record.key;
  out.value = record.value;
  for (const oracle::Header& h : record.headers) out.headers.emplace_back(h.name, h.value);
  return out;
}

Written to_written(WrittenRecord&& row) {
  Written out{std::move(row.topic), row.partition, std::move(row.key), std::move(row.value), {}, row.timestamp.to_millis()};
  for (auto& [name, value] : row.headers) out.headers.push_back({std::move(name), std::move(value)});
  return out;
}

}  // namespace

FakeBroker::FakeBroker(const std::vector<oracle::PartitionLog>& logs, const std::vector<int64_t>& log_ends, int32_t sink_partitions)
    : MemoryBroker(ids_of(logs), sink_partitions) {
  for (size_t i = 0; i < logs.size(); ++i) append(i, logs[i].records, log_ends[i]);
}

void FakeBroker::append(size_t partition, const std::vector<oracle::Record>& records, int64_t log_end) {
  for (const oracle::Record& record : records) MemoryBroker::append(partition, to_memory(record));
  set_end(partition, log_end);
}

std::vector<Written> FakeBroker::committed_rows() const {
  std::vector<Written> rows;
  for (WrittenRecord& row : MemoryBroker::committed_rows()) rows.push_back(to_written(std::move(row)));
  return rows;
}

std::vector<std::string> FakeBroker::violations() const {
  const std::lock_guard lock(violations_mutex_);
  return violations_;
}

void FakeBroker::violation(const std::string& what) {
  const std::lock_guard lock(violations_mutex_);
  violations_.push_back(what);
}

}  // namespace tidemark::property
