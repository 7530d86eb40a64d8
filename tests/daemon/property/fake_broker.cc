// What the fake keeps between lives: logs, offsets, transactions and rows that are visible, each call under one lock.
// Clients, deaths and weather are not known here.
#include <algorithm>

#include "tests/daemon/property/fake_kafka.h"

namespace tidemark::property {

FakeBroker::FakeBroker(std::vector<oracle::PartitionLog> logs, std::vector<int64_t> log_ends, int32_t sink_partitions)
    : sink_partitions_(sink_partitions) {
  for (size_t i = 0; i < logs.size(); ++i) {
    sources_.push_back({{logs[i].topic, logs[i].partition}, std::move(logs[i].records), log_ends[i]});
  }
}

void FakeBroker::append(size_t partition, const std::vector<oracle::Record>& records, int64_t log_end) {
  Source& source = sources_[partition];
  source.records.insert(source.records.end(), records.begin(), records.end());
  source.end = log_end;
}

std::vector<Written> FakeBroker::committed_rows() const {
  const std::lock_guard lock(mutex_);
  return rows_;
}

std::vector<std::string> FakeBroker::violations() const {
  const std::lock_guard lock(mutex_);
  return violations_;
}

bool FakeBroker::has_open_transaction() const {
  const std::lock_guard lock(mutex_);
  return std::ranges::any_of(transactions_, [](const auto& t) { return !t.second.rows.empty() || !t.second.offsets.empty(); });
}

void FakeBroker::violation(const std::string& what) {
  const std::lock_guard lock(mutex_);
  violations_.push_back(what);
}

uint64_t FakeBroker::join() {
  const std::lock_guard lock(mutex_);
  return ++newest_member_;
}

bool FakeBroker::is_member(uint64_t member) const {
  const std::lock_guard lock(mutex_);
  return member == newest_member_;
}

std::vector<PartitionOffset> FakeBroker::committed(const std::vector<TopicPartition>& partitions) const {
  const std::lock_guard lock(mutex_);
  std::vector<PartitionOffset> found;
  for (const TopicPartition& id : partitions) {
    const auto at = offsets_.find(id);
    found.push_back(at == offsets_.end() ? PartitionOffset{id, -1, ""} : at->second);
  }
  return found;
}

void FakeBroker::apply_offsets(const std::vector<PartitionOffset>& offsets) {
  for (const PartitionOffset& offset : offsets) offsets_[offset.where] = offset;
}

bool FakeBroker::commit_offsets(const std::vector<PartitionOffset>& offsets, uint64_t member) {
  const std::lock_guard lock(mutex_);
  if (member != newest_member_) return false;
  apply_offsets(offsets);
  return true;
}

void FakeBroker::write(Written row) {
  const std::lock_guard lock(mutex_);
  rows_.push_back(std::move(row));
}

uint64_t FakeBroker::init_transactions(const std::string& id) {
  const std::lock_guard lock(mutex_);
  Transaction& transaction = transactions_[id];
  transaction.rows.clear();
  transaction.offsets.clear();
  return ++transaction.epoch;
}

FakeBroker::Answer FakeBroker::write_in_transaction(const std::string& id, uint64_t epoch, Written row) {
  const std::lock_guard lock(mutex_);
  Transaction& transaction = transactions_[id];
  if (transaction.epoch != epoch) return Answer::kFenced;
  transaction.rows.push_back(std::move(row));
  return Answer::kDone;
}

FakeBroker::Answer FakeBroker::add_offsets(const std::string& id, uint64_t epoch, const std::vector<PartitionOffset>& offsets) {
  const std::lock_guard lock(mutex_);
  Transaction& transaction = transactions_[id];
  if (transaction.epoch != epoch) return Answer::kFenced;
  transaction.offsets = offsets;
  return Answer::kDone;
}

FakeBroker::Answer FakeBroker::end_transaction(const std::string& id, uint64_t epoch, bool commit) {
  const std::lock_guard lock(mutex_);
  Transaction& transaction = transactions_[id];
  if (transaction.epoch != epoch) return Answer::kFenced;
  if (commit) {
    std::ranges::move(transaction.rows, std::back_inserter(rows_));
    apply_offsets(transaction.offsets);
  }
  transaction.rows.clear();
  transaction.offsets.clear();
  return Answer::kDone;
}

void FakeBroker::time_out_transaction(const std::string& id) {
  const std::lock_guard lock(mutex_);
  Transaction& transaction = transactions_[id];
  transaction.rows.clear();
  transaction.offsets.clear();
  ++transaction.epoch;
}

}  // namespace tidemark::property
