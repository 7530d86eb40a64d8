// Rows become the broker's when they are delivered, and stay so whatever death follows. Transactions fail and time out
// as the weather has it; what a transaction is worth is the broker's to say.
#include <algorithm>
#include <deque>

#include "tests/daemon/property/fake_producer.h"

namespace tidemark::property {
namespace {

std::unexpected<TransactionError> failure(TransactionFailure kind, const char* message) {
  return std::unexpected(TransactionError{kind, message});
}

// Rows wait in a queue of limited length until poll() or flush() takes them to the broker, as in librdkafka.
class FakeProducer final : public KafkaProducer {
 public:
  FakeProducer(FakeBroker& broker, Life& life, const Weather& weather, std::optional<std::string> id, Random random)
      : broker_(broker), life_(life), weather_(weather), id_(std::move(id)), random_(random) {}

  Result<OpenTopic> open_topic(std::string_view name, Duration) override {
    if (life_.dead()) return external_error("the process is dead");
    const std::lock_guard lock(mutex_);
    topics_.emplace_back(name);
    return OpenTopic{static_cast<uint32_t>(topics_.size() - 1), broker_.sink_partitions(), 1'000'000};
  }
  Result<std::string> cluster_id(Duration) override { return "the cluster"; }

  ProduceResult produce(const ProducerRecord& record) override {
    const std::lock_guard lock(mutex_);
    if (id_ && !open_) {
      broker_.violation("a row outside any transaction");
      return ProduceResult::kFailed;
    }
    if (record.partition < 0 || record.partition >= broker_.sink_partitions()) broker_.violation("a partition that is not there");
    if (static_cast<int64_t>(queue_.size()) >= weather_.queue_records) return ProduceResult::kQueueFull;
    const Life::Fate fate = life_.act(Act::kProduce);
    if (fate == Life::Fate::kDiesBefore || fate == Life::Fate::kIsDead) return ProduceResult::kFailed;
    queue_.push_back(written_record(topics_.at(record.topic), record));
    if (fate == Life::Fate::kDiesAfter) deliver(queue_.size());  // the broker has it, though nobody hears of it
    return ProduceResult::kAccepted;
  }
  void poll(Duration) override {
    const std::lock_guard lock(mutex_);
    if (!life_.dead() && !queue_.empty()) deliver(static_cast<size_t>(random_.in(1, static_cast<int64_t>(queue_.size()))));
  }
  Result<bool> flush(Duration) override {
    const std::lock_guard lock(mutex_);
    if (life_.dead()) return external_error("the process is dead");
    deliver(queue_.size());
    return true;
  }
  int64_t bytes_in_flight() const override { return 0; }
  uint64_t records_acknowledged() const override { return acknowledged_; }
  ClientStatistics client_statistics() const override { return {}; }
  std::optional<Error> delivery_error() const override { return std::nullopt; }

  TransactionStatus init_transactions(Duration) override {
    const Life::Fate fate = life_.act(Act::kTransaction);
    if (fate == Life::Fate::kGoesOn || fate == Life::Fate::kDiesAfter) epoch_ = broker_.init_transactions(*id_);
    return answer(fate);
  }
  TransactionStatus begin() override {
    const std::lock_guard lock(mutex_);
    if (life_.dead()) return answer(Life::Fate::kIsDead);
    if (open_) broker_.violation("a transaction inside a transaction");
    open_ = true;
    return {};
  }
  TransactionStatus send_offsets(const std::vector<PartitionOffset>& offsets, const GroupMetadata& group) override {
    const std::lock_guard lock(mutex_);
    if (!open_) broker_.violation("offsets outside any transaction");
    const Life::Fate fate = life_.act(Act::kTransaction);
    if (fate == Life::Fate::kDiesBefore || fate == Life::Fate::kIsDead) return answer(fate);
    if (auto storm = bad_weather(); !storm) return storm;
    if (!broker_.is_member(MemoryMembership::member_of(group))) {
      return failure(TransactionFailure::kAbort, "the group does not know this member");
    }
    if (broker_.add_offsets(*id_, epoch_, offsets) == FakeBroker::Answer::kFenced) {
      return failure(TransactionFailure::kFenced, "fenced");
    }
    return answer(fate);
  }
  TransactionStatus commit(Duration) override { return end(true); }
  TransactionStatus abort(Duration) override { return end(false); }

 private:
  void deliver(size_t rows) {
    for (; rows > 0 && !queue_.empty(); --rows) {
      if (id_) {
        (void)broker_.write_in_transaction(*id_, epoch_, std::move(queue_.front()));
      } else {
        broker_.write(std::move(queue_.front()));
      }
      queue_.pop_front();
      acknowledged_ += 1;
    }
  }
  TransactionStatus answer(Life::Fate fate) const {
    return fate == Life::Fate::kGoesOn ? TransactionStatus{} : failure(TransactionFailure::kFatal, "the process is dead");
  }
  TransactionStatus bad_weather() {
    if (spared_ > 0) return --spared_, TransactionStatus{};
    if (random_.percent(weather_.timed_out)) broker_.time_out_transaction(*id_);
    if (random_.percent(weather_.abort_wanted)) return failure(TransactionFailure::kAbort, "the transaction must be aborted");
    return {};
  }
  TransactionStatus end(bool commit) {
    const std::lock_guard lock(mutex_);
    if (commit && !open_) broker_.violation("a commit outside any transaction");
    const Life::Fate fate = life_.act(Act::kTransaction);
    if (fate == Life::Fate::kDiesBefore || fate == Life::Fate::kIsDead) return answer(fate);
    if (commit) {
      if (auto storm = bad_weather(); !storm) return storm;
      deliver(queue_.size());
    }
    queue_.clear();
    if (broker_.end_transaction(*id_, epoch_, commit) == FakeBroker::Answer::kFenced) {
      return failure(TransactionFailure::kFenced, "fenced");
    }
    open_ = false;
    return answer(fate);
  }

  FakeBroker& broker_;
  Life& life_;
  const Weather weather_;
  const std::optional<std::string> id_;
  mutable std::mutex mutex_;  // guards all below
  Random random_;
  std::vector<std::string> topics_;
  std::deque<WrittenRecord> queue_;
  std::atomic<uint64_t> acknowledged_{0};
  int64_t spared_ = weather_.spared;
  bool open_ = false;
  uint64_t epoch_ = 0;
};

}  // namespace

std::unique_ptr<KafkaProducer> make_fake_producer(FakeBroker& broker, Life& life, const Weather& weather,
                                                  std::optional<std::string> id, Random random) {
  return std::make_unique<FakeProducer>(broker, life, weather, std::move(id), random);
}

}  // namespace tidemark::property
