// The producing half: what is accepted is with the broker at once, and visible as the broker decides.
#include <algorithm>

#include "daemon/pipeline_test/memory_kafka.h"
#include "operators/formats/record_overhead.h"

namespace tidemark {
namespace {

using Answer = MemoryBroker::Answer;

std::unexpected<TransactionError> failure(TransactionFailure kind, const char* message) {
  return std::unexpected(TransactionError{kind, message});
}

class MemoryProducer final : public KafkaProducer {
 public:
  MemoryProducer(MemoryBroker& broker, std::optional<std::string> id) : broker_(broker), id_(std::move(id)) {}

  Result<OpenTopic> open_topic(std::string_view name, Duration) override {
    topics_.emplace_back(name);
    return OpenTopic{static_cast<uint32_t>(topics_.size() - 1), broker_.sink_partitions(),
        broker_.limit_of(topics_.back())};
  }
  Result<std::string> cluster_id(Duration) override { return "memory"; }

  ProduceResult produce(const ProducerRecord& record) override {
    const std::lock_guard lock(mutex_);
    const std::string& topic = topics_.at(record.topic);
    if (bytes_of(record) > broker_.limit_of(topic)) return ProduceResult::kTooLarge;
    WrittenRecord row = written_record(topic, record);
    if (!id_) {
      broker_.write(std::move(row));
    } else if (!open_ || broker_.write_in_transaction(*id_, epoch_, std::move(row)) == Answer::kFenced) {
      return ProduceResult::kFailed;
    }
    acknowledged_ += 1;
    return ProduceResult::kAccepted;
  }
  void poll(Duration) override {}
  Result<bool> flush(Duration) override { return true; }
  int64_t bytes_in_flight() const override { return 0; }
  uint64_t records_acknowledged() const override {
    const std::lock_guard lock(mutex_);
    return acknowledged_;
  }
  ClientStatistics client_statistics() const override { return {}; }
  std::optional<Error> delivery_error() const override { return std::nullopt; }

  TransactionStatus init_transactions(Duration) override {
    const std::lock_guard lock(mutex_);
    epoch_ = broker_.init_transactions(*id_);
    return {};
  }
  TransactionStatus begin() override {
    const std::lock_guard lock(mutex_);
    open_ = true;
    return {};
  }
  TransactionStatus send_offsets(const std::vector<PartitionOffset>& offsets, const GroupMetadata& group) override {
    const std::lock_guard lock(mutex_);
    if (!broker_.is_member(MemoryMembership::member_of(group))) {
      return failure(TransactionFailure::kAbort, "the group does not know this member");
    }
    return answer(broker_.add_offsets(*id_, epoch_, offsets));
  }
  TransactionStatus commit(Duration) override { return end(true); }
  TransactionStatus abort(Duration) override { return end(false); }

 private:
  static int64_t bytes_of(const ProducerRecord& record) {
    const auto size = [](const std::optional<std::string_view>& text) { return text ? text->size() : 0; };
    size_t bytes = kRecordOverheadBytes + size(record.key) + size(record.value);
    for (const ProducerHeader& h : record.headers) bytes += kHeaderOverheadBytes + h.name.size() + size(h.value);
    return static_cast<int64_t>(bytes);
  }
  static TransactionStatus answer(Answer answer) {
    if (answer == Answer::kFenced) return failure(TransactionFailure::kFenced, "fenced");
    return {};
  }
  TransactionStatus end(bool commit) {
    const std::lock_guard lock(mutex_);
    open_ = false;
    return answer(broker_.end_transaction(*id_, epoch_, commit));
  }

  MemoryBroker& broker_;
  const std::optional<std::string> id_;
  std::vector<std::string> topics_;  // opened before anything is produced
  mutable std::mutex mutex_;         // guards all below
  uint64_t acknowledged_ = 0;
  bool open_ = false;
  uint64_t epoch_ = 0;
};

}  // namespace

Result<std::unique_ptr<KafkaProducer>> MemoryKafka::producer(const ProducerOptions& options, LogLine) {
  return std::make_unique<MemoryProducer>(broker_, options.transactional_id);
}

}  // namespace tidemark
