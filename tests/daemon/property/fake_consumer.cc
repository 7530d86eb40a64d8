// The consuming half of the fake Kafka, and the making of clients. Random streams are forked for each queue, so that
// threads do not draw from each other's.
#include <algorithm>
#include <chrono>
#include <thread>

#include "tests/daemon/property/fake_kafka.h"
#include "tests/daemon/property/fake_producer.h"

namespace tidemark::property {
namespace {

void nap(Duration at_most) {
  std::this_thread::sleep_for(std::chrono::microseconds(std::clamp<int64_t>(at_most.us / 50, 0, 100)));
}

// A static member that owns every partition, but for the revocations in its weather.
class FakeConsumer final : public KafkaConsumer {
 public:
  FakeConsumer(FakeBroker& broker, Life& life, const Weather& weather, GroupEvents& events, uint32_t queues, Random random)
      : broker_(broker), life_(life), weather_(weather), events_(events), random_(random), queues_(queues) {
    for (Queue& queue : queues_) queue.random = random_.fork();
    revocations_ = weather_.revocations;
  }

  void serve(Duration timeout) override {
    if (life_.dead() || !subscribed_) return nap(timeout);
    if (!assigned_) {
      assigned_ = true;
      revoke_in_ = random_.in(20, 400);
      return events_.on_assigned(broker_.partitions());
    }
    if (revocations_ > 0 && --revoke_in_ == 0) {
      revocations_ -= 1;
      assigned_ = false;
      const bool lost = random_.percent(weather_.lost);
      if (lost) member_ = broker_.join();
      return events_.on_revoked(broker_.partitions(), lost);
    }
    nap(timeout);
  }
  Status subscribe() override {
    if (life_.dead()) return dead();
    member_ = broker_.join();
    subscribed_ = true;
    return {};
  }

  Result<std::vector<TopicPartition>> list_partitions(Duration) override {
    if (life_.dead()) return dead();
    return broker_.partitions();
  }
  Result<std::string> cluster_id(Duration) override { return "the cluster"; }
  Result<std::vector<PartitionOffset>> committed(const std::vector<TopicPartition>& partitions, Duration) override {
    if (life_.dead()) return dead();
    return broker_.committed(partitions);
  }
  Result<LogBounds> log_bounds(const TopicPartition& partition, Duration) override {
    if (life_.dead()) return dead();
    return LogBounds{0, broker_.log_end(broker_.index_of(partition))};
  }
  Result<int64_t> offset_at(const TopicPartition&, Time, Duration) override { return external_error("not asked here"); }

  Status assign(const std::vector<Start>& starts, uint32_t) override {
    closing_ += 1;
    const std::unique_lock lock(gate_);
    closing_ -= 1;
    parts_.clear();
    for (const Start& start : starts) {
      auto part = std::make_unique<Part>();
      part->partition = broker_.index_of(start.where);
      part->queue = start.queue;
      part->next = broker_.place_of(part->partition, start.offset);
      part->position = start.offset;
      parts_.push_back(std::move(part));
    }
    return {};
  }

  size_t drain(uint32_t queue, Duration timeout, MessageHandler& handler) override {
    if (closing_ > 0 || life_.dead()) return nap(timeout), 0;
    size_t handled = 0;
    {
      const std::shared_lock lock(gate_);
      Random& random = queues_.at(queue).random;
      for (int64_t runs = random.in(1, 4); runs > 0; --runs) {
        const std::vector<uint32_t> ready = with_news(queue);
        if (ready.empty()) break;
        if (!hand_over(random.one_of(ready), random.in(1, weather_.longest_run), handler, handled)) break;
      }
    }
    if (handled == 0) nap(timeout);
    return handled;
  }
  void wake(uint32_t) override {}

  Status pause(const std::vector<uint32_t>& assignments) override { return set_paused(assignments, true); }
  Status resume(const std::vector<uint32_t>& assignments) override { return set_paused(assignments, false); }
  ClientStatistics client_statistics() const override { return {}; }
  std::vector<PartitionStatus> statuses() override {
    const std::shared_lock lock(gate_);
    std::vector<PartitionStatus> all;
    for (uint32_t i = 0; i < parts_.size(); ++i) {
      all.push_back({i, parts_[i]->position, broker_.log_end(parts_[i]->partition), true, parts_[i]->paused});
    }
    return all;
  }

