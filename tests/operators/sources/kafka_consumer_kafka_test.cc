// KafkaConsumer against a real broker: what no mock can prove. Run with TIDEMARK_TEST_BROKERS set and the tag [.kafka].
#include <algorithm>
#include <mutex>
#include <random>

#include "operators/sources/kafka_consumer.h"
#include "tests/operators/sources/kafka_kit.h"

namespace tidemark {

using namespace kafka_kit;

namespace {

constexpr int kPartitions = 4;

// Everything that was handed over, by assignment, in order.
class Recorder {
 public:
  explicit Recorder(size_t partitions) : offsets_(partitions), ends_(partitions, -1) {}
  void take(const KafkaMessage& message) {
    const std::lock_guard lock(mutex_);
    if (message.at_end) {
      ends_.at(message.assignment) = message.offset;
    } else {
      offsets_.at(message.assignment).push_back(message.offset);
    }
  }
  std::vector<std::vector<int64_t>> offsets() {
    const std::lock_guard lock(mutex_);
    return offsets_;
  }
  int64_t end(size_t partition) {
    const std::lock_guard lock(mutex_);
    return ends_[partition];
  }

 private:
  std::mutex mutex_;
  std::vector<std::vector<int64_t>> offsets_;
  std::vector<int64_t> ends_;
};

struct RecordingHandler final : MessageHandler {
  RecordingHandler(Recorder& to, int limit) : recorder(to), batch(limit) {}
  Recorder& recorder;
  int batch;
  int left = 0;
  bool on_message(const KafkaMessage& message) override {
    recorder.take(message);
    return --left > 0;
  }
};

class Workers {
 public:
  Workers(KafkaConsumer& consumer, Recorder& recorder, uint32_t queues) {
    for (uint32_t queue = 0; queue < queues; ++queue) {
      threads_.emplace_back([this, &consumer, &recorder, queue] {
        RecordingHandler handler(recorder, queue == 0 ? 7 : 4'096);
        while (!stop_) {
          handler.left = handler.batch;
          consumer.drain(queue, Duration::millis(50), handler);
        }
      });
    }
  }
  ~Workers() {
    stop_ = true;
    for (auto& thread : threads_) thread.join();
  }

 private:
  std::atomic<bool> stop_{false};
  std::vector<std::thread> threads_;
};

// Committed and aborted transactions and plain records in turn, so that offsets have gaps; the tail is an abort marker.
std::map<int32_t, std::vector<int64_t>> fill(const std::string& brokers, const std::string& topic, int rounds) {
  Feeder plain(brokers);
  plain.create_topic(topic, kPartitions);
  Feeder transactional(brokers, unique("feeder"));
  for (int round = 0; round < rounds; ++round) {
    for (int i = 0; i < 2'000; ++i) plain.send(topic, i % kPartitions, "plain record of some length or other");
    plain.flush();
    for (const bool keep : {true, false}) {
      transactional.begin();
      for (int i = 0; i < 100; ++i) transactional.send(topic, i % kPartitions, "of a transaction");
      keep ? transactional.commit() : transactional.abort();
    }
  }
  auto all = plain.kept();
  for (const auto& [partition, offsets] : transactional.kept()) {
    auto& into = all[partition];
    into.insert(into.end(), offsets.begin(), offsets.end());
    std::sort(into.begin(), into.end());
  }
  return all;
}

// Whether `seen` is made of runs of `expected` without gap, each beginning where some later assignment began.
std::string judge_runs(const std::vector<int64_t>& seen, const std::vector<int64_t>& expected,
                       const std::vector<int64_t>& starts) {
  size_t start = 0;
  auto next = expected.end();
  for (size_t i = 0; i < seen.size(); ++i) {
    if (next != expected.end() && seen[i] == *next) {
      ++next;
      continue;
    }
    while (start < starts.size() && starts[start] != seen[i]) ++start;
    if (start == starts.size()) {
      return "offset " + std::to_string(seen[i]) + " at " + std::to_string(i) + " of " + std::to_string(seen.size()) +
             (next == expected.end() ? ", none expected" : ", expected " + std::to_string(*next));
    }
    ++start;
    next = std::lower_bound(expected.begin(), expected.end(), seen[i]) + 1;
  }
  return {};
}

}  // namespace

TEST_CASE("a close ends however the revocation is answered", "[.kafka]") {
  const bool native = GENERATE(true, false);
  const std::string brokers = real_brokers();
  const std::string topic = unique("close");
  Feeder(brokers).create_topic(topic, 1);
  for (int round = 0; round < 100; ++round) {
    Events events;
    auto consumer = value_of(make_kafka_consumer(options(brokers, topic, native), events, ignore_log));
    events.assigned = [&](const auto& given) { require_ok(consumer->assign({{given[0], 0, 0}}, 1)); };
    events.revoked = [&](const auto&, bool) {  // the client may be gone before we are back
      require_ok(consumer->assign({}, 1));
      std::this_thread::sleep_for(std::chrono::microseconds(round * 20));
    };
    require_ok(consumer->subscribe());
    REQUIRE(serve_until(*consumer, [&] { return events.assignments == 1; }));
    consumer->close();
    CHECK(events.revocations == 1);
  }
}

TEST_CASE("a member that was given nothing takes part in the next rebalance", "[.kafka]") {
  const bool native = GENERATE(true, false);
  const std::string brokers = real_brokers();
  const std::string topic = unique("idle");
  Feeder(brokers).create_topic(topic, 1);
  auto wanted = options(brokers, topic, native);
  wanted.properties = {{"heartbeat.interval.ms", "200"}};
  struct Member {
    Events events;
    std::unique_ptr<KafkaConsumer> consumer;
    size_t owned = 0;
  };
  std::array<Member, 3> members;
  const auto join = [&](Member& member) {
    member.consumer = value_of(make_kafka_consumer(wanted, member.events, ignore_log));
    member.events.assigned = [&member](const auto& given) {
      member.owned = given.size();
      std::vector<KafkaConsumer::Start> starts;
      for (const auto& at : given) starts.push_back({at, 0, 0});
      require_ok(member.consumer->assign(starts, 1));
    };
    member.events.revoked = [&member](const auto&, bool) {
      member.owned = 0;
      require_ok(member.consumer->assign({}, 1));
    };
    require_ok(member.consumer->subscribe());
  };
  // The rebalances that nobody but the coordinator tells of must reach all, those without partitions too.
  const auto settled = [&](size_t joined) {
    return serve_until(*members[0].consumer, [&] {
      size_t assignments = 0;
      size_t owned = 0;
      for (size_t i = 0; i < joined; ++i) {
        if (i > 0) members[i].consumer->serve(Duration::millis(1));
        assignments += members[i].events.assignments > 0;
        owned += members[i].owned;
      }
      return assignments == joined && owned == 1;
    });
  };
  for (size_t joined = 1; joined <= members.size(); ++joined) {
    join(members[joined - 1]);
    REQUIRE(settled(joined));
  }
  size_t owner = 0;
  while (members[owner].owned == 0) ++owner;
  members[owner].consumer->close();
  const auto heir = [&] { return members[(owner + 1) % 3].owned + members[(owner + 2) % 3].owned == 1; };
  CHECK(serve_until(*members[(owner + 1) % 3].consumer, [&] {
    members[(owner + 2) % 3].consumer->serve(Duration::millis(1));
    return heir();
  }));
}

TEST_CASE("no message is skipped, doubled or stray over many reassignments and pauses", "[.kafka]") {
  const bool native = GENERATE(true, false);
  const std::string brokers = real_brokers();
  const std::string topic = unique("reassign");
  const auto expected = fill(brokers, topic, 10);
  auto wanted = options(brokers, topic, native);
  wanted.queues = 2;
  wanted.queue_bytes = GENERATE(int64_t{1} << 18, int64_t{32} << 20);

  Events events;
  auto consumer = value_of(make_kafka_consumer(wanted, events, ignore_log));
  std::vector<KafkaConsumer::Start> starts;
  std::vector<std::vector<int64_t>> begun(kPartitions);
  const auto note = [&] {
    for (size_t p = 0; p < starts.size(); ++p) {
      const auto& offsets = expected.at(static_cast<int32_t>(p));
      const auto first = std::lower_bound(offsets.begin(), offsets.end(), starts[p].offset);
      begun[p].push_back(first == offsets.end() ? -1 : *first);
    }
  };
  events.assigned = [&](const std::vector<TopicPartition>& partitions) {
    REQUIRE(partitions.size() == kPartitions);
    starts.clear();
    for (const auto& at : partitions) starts.push_back({at, 0, static_cast<uint32_t>(at.partition % 2)});
    note();
    require_ok(consumer->assign(starts, 2));
  };
  require_ok(consumer->subscribe());

  Recorder recorder(kPartitions);
  Workers workers(*consumer, recorder, 2);
  REQUIRE(serve_until(*consumer, [&] { return events.assignments == 1; }));

  std::mt19937 random(GENERATE(1u, 2u));
  for (int round = 0; round < 150; ++round) {
    consumer->serve(Duration::millis(static_cast<int64_t>(random() % 25)));
    for (auto& start : starts) {
      const auto& offsets = expected.at(start.where.partition);
      start.offset = offsets[random() % offsets.size()];
      start.queue = static_cast<uint32_t>(random() % 2);
    }
    note();
    require_ok(consumer->assign(starts, 2));
    for (int pauses = static_cast<int>(random() % 3); pauses > 0; --pauses) {
      const std::vector<uint32_t> some = {static_cast<uint32_t>(random() % 2), 2 + static_cast<uint32_t>(random() % 2)};
      consumer->serve(Duration::millis(static_cast<int64_t>(random() % 15)));
      require_ok(consumer->pause(some));
      consumer->serve(Duration::millis(static_cast<int64_t>(random() % 15)));
      require_ok(consumer->resume(some));
    }
  }
  for (auto& start : starts) start.offset = 0;
  note();
  require_ok(consumer->assign(starts, 2));
  const auto at_end = [&] {
    const auto statuses = consumer->statuses();
    return std::all_of(statuses.begin(), statuses.end(), [&](const PartitionStatus& status) {
      return status.answered && status.next_fetch_offset == status.log_end && status.log_end > 0;
    });
  };
  CHECK(serve_until(*consumer, at_end, std::chrono::seconds(60)));
  CHECK(events.errors.empty());

  const auto seen = recorder.offsets();
  for (size_t p = 0; p < kPartitions; ++p) {
    const auto& offsets = expected.at(static_cast<int32_t>(p));
    CHECK(judge_runs(seen[p], offsets, begun[p]) == "");
    REQUIRE(seen[p].size() >= offsets.size());
    CHECK(std::equal(offsets.rbegin(), offsets.rend(), seen[p].rbegin()));
    const auto bounds = value_of(consumer->log_bounds(starts[p].where, Duration::seconds(10)));
    CHECK(bounds.start == 0);
    CHECK(bounds.end == consumer->statuses()[p].next_fetch_offset);
    CHECK(bounds.end > offsets.back() + 1);  // the tail is aborted records and a marker
    CHECK(recorder.end(p) == bounds.end);
  }
  consumer->close();
  CHECK(events.revocations == 1);
}

TEST_CASE("a partition held up by an open transaction is not at its high watermark", "[.kafka]") {
  const bool native = GENERATE(true, false);
  const std::string brokers = real_brokers();
  const std::string topic = unique("open");
  Feeder feeder(brokers, unique("feeder"));
  feeder.create_topic(topic, 1);
  Events events;
  auto consumer = value_of(make_kafka_consumer(options(brokers, topic, native), events, ignore_log));
  events.assigned = [&](const auto& partitions) { require_ok(consumer->assign({{partitions[0], 0, 0}}, 1)); };
  require_ok(consumer->subscribe());
  feeder.begin();
  for (int i = 0; i < 10; ++i) feeder.send(topic, 0, "held back");
  REQUIRE(rd_kafka_flush(feeder.native(), 10'000) == 0);

  Recorder recorder(1);
  Workers workers(*consumer, recorder, 1);
  REQUIRE(serve_until(*consumer, [&] {
    const auto all = consumer->statuses();
    return !all.empty() && all[0].answered && all[0].log_end == 10;
  }));
  CHECK(consumer->statuses()[0].next_fetch_offset == 0);
  CHECK(recorder.offsets()[0].empty());
  CHECK(value_of(consumer->log_bounds({topic, 0}, Duration::seconds(10))).end == 10);

  feeder.commit();
  CHECK(serve_until(*consumer, [&] {
    const auto all = consumer->statuses();
    return all[0].answered && all[0].log_end == 11 && all[0].next_fetch_offset == 11;
  }));
  CHECK(recorder.offsets()[0].size() == 10);
}

TEST_CASE("commits carry metadata, and a newer member with the same instance id fences the older", "[.kafka]") {
  const bool native = GENERATE(true, false);
  const std::string brokers = real_brokers();
  const std::string topic = unique("commit");
  Feeder(brokers).create_topic(topic, 2);
  auto wanted = options(brokers, topic, native);
  wanted.group_instance_id = "pipeline-0";
  const TopicPartition zero{topic, 0};
  const TopicPartition one{topic, 1};

  const auto take = [](Events& events, std::unique_ptr<KafkaConsumer>& consumer) {
    events.assigned = [&consumer](const auto& partitions) {
      std::vector<KafkaConsumer::Start> starts;
      for (const auto& at : partitions) starts.push_back({at, 0, 0});
      require_ok(consumer->assign(starts, 1));
    };
    require_ok(consumer->subscribe());
  };
  Events events;
  auto consumer = value_of(make_kafka_consumer(wanted, events, ignore_log));
  take(events, consumer);
  REQUIRE(serve_until(*consumer, [&] { return events.assignments == 1; }));
  const auto nothing = value_of(consumer->committed({zero, one}, Duration::seconds(10)));
  REQUIRE(nothing.size() == 2);
  CHECK(nothing[0].offset == -1);
  CHECK_FALSE(consumer->membership_valid({zero, one}));  // there is nothing to prove it with
  require_ok(consumer->commit({{zero, 0, "unit/1-abc"}, {one, 0, ""}}, Duration::seconds(10)));
  CHECK(consumer->membership_valid({zero, one}));
  require_ok(consumer->assign({}, 1));  // as while a pipeline rewinds
  CHECK(consumer->membership_valid({zero, one}));
  CHECK(consumer->replaced() == false);
  CHECK(value_of(consumer->group_metadata())->native() != nullptr);
  const auto there = value_of(consumer->committed({zero, one}, Duration::seconds(10)));
  CHECK(there[0].offset == 0);
  CHECK(there[0].metadata == "unit/1-abc");
  CHECK(there[1].metadata.empty());

  Events newer_events;
  auto newer = value_of(make_kafka_consumer(wanted, newer_events, ignore_log));
  take(newer_events, newer);
  REQUIRE(serve_until(*newer, [&] { return newer_events.assignments == 1; }));
  // Before the older one has noticed by itself:
  CHECK_FALSE(consumer->membership_valid({zero, one}));
  CHECK(consumer->replaced() == true);
  const auto refused = consumer->commit({{zero, 0, "unit/2-def"}}, Duration::seconds(10));
  REQUIRE_FALSE(refused.has_value());
  INFO(refused.error().message);
  CHECK_FALSE(refused.error().retriable);
  CHECK(serve_until(*consumer, [&] { return events.fenced > 0; }));
  CHECK(events.fenced == 1);
  CHECK_FALSE(consumer->group_metadata().has_value());
  CHECK(newer->membership_valid({zero, one}));
  CHECK(newer->replaced() == false);
  CHECK(value_of(newer->committed({zero}, Duration::seconds(10)))[0].metadata == "unit/1-abc");
}

TEST_CASE("a position outside the log is told, not skipped", "[.kafka]") {
  const bool native = GENERATE(true, false);
  const std::string brokers = real_brokers();
  const std::string topic = unique("outside");
  Feeder feeder(brokers);
  feeder.create_topic(topic, 1);
  feeder.send(topic, 0, "only one");
  feeder.flush();
  Events events;
  auto consumer = value_of(make_kafka_consumer(options(brokers, topic, native), events, ignore_log));
  events.assigned = [&](const auto& partitions) { require_ok(consumer->assign({{partitions[0], 77, 0}}, 1)); };
  require_ok(consumer->subscribe());
  Recorder recorder(1);
  Workers workers(*consumer, recorder, 1);
  REQUIRE(serve_until(*consumer, [&] { return events.fatal(); }));
  CHECK(events.errors.back().first.retriable);
  CHECK(events.errors.back().first.message.find(topic) != std::string::npos);
  CHECK(recorder.offsets()[0].empty());
}

TEST_CASE("offsets are found by time", "[.kafka]") {
  const std::string brokers = real_brokers();
  const std::string topic = unique("time");
  Feeder feeder(brokers);
  feeder.create_topic(topic, 1);
  for (const int64_t at : {1'000, 2'000, 3'000}) feeder.send(topic, 0, "x", at), feeder.flush();
  Events events;
  auto consumer = value_of(make_kafka_consumer(options(brokers, topic), events, ignore_log));
  const TopicPartition zero{topic, 0};
  const auto at = [&](int64_t us) { return value_of(consumer->offset_at(zero, Time{us}, Duration::seconds(10))); };
  CHECK(at(2'000'000) == 1);
  CHECK(at(2'000'001) == 2);
  CHECK(at(-5) == 0);
  CHECK(at(9'000'000) == 3);
}

}  // namespace tidemark
