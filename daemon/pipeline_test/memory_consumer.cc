// The consuming half: one member that owns every partition, and reads all logs in the one order of their growth.
#include <algorithm>
#include <chrono>

#include "base/check.h"
#include "base/clock.h"
#include "daemon/pipeline_test/memory_kafka.h"

namespace tidemark {
namespace {

constexpr Duration kServe = Duration::micros(100);  // who asks has requests to look after, which wake nobody
constexpr int kQuietTurns = 4;

class MemoryConsumer final : public KafkaConsumer {
 public:
  MemoryConsumer(MemoryBroker& broker, Lookout& lookout, GroupEvents& events)
      : broker_(broker), lookout_(lookout), events_(events) {}

  void serve(Duration timeout) override {
    if (subscribed_ && !assigned_) {
      assigned_ = true;
      return events_.on_assigned(broker_.partitions());
    }
    sleep_for(std::min(timeout, kServe));
  }
  Status subscribe() override {
    member_ = broker_.join();
    subscribed_ = true;
    return {};
  }

  Result<std::vector<TopicPartition>> list_partitions(Duration) override { return broker_.partitions(); }
  Result<std::string> cluster_id(Duration) override { return "memory"; }
  Result<std::vector<PartitionOffset>> committed(const std::vector<TopicPartition>& partitions, Duration) override {
    return broker_.committed(partitions);
  }
  Result<LogBounds> log_bounds(const TopicPartition& partition, Duration) override {
    return LogBounds{0, broker_.log_end(broker_.index_of(partition))};
  }
  Result<int64_t> offset_at(const TopicPartition& partition, Time at, Duration) override {
    const size_t index = broker_.index_of(partition);
    for (size_t place = 0; const MemoryRecord* record = broker_.record(index, place); ++place) {
      if (record->timestamp >= at) return record->offset;
    }
    return broker_.log_end(index);
  }

  Status assign(const std::vector<Start>& starts, uint32_t queues) override {
    CHECK_OR_DIE(queues == 1, "records come in one order, for one worker");
    const std::lock_guard lock(gate_);
    next_ = 0;
    parts_.assign(broker_.partitions().size(), {});
    assignments_.clear();
    for (uint32_t a = 0; a < starts.size(); ++a) {
      assignments_.push_back(broker_.index_of(starts[a].where));
      parts_[assignments_.back()] = {a, starts[a].offset};
    }
    return {};
  }

  size_t drain(uint32_t, Duration timeout, MessageHandler& handler) override {
    size_t handled = 0;
    {
      const std::lock_guard lock(gate_);
      while (const auto appended = broker_.appended(next_)) {
        ++next_;
        Part& part = parts_.at(appended->partition);
        if (!part.assignment || appended->record->offset < part.position) continue;
        part.position = appended->record->offset + 1;
        handled += 1;
        if (!handler.on_message(message_of(*part.assignment, *appended->record))) break;
      }
    }
    if (handled == 0) lookout_.nothing_there(timeout);
    else lookout_.something_there();
    return handled;
  }
  void wake(uint32_t) override { lookout_.wake(); }

  // A partition that is ahead of the others is held back to save memory: here it would break the order.
  Status pause(const std::vector<uint32_t>&) override { return {}; }
  Status resume(const std::vector<uint32_t>&) override { return {}; }
  ClientStatistics client_statistics() const override { return {}; }
  std::vector<PartitionStatus> statuses() override {
    const std::lock_guard lock(gate_);
    std::vector<PartitionStatus> all;
    for (uint32_t a = 0; a < assignments_.size(); ++a) {
      all.push_back({a, parts_[assignments_[a]].position, broker_.log_end(assignments_[a]), true, false});
    }
    return all;
  }

  Status commit(const std::vector<PartitionOffset>& offsets, Duration) override {
    if (broker_.commit_offsets(offsets, member_)) return {};
    return external_error("the group does not know this member", false);
  }
  Result<std::unique_ptr<GroupMetadata>> group_metadata() override { return std::make_unique<MemoryMembership>(member_); }
  bool membership_valid(const std::vector<TopicPartition>&) override { return broker_.is_member(member_); }
  std::optional<bool> replaced() override { return !broker_.is_member(member_); }
  std::optional<bool> alone() override { return broker_.is_member(member_); }
  void close() override {
    subscribed_ = false;
    if (std::exchange(assigned_, false)) events_.on_revoked(broker_.partitions(), false);
  }

 private:
  struct Part {
    std::optional<uint32_t> assignment;
    int64_t position = 0;
  };

  MemoryBroker& broker_;
  Lookout& lookout_;
  GroupEvents& events_;
  bool subscribed_ = false;
  bool assigned_ = false;
  uint64_t member_ = 0;
  std::mutex gate_;  // guards the three below: the pipeline's thread assigns what the worker's drains
  size_t next_ = 0;  // of the records in their one order
  std::vector<Part> parts_;          // by the broker's partition
  std::vector<size_t> assignments_;  // the broker's partitions
};

}  // namespace

void Lookout::nothing_there(Duration at_most) {
  std::unique_lock lock(mutex_);
  if (at_most == Duration{0}) return void(idle_turns_ = 0);
  ++idle_turns_;
  looked_.notify_all();
  woken_.wait_for(lock, std::chrono::microseconds(at_most.us), [this] { return awake_ || hurried_; });
  awake_ = false;
}

void Lookout::something_there() {
  const std::lock_guard lock(mutex_);
  idle_turns_ = 0;
}

void Lookout::wake() {
  const std::lock_guard lock(mutex_);
  awake_ = true;
  woken_.notify_all();
}

bool Lookout::wait_for_quiet(Duration at_most) {
  std::unique_lock lock(mutex_);
  idle_turns_ = 0;
  hurried_ = true;
  woken_.notify_all();
  const bool quiet = looked_.wait_for(lock, std::chrono::microseconds(at_most.us),
                                      [this] { return idle_turns_ >= kQuietTurns; });
  hurried_ = false;
  return quiet;
}

Result<std::unique_ptr<KafkaConsumer>> MemoryKafka::consumer(const ConsumerOptions&, GroupEvents& events, LogLine) {
  return std::make_unique<MemoryConsumer>(broker_, lookout_, events);
}

}  // namespace tidemark