  Status commit(const std::vector<PartitionOffset>& offsets, Duration) override {
    const Life::Fate fate = life_.act(Act::kTransaction);
    if (fate == Life::Fate::kDiesBefore || fate == Life::Fate::kIsDead) return dead();
    if (!broker_.commit_offsets(offsets, member_)) return external_error("the group does not know this member", false);
    return fate == Life::Fate::kGoesOn ? Status{} : dead();
  }
  Result<std::unique_ptr<GroupMetadata>> group_metadata() override {
    if (life_.dead()) return dead();
    return std::make_unique<MemoryMembership>(member_);
  }
  bool membership_valid(const std::vector<TopicPartition>& owned) override {
    if (life_.dead()) return false;
    const auto has_commit = [](const PartitionOffset& one) { return one.offset >= 0; };
    return std::ranges::any_of(broker_.committed(owned), has_commit) && broker_.is_member(member_);
  }
  std::optional<bool> replaced() override {
    if (life_.dead()) return std::nullopt;
    return !broker_.is_member(member_);
  }
  std::optional<bool> alone() override { return !life_.dead() && broker_.is_member(member_); }
  void close() override {
    if (std::exchange(assigned_, false) && !life_.dead()) events_.on_revoked(broker_.partitions(), false);
    subscribed_ = false;
  }

 private:
  struct Part {
    size_t partition = 0;               // the broker's
    uint32_t queue = 0;
    size_t next = 0;                    // of its records; the drain's
    bool end_told = false;              // the drain's
    std::atomic<bool> paused{false};
    std::atomic<int64_t> position{0};
  };
  struct Queue {
    Random random{0};
  };

  static std::unexpected<Error> dead() { return external_error("the process is dead"); }
  Status set_paused(const std::vector<uint32_t>& assignments, bool paused) {
    const std::shared_lock lock(gate_);
    for (uint32_t a : assignments) parts_.at(a)->paused = paused;
    return {};
  }
  std::vector<uint32_t> with_news(uint32_t queue) const {
    std::vector<uint32_t> ready;
    for (uint32_t i = 0; i < parts_.size(); ++i) {
      const Part& part = *parts_[i];
      if (part.queue != queue || part.paused) continue;
      if (!part.end_told || broker_.record(part.partition, part.next)) ready.push_back(i);
    }
    return ready;
  }
  // False when the handler wants no more.
  bool hand_over(uint32_t assignment, int64_t messages, MessageHandler& handler, size_t& handled) {
    Part& part = *parts_[assignment];
    for (; messages > 0 && closing_ == 0; --messages) {
      const MemoryRecord* const next = broker_.record(part.partition, part.next);
      if (!next) {
        if (std::exchange(part.end_told, true)) return true;
        KafkaMessage message;
        message.assignment = assignment;
        message.at_end = true;
        message.offset = broker_.log_end(part.partition);
        part.position = message.offset;
        return handler.on_message(message);
      }
      if (life_.act(Act::kDeliver) != Life::Fate::kGoesOn) return false;
      const MemoryRecord& record = *next;
      part.next += 1;
      KafkaMessage message = message_of(assignment, record);
      const std::string key = record.key.value_or("");
      const std::string value = record.value.value_or("");  // gone when the callback is over, as librdkafka's is
      message.key = key;
      message.value = value;
      part.position = record.offset + 1;
      handled += 1;
      if (!handler.on_message(message)) return false;
    }
    return true;
  }

  FakeBroker& broker_;
  Life& life_;
  const Weather weather_;
  GroupEvents& events_;
  Random random_;
  std::vector<Queue> queues_;
  bool subscribed_ = false;
  bool assigned_ = false;
  int64_t revocations_ = 0;
  int64_t revoke_in_ = 0;
  uint64_t member_ = 0;
  std::atomic<int> closing_{0};
  std::shared_mutex gate_;  // shared: a drain runs; exclusive: parts_ change
  std::vector<std::unique_ptr<Part>> parts_;
};

}  // namespace

Result<std::unique_ptr<KafkaConsumer>> FakeKafka::consumer(const ConsumerOptions& options, GroupEvents& events, LogLine) {
  if (life_.dead()) return external_error("the process is dead");
  return std::make_unique<FakeConsumer>(broker_, life_, weather_, events, options.queues, random_.fork());
}

Result<std::unique_ptr<KafkaProducer>> FakeKafka::producer(const ProducerOptions& options, LogLine) {
  if (life_.dead()) return external_error("the process is dead");
  return make_fake_producer(broker_, life_, weather_, options.transactional_id, random_.fork());
}

}  // namespace tidemark::property
