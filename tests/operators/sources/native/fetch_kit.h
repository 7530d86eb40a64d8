// What tests of the native fetch share: a fetch with little patience, its drains, and what they handed over.
#pragma once

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "operators/sources/native_fetch.h"
#include "tests/operators/sources/native/fake_broker.h"

namespace tidemark::fetch_kit {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

inline NativeFetchOptions quick() {
  NativeFetchOptions options;
  options.client_id = "test";
  options.limits.wait_ms = 50;
  options.first_backoff = 10ms;
  options.most_backoff = 40ms;
  return options;
}

// Keeps what it is handed, by assignment. Stops at each end, so that what came before is all that had come by then.
struct Taken final : MessageHandler {
  size_t stop_after = 1'000'000;  // 1: after each
  size_t count = 0;
  std::map<uint32_t, std::vector<int64_t>> offsets;
  std::map<uint32_t, std::vector<int64_t>> ends;
  size_t wrong_values = 0;  // the kit's records hold their offset

  bool on_message(const KafkaMessage& message) override {
    if (message.at_end) {
      ends[message.assignment].push_back(message.offset);
      ++count;
      return false;
    }
    offsets[message.assignment].push_back(message.offset);
    wrong_values += message.value != std::to_string(message.offset);
    return ++count % stop_after != 0;
  }
};

// Drains until `done` or for ten seconds; true when done.
template <class Done>
bool drain_until(NativeFetch& fetch, MessageHandler& to, Done done, uint32_t queue = 0) {
  const auto deadline = steady_clock::now() + 10s;
  while (!done()) {
    if (steady_clock::now() > deadline) return false;
    fetch.drain(queue, Duration::millis(20), to);
  }
  return true;
}
inline void drain_for(NativeFetch& fetch, MessageHandler& to, std::chrono::milliseconds time, uint32_t queue = 0) {
  const auto until = steady_clock::now() + time;
  while (steady_clock::now() < until) fetch.drain(queue, Duration::millis(10), to);
}

inline std::vector<int64_t> range(int64_t from, int64_t to) {
  std::vector<int64_t> all;
  for (; from < to; ++from) all.push_back(from);
  return all;
}

inline KafkaConsumer::Start start(const std::string& topic, int32_t partition, int64_t offset = 0, uint32_t queue = 0) {
  return {{topic, partition}, offset, queue};
}

inline Leaders led_by(const BrokerAddress& broker, const std::vector<KafkaConsumer::Start>& starts) {
  Leaders leaders;
  for (const auto& one : starts) leaders.emplace(one.where, broker);
  return leaders;
}

// A fetch of `starts`, all led by `broker`.
struct Reading {
  Reading(FakeBroker& broker, const std::vector<KafkaConsumer::Start>& starts, NativeFetchOptions options = quick(),
          uint32_t queues = 1)
      : fetch(std::move(options)) {
    fetch.set_leaders(led_by(broker.address(1), starts));
    REQUIRE(fetch.take(starts, queues).has_value());
  }
  NativeFetch fetch;
};

}  // namespace tidemark::fetch_kit
