// NativeFetch against a fake broker that behaves: what is handed over, in which order, and where it says that it
// stands, through pauses, stops and new assignments. What goes wrong is tested beside this.
#include "operators/sources/native_fetch.h"

#include <atomic>
#include <set>
#include <thread>

#include "tests/operators/sources/native/fetch_kit.h"

namespace tidemark {

using namespace fetch_kit;
using batch_kit::Packing;

TEST_CASE("partitions are read in order, to their ends, which are told once") {
  FakeBroker broker;
  broker.fill({"t", 0}, 500);
  broker.fill({"t", 1}, 300, 50, Packing::kLz4);
  broker.with([](FakeBroker::State& state) { state.newest_version = GENERATE(int16_t{11}, int16_t{17}, int16_t{4}); });
  Reading reading(broker, {start("t", 0), start("t", 1, 120)});
  Taken taken;
  REQUIRE(drain_until(reading.fetch, taken, [&] { return taken.ends.size() == 2; }));
  drain_for(reading.fetch, taken, 150ms);
  CHECK(taken.offsets[0] == range(0, 500));
  CHECK(taken.offsets[1] == range(120, 300));
  CHECK(taken.ends[0] == std::vector<int64_t>{500});
  CHECK(taken.ends[1] == std::vector<int64_t>{300});
  CHECK(taken.wrong_values == 0);
  const auto statuses = reading.fetch.statuses();
  REQUIRE(statuses.size() == 2);
  CHECK(statuses[0].answered);
  CHECK(statuses[0].next_fetch_offset == 500);
  CHECK(statuses[0].log_end == 500);
  CHECK(statuses[1].assignment == 1);
  CHECK(statuses[1].next_fetch_offset == 300);
  CHECK_FALSE(statuses[1].paused);
  CHECK_FALSE(reading.fetch.statuses()[0].answered);  // until the next answer

  broker.fill({"t", 0}, 5, 5);
  REQUIRE(drain_until(reading.fetch, taken, [&] { return taken.ends[0].size() == 2; }));
  CHECK(taken.offsets[0] == range(0, 505));
  CHECK(taken.ends[0].back() == 505);
  const auto asked = broker.asked();
  const int16_t newest = broker.with([](FakeBroker::State& state) { return state.newest_version; });
  CHECK(std::ranges::all_of(asked, [&](const auto& one) { return one.version == std::min<int16_t>(newest, 11); }));
  CHECK(reading.fetch.take_errors().empty());
  const ClientStatistics statistics = reading.fetch.client_statistics();
  CHECK(statistics.request_errors == 0);
  CHECK(statistics.sent_bytes > 0);
  CHECK(statistics.received_bytes > 500);
}

TEST_CASE("a new connection is asked for records as soon as it is made") {
  FakeBroker broker;
  broker.fill({"t", 0}, 10);
  Reading reading(broker, {start("t", 0)});
  Taken taken;
  const auto began = steady_clock::now();
  CHECK(reading.fetch.drain(0, Duration::seconds(8), taken) > 0);
  CHECK(steady_clock::now() - began < 4s);
}

TEST_CASE("a drain that finds nothing ends in time, and wake ends it before") {
  FakeBroker broker;
  Reading reading(broker, {start("t", 0)});
  Taken taken;
  REQUIRE(drain_until(reading.fetch, taken, [&] { return taken.ends.size() == 1; }));
  auto began = steady_clock::now();
  CHECK(reading.fetch.drain(0, Duration::millis(300), taken) == 0);
  CHECK(steady_clock::now() - began >= 290ms);
  CHECK(steady_clock::now() - began < 5s);
  CHECK(reading.fetch.drain(7, Duration::seconds(10), taken) == 0);  // no such queue
  began = steady_clock::now();
  std::thread waker([&] {
    std::this_thread::sleep_for(100ms);
    reading.fetch.wake(0);
  });
  CHECK(reading.fetch.drain(0, Duration::seconds(20), taken) == 0);
  CHECK(steady_clock::now() - began < 10s);
  waker.join();
}

TEST_CASE("a handler may stop after each message: none is lost, none comes twice") {
  FakeBroker broker;
  for (const Packing packing : batch_kit::kPackings) broker.fill({"t", 0}, 20, 10, packing);
  broker.fill({"t", 1}, 30, 7);
  Reading reading(broker, {start("t", 0), start("t", 1)});
  Taken taken;
  taken.stop_after = 1;
  size_t handled = 0;
  for (int i = 0; i < 2'000 && taken.ends.size() < 2; ++i) {
    const size_t once = reading.fetch.drain(0, Duration::millis(20), taken);
    REQUIRE(once <= 1);
    handled += once;
    if (!taken.offsets[0].empty() && taken.ends[0].empty()) {
      REQUIRE(reading.fetch.statuses()[0].next_fetch_offset == taken.offsets[0].back() + 1);
    }
  }
  CHECK(taken.offsets[0] == range(0, 120));
  CHECK(taken.offsets[1] == range(0, 30));
  CHECK(handled == 152);
  CHECK(taken.wrong_values == 0);
}

TEST_CASE("a pause in the middle of an answer ends it there, and resume goes on from there") {
  FakeBroker broker;
  broker.fill({"t", 0}, 400, 100);
  broker.fill({"t", 1}, 400, 100);
  Reading reading(broker, {start("t", 0), start("t", 1)});
  Taken taken;
  taken.stop_after = 5;
  REQUIRE(drain_until(reading.fetch, taken, [&] { return taken.offsets[0].size() >= 5; }));
  REQUIRE(reading.fetch.pause({0}).has_value());
  const auto at = taken.offsets[0].size();
  REQUIRE(at < 400);
  REQUIRE(drain_until(reading.fetch, taken, [&] { return !taken.ends[1].empty(); }));
  drain_for(reading.fetch, taken, 100ms);
  CHECK(taken.offsets[0].size() == at);
  CHECK(taken.offsets[1] == range(0, 400));
  auto status = reading.fetch.statuses()[0];
  CHECK(status.paused);
  CHECK_FALSE(status.answered);
  CHECK(status.next_fetch_offset == static_cast<int64_t>(at));
  const size_t questions = broker.asked().size();
  REQUIRE(drain_until(reading.fetch, taken, [&] { return broker.asked().size() > questions + 1; }));
  const FetchQuestion last = broker.asked().back();
  for (const auto& place : last.places) CHECK(place.partition == 1);

  REQUIRE(reading.fetch.pause({0}).has_value());  // twice is once
  REQUIRE(reading.fetch.resume({0}).has_value());
  REQUIRE(drain_until(reading.fetch, taken, [&] { return !taken.ends[0].empty(); }));
  CHECK(taken.offsets[0] == range(0, 400));
  CHECK(taken.offsets[1] == range(0, 400));
  status = reading.fetch.statuses()[0];
  CHECK_FALSE(status.paused);
  CHECK(status.answered);
  CHECK(taken.wrong_values == 0);
}

TEST_CASE("many pauses at any moment lose and double nothing") {
  FakeBroker broker;
  for (int32_t partition = 0; partition < 3; ++partition) broker.fill({"t", partition}, 3'000, 40, Packing::kSnappy);
  NativeFetchOptions options = quick();
  options.limits.partition_bytes = 2'000;
  Reading reading(broker, {start("t", 0), start("t", 1), start("t", 2)}, options);
  Taken taken;
  taken.stop_after = 37;
  for (uint32_t round = 0; taken.ends.size() < 3; ++round) {
    REQUIRE(round < 5'000);
    reading.fetch.drain(0, Duration::millis(20), taken);
    if (round % 5 == 1) REQUIRE(reading.fetch.pause({round % 3, (round + 1) % 3}).has_value());
    if (round % 5 == 3) REQUIRE(reading.fetch.resume({0, 1, 2}).has_value());
  }
  for (uint32_t i = 0; i < 3; ++i) CHECK(taken.offsets[i] == range(0, 3'000));
}

TEST_CASE("a new assignment while an answer is under way: nothing of the old one comes") {
  FakeBroker broker;
  broker.fill({"t", 0}, 200, 20);
  broker.fill({"u", 0}, 200, 20);
  broker.with([](FakeBroker::State& state) { state.delay_ms = 60; });
  Reading reading(broker, {start("t", 0), start("t", 1)});
  Taken none;
  reading.fetch.drain(0, Duration::millis(20), none);  // versions, and a question whose answer takes its time
  reading.fetch.drain(0, Duration::millis(10), none);
  CHECK(none.count == 0);
  reading.fetch.set_leaders(led_by(broker.address(1), {start("u", 0)}));
  REQUIRE(reading.fetch.take({start("u", 0, 150), start("t", 0, 190)}, 1).has_value());
  Taken taken;
  REQUIRE(drain_until(reading.fetch, taken, [&] { return taken.ends.size() == 2; }));
  CHECK(taken.offsets[0] == range(150, 200));
  CHECK(taken.offsets[1] == range(190, 200));
  CHECK(taken.wrong_values == 0);

  REQUIRE(reading.fetch.give_up().has_value());
  CHECK(reading.fetch.statuses().empty());
  broker.fill({"u", 0}, 10);
  Taken nobody;
  drain_for(reading.fetch, nobody, 150ms);
  CHECK(nobody.count == 0);
}

TEST_CASE("a new assignment in the middle of an answer: nothing of the old one comes") {
  FakeBroker broker;
  broker.fill({"t", 0}, 200, 100, Packing::kZstd);
  Reading reading(broker, {start("t", 0)});
  Taken taken;
  taken.stop_after = 3;
  REQUIRE(drain_until(reading.fetch, taken, [&] { return taken.count >= 3; }));
  REQUIRE(reading.fetch.take({start("t", 0, 77)}, 1).has_value());
  CHECK(reading.fetch.statuses()[0].next_fetch_offset == 77);
  Taken again;
  again.stop_after = 3;
  REQUIRE(drain_until(reading.fetch, again, [&] { return !again.ends.empty(); }));
  CHECK(again.offsets[0] == range(77, 200));
}

TEST_CASE("each partition comes first in its turn, over all topics") {
  FakeBroker broker;
  std::vector<KafkaConsumer::Start> starts;
  // Out of order, as a group may give them.
  for (const char* topic : {"b", "a", "c"}) {
    for (int32_t partition = 0; partition < 3; ++partition) starts.push_back(start(topic, partition));
  }
  std::ranges::rotate(starts, starts.begin() + 1);
  for (const auto& one : starts) broker.fill({one.where.topic, one.where.partition}, 2'000, 10);
  NativeFetchOptions options = quick();
  options.limits.bytes = 2'000;
  options.limits.partition_bytes = 1'000;
  Reading reading(broker, starts, options);
  Taken taken;
  REQUIRE(drain_until(reading.fetch, taken, [&] { return broker.asked().size() >= 60; }));
  std::map<FakeBroker::Key, int> first;
  for (const auto& question : broker.asked()) {
    ++first[{question.places.at(0).topic, question.places.at(0).partition}];
    std::set<std::string> over;
    std::string present;
    for (const auto& place : question.places) {
      if (place.topic == present) continue;
      CHECK(over.insert(place.topic).second);  // those of a topic lie together
      present = place.topic;
    }
  }
  CHECK(first.size() == 9);
  for (const auto& [key, times] : first) CHECK(times >= 3);
}

TEST_CASE("a batch larger than an answer's share comes through beside a busy topic") {
  FakeBroker broker;
  broker.fill({"a", 0}, 3'000, 10);
  broker.fill({"b", 0}, 2'000, 1'000);  // some ten kilobytes each
  NativeFetchOptions options = quick();
  options.limits.bytes = 4'000;
  options.limits.partition_bytes = 1'000;
  Reading reading(broker, {start("a", 0), start("b", 0)}, options);
  Taken taken;
  REQUIRE(drain_until(reading.fetch, taken, [&] { return !taken.ends[1].empty() || !taken.ends[0].empty(); }));
  CHECK(taken.offsets[1] == range(0, 2'000));
  CHECK(taken.ends[0].empty());  // it was busy all the time
}

TEST_CASE("a broker with much to say does not silence another") {
  FakeBroker busy;
  FakeBroker other;
  busy.fill({"t", 0}, 20'000, 20);
  other.fill({"t", 1}, 2'000, 20);
  NativeFetchOptions options = quick();
  options.limits.partition_bytes = 2'000;
  NativeFetch fetch(options);
  fetch.set_leaders({{{"t", 0}, busy.address(1)}, {{"t", 1}, other.address(2)}});
  REQUIRE(fetch.take({start("t", 0), start("t", 1)}, 1).has_value());
  // Slow enough that an answer of the first is there whenever it is its turn.
  struct Slow final : MessageHandler {
    Taken taken;
    bool on_message(const KafkaMessage& message) override {
      if (++taken.count % 20 == 0) std::this_thread::sleep_for(1ms);
      --taken.count;
      return taken.on_message(message);
    }
  } slow;
  REQUIRE(drain_until(fetch, slow, [&] { return !slow.taken.ends[1].empty() || !slow.taken.ends[0].empty(); }));
  CHECK(slow.taken.offsets[1] == range(0, 2'000));
  CHECK(slow.taken.ends[0].empty());
}

TEST_CASE("an end before the high watermark is where open transactions begin") {
  FakeBroker broker;
  broker.fill({"t", 0}, 20, 10);
  broker.append({"t", 0}, batch_kit::numbered(20, 5, Packing::kNone, 3));
  broker.with([](FakeBroker::State& state) { state.logs[{"t", 0}].last_stable = 20; });
  Reading reading(broker, {start("t", 0)});
  Taken taken;
  REQUIRE(drain_until(reading.fetch, taken, [&] { return !taken.ends.empty(); }));
  CHECK(taken.offsets[0] == range(0, 20));
  CHECK(taken.ends[0] == std::vector<int64_t>{20});
  CHECK(reading.fetch.statuses()[0].log_end == 25);
  broker.append({"t", 0}, batch_kit::marker(25, 3, false));
  broker.with([](FakeBroker::State& state) {
    state.logs[{"t", 0}].last_stable = -1;
    state.logs[{"t", 0}].aborted = {{3, 20}};
  });
  REQUIRE(drain_until(reading.fetch, taken, [&] { return taken.ends[0].size() == 2; }));
  CHECK(taken.offsets[0] == range(0, 20));
  CHECK(taken.ends[0].back() == 26);
  CHECK(reading.fetch.statuses()[0].next_fetch_offset == 26);
}

TEST_CASE("a pause need not wait for the end of a long answer") {
  constexpr size_t kRecords = 5'000;
  FakeBroker broker;
  broker.fill({"t", 0}, kRecords, kRecords);
  Reading reading(broker, {start("t", 0)});
  struct Slow final : MessageHandler {
    std::atomic<size_t> handled{0};
    bool on_message(const KafkaMessage& message) override {
      if (!message.at_end) ++handled;
      std::this_thread::sleep_for(1ms);
      return true;
    }
  } slow;
  std::atomic<bool> stop{false};
  std::thread worker([&] {
    while (!stop) reading.fetch.drain(0, Duration::millis(20), slow);
  });
  const auto deadline = steady_clock::now() + 10s;
  while (slow.handled < 10 && steady_clock::now() < deadline) std::this_thread::sleep_for(1ms);
  CHECK(reading.fetch.pause({0}).has_value());
  const size_t handled = slow.handled;
  CHECK(handled >= 10);
  CHECK(handled < kRecords / 2);
  CHECK(reading.fetch.statuses()[0].next_fetch_offset == static_cast<int64_t>(handled));
  stop = true;
  worker.join();
  CHECK(slow.handled == handled);
}

TEST_CASE("take, pause and resume hold off the drains of all queues, again and again") {
  constexpr uint32_t kPartitions = 4;
  FakeBroker broker;
  for (int32_t partition = 0; partition < 4; ++partition) broker.fill({"t", partition}, 1'000, 20, Packing::kLz4);
  NativeFetchOptions options = quick();
  options.limits.partition_bytes = 1'000;
  std::vector<KafkaConsumer::Start> starts;
  for (int32_t partition = 0; partition < 4; ++partition) starts.push_back(start("t", partition));
  Reading reading(broker, starts, options, 2);

  struct Shared final : MessageHandler {
    std::mutex mutex;
    std::vector<std::vector<int64_t>> offsets{kPartitions};
    bool on_message(const KafkaMessage& message) override {
      if (message.at_end) return true;
      const std::lock_guard lock(mutex);
      offsets[message.assignment].push_back(message.offset);
      return offsets[message.assignment].size() % 11 != 0;
    }
  } shared;
  std::atomic<bool> stop{false};
  std::vector<std::thread> workers;
  for (uint32_t queue = 0; queue < 2; ++queue) {
    workers.emplace_back([&, queue] {
      while (!stop) reading.fetch.drain(queue, Duration::millis(30), shared);
    });
  }
  std::vector<std::vector<int64_t>> begun(kPartitions, {0});
  const auto nap = [](uint32_t round) { std::this_thread::sleep_for(std::chrono::microseconds(round * 37 % 3'000)); };
  bool all_ok = true;
  for (uint32_t round = 1; round <= 200; ++round) {
    for (uint32_t p = 0; p < kPartitions; ++p) {
      starts[p].offset = (round * 131 + p * 17) % 900;
      starts[p].queue = (round + p) % 2;
      begun[p].push_back(starts[p].offset);
    }
    all_ok &= reading.fetch.take(starts, 2).has_value();
    nap(round);
    all_ok &= reading.fetch.pause({round % kPartitions}).has_value();
    all_ok &= reading.fetch.statuses().size() == kPartitions;
    nap(round * 3);
    all_ok &= reading.fetch.resume({round % kPartitions}).has_value();
    if (round % 40 == 0) reading.fetch.set_leaders(led_by(broker.address(1 + round / 40), starts));
    nap(round * 7);
  }
  const auto deadline = steady_clock::now() + 20s;
  const auto at_end = [&] {
    const auto statuses = reading.fetch.statuses();
    return std::ranges::all_of(statuses, [](const auto& one) { return one.next_fetch_offset == 1'000; });
  };
  while (!at_end() && steady_clock::now() < deadline) std::this_thread::sleep_for(5ms);
  stop = true;
  for (auto& worker : workers) worker.join();
  CHECK(all_ok);
  CHECK(at_end());
  for (uint32_t p = 0; p < kPartitions; ++p) {
    // Runs without gaps, each from where some later assignment began; the last one is whole.
    size_t assignment = 0;
    int64_t next = -1;
    bool stray = false;
    for (const int64_t offset : shared.offsets[p]) {
      if (offset != next) {
        while (assignment < begun[p].size() && begun[p][assignment] != offset) ++assignment;
        stray |= assignment++ == begun[p].size();
        if (stray) break;
      }
      next = offset + 1;
    }
    CHECK_FALSE(stray);
    CHECK(next == 1'000);
  }
}

}  // namespace tidemark
