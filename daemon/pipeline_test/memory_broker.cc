// What the broker keeps between the lives of its clients, each call under one lock.
#include "daemon/pipeline_test/memory_broker.h"

#include <algorithm>

#include "base/check.h"

namespace tidemark {
namespace {

constexpr int64_t kUsualLimit = 1'000'000;

std::optional<std::string> owned(std::optional<std::string_view> view) {
  return view ? std::optional<std::string>(*view) : std::nullopt;
}

void read_headers(const void* native, Arena& arena, RawRecord& record) {
  for (const auto& [name, value] : static_cast<const MemoryRecord*>(native)->headers) {
    std::optional<std::string_view> copy;
    if (value) copy = arena.copy(*value);
    record.headers.emplace_back(arena.copy(name), copy);
  }
}

}  // namespace

WrittenRecord written_record(std::string topic, const ProducerRecord& record) {
  WrittenRecord row{std::move(topic), record.partition, owned(record.key), owned(record.value), {},
                    std::max(record.timestamp, Time::from_millis(1))};
  for (const ProducerHeader& h : record.headers) row.headers.emplace_back(h.name, owned(h.value));
  return row;
}

KafkaMessage message_of(uint32_t assignment, const MemoryRecord& record) {
  KafkaMessage message;
  message.assignment = assignment;
  message.offset = record.offset;
  message.timestamp = record.timestamp;
  message.key_is_null = !record.key;
  message.value_is_null = !record.value;
  if (record.key) message.key = *record.key;
  if (record.value) message.value = *record.value;
  message.native = &record;
  message.read_headers = read_headers;
  return message;
}

MemoryBroker::MemoryBroker(std::vector<TopicPartition> partitions, int32_t sink_partitions)
    : partitions_(std::move(partitions)), sink_partitions_(sink_partitions), logs_(partitions_.size()) {}

void MemoryBroker::Transaction::clear() {
  rows.clear();
  offsets.clear();
}

void MemoryBroker::append(size_t partition, MemoryRecord record) {
  const std::lock_guard lock(mutex_);
  Log& log = logs_.at(partition);
  CHECK_OR_DIE(record.offset >= log.end, "offsets rise");
  log.end = record.offset + 1;
  log.records.push_back(std::move(record));
  order_.push_back({partition, &log.records.back()});
}

void MemoryBroker::set_end(size_t partition, int64_t end) {
  const std::lock_guard lock(mutex_);
  logs_.at(partition).end = std::max(logs_.at(partition).end, end);
}

std::vector<WrittenRecord> MemoryBroker::committed_rows() const {
  const std::lock_guard lock(mutex_);
  return rows_;
}

bool MemoryBroker::has_open_transaction() const {
  const std::lock_guard lock(mutex_);
  const auto is_open = [](const auto& entry) { return !entry.second.rows.empty() || !entry.second.offsets.empty(); };
  return std::ranges::any_of(transactions_, is_open);
}

void MemoryBroker::sever() {
  const std::lock_guard lock(mutex_);
  ++newest_member_;
  for (auto& [id, transaction] : transactions_) {
    transaction.clear();
    ++transaction.epoch;
  }
}

size_t MemoryBroker::index_of(const TopicPartition& id) const {
  const auto found = std::ranges::find(partitions_, id);
  CHECK_OR_DIE(found != partitions_.end(), "only what is listed is asked for");
  return static_cast<size_t>(found - partitions_.begin());
}

int64_t MemoryBroker::limit_of(const std::string& topic) const {
  const auto found = limits_.find(topic);
  return found == limits_.end() ? kUsualLimit : found->second;
}

int64_t MemoryBroker::log_end(size_t partition) const {
  const std::lock_guard lock(mutex_);
  return logs_.at(partition).end;
}

const MemoryRecord* MemoryBroker::record(size_t partition, size_t place) const {
  const std::lock_guard lock(mutex_);
  const auto& records = logs_.at(partition).records;
  return place < records.size() ? &records[place] : nullptr;
}

size_t MemoryBroker::place_of(size_t partition, int64_t offset) const {
  const std::lock_guard lock(mutex_);
  const auto& records = logs_.at(partition).records;
  return static_cast<size_t>(std::ranges::lower_bound(records, offset, {}, &MemoryRecord::offset) - records.begin());
}

std::optional<MemoryBroker::Appended> MemoryBroker::appended(size_t number) const {
  const std::lock_guard lock(mutex_);
  return number < order_.size() ? std::optional(order_[number]) : std::nullopt;
}

uint64_t MemoryBroker::join() {
  const std::lock_guard lock(mutex_);
  return ++newest_member_;
}

bool MemoryBroker::is_member(uint64_t member) const {
  const std::lock_guard lock(mutex_);
  return member == newest_member_;
}

std::vector<PartitionOffset> MemoryBroker::committed(const std::vector<TopicPartition>& partitions) const {
  const std::lock_guard lock(mutex_);
  std::vector<PartitionOffset> found;
  for (const TopicPartition& id : partitions) {
    const auto at = offsets_.find(id);
    found.push_back(at == offsets_.end() ? PartitionOffset{id, -1, ""} : at->second);
  }
  return found;
}

void MemoryBroker::apply_offsets(const std::vector<PartitionOffset>& offsets) {
  for (const PartitionOffset& offset : offsets) offsets_[offset.where] = offset;
}

bool MemoryBroker::commit_offsets(const std::vector<PartitionOffset>& offsets, uint64_t member) {
  const std::lock_guard lock(mutex_);
  if (member != newest_member_) return false;
  apply_offsets(offsets);
  return true;
}

void MemoryBroker::write(WrittenRecord row) {
  const std::lock_guard lock(mutex_);
  rows_.push_back(std::move(row));
}

uint64_t MemoryBroker::init_transactions(const std::string& id) {
  const std::lock_guard lock(mutex_);
  Transaction& transaction = transactions_[id];
  transaction.clear();
  return ++transaction.epoch;
}

MemoryBroker::Answer MemoryBroker::write_in_transaction(const std::string& id, uint64_t epoch, WrittenRecord row) {
  const std::lock_guard lock(mutex_);
  Transaction& transaction = transactions_[id];
  if (transaction.epoch != epoch) return Answer::kFenced;
  transaction.rows.push_back(std::move(row));
  return Answer::kDone;
}

MemoryBroker::Answer MemoryBroker::add_offsets(const std::string& id, uint64_t epoch,
                                               const std::vector<PartitionOffset>& offsets) {
  const std::lock_guard lock(mutex_);
  Transaction& transaction = transactions_[id];
  if (transaction.epoch != epoch) return Answer::kFenced;
  transaction.offsets = offsets;
  return Answer::kDone;
}

MemoryBroker::Answer MemoryBroker::end_transaction(const std::string& id, uint64_t epoch, bool commit) {
  const std::lock_guard lock(mutex_);
  Transaction& transaction = transactions_[id];
  if (transaction.epoch != epoch) return Answer::kFenced;
  if (commit) {
    std::ranges::move(transaction.rows, std::back_inserter(rows_));
    apply_offsets(transaction.offsets);
  }
  transaction.clear();
  return Answer::kDone;
}

void MemoryBroker::time_out_transaction(const std::string& id) {
  const std::lock_guard lock(mutex_);
  Transaction& transaction = transactions_[id];
  transaction.clear();
  ++transaction.epoch;
}

}  // namespace tidemark
