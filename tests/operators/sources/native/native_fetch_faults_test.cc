// NativeFetch against a fake broker that misbehaves, or is not there: nothing is lost and nothing comes twice, what
// people must know is told once, and reading goes on as soon as it can.
#include <netinet/in.h>

#include <algorithm>

#include "operators/sources/native_fetch.h"
#include "tests/operators/sources/native/fetch_kit.h"

namespace tidemark {

using namespace fetch_kit;
using batch_kit::Packing;

namespace {

void set_error(FakeBroker& broker, const FakeBroker::Key& key, int16_t error) {
  broker.with([&](FakeBroker::State& state) { state.logs[key].error = error; });
}

// A port where nobody listens.
int32_t dead_port() {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  REQUIRE(bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
  REQUIRE(getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size) == 0);
  close(fd);
  return ntohs(at.sin_port);
}

}  // namespace

TEST_CASE("an offset outside the log is told once and ends that partition alone") {
  FakeBroker broker;
  broker.fill({"t", 1}, 20);
  set_error(broker, {"t", 0}, 1);
  Reading reading(broker, {start("t", 0, 77), start("t", 1)});
  Taken taken;
  REQUIRE(drain_until(reading.fetch, taken, [&] { return !taken.ends[1].empty(); }));
  const auto errors = reading.fetch.take_errors();
  REQUIRE(errors.size() == 1);
  CHECK(errors[0].code == 1);
  CHECK(errors[0].where == TopicPartition{"t", 0});
  CHECK_THAT(errors[0].text, Contains("77"));
  drain_for(reading.fetch, taken, 600ms);
  CHECK(reading.fetch.take_errors().empty());
  const auto asked = broker.asked();
  const auto names_it = [](const FetchQuestion& one) {
    return std::ranges::any_of(one.places, [](const auto& place) { return place.partition == 0; });
  };
  CHECK(asked.size() > 3);
  CHECK(std::ranges::count_if(asked, names_it) <= 2);  // the second was on its way when the first answer was looked at
  CHECK(taken.offsets[0].empty());
  CHECK(reading.fetch.topics_without_leaders().empty());
}

TEST_CASE("a leader that is not one any more is asked for, and reading goes on from there") {
  const int16_t code = GENERATE(int16_t{3}, int16_t{5}, int16_t{6}, int16_t{9}, int16_t{56}, int16_t{74}, int16_t{75});
  FakeBroker broker;
  broker.fill({"t", 0}, 100);
  broker.fill({"u", 0}, 10);
  Reading reading(broker, {start("t", 0), start("u", 0)});
  CHECK(reading.fetch.topics_without_leaders().empty());
  Taken taken;
  REQUIRE(drain_until(reading.fetch, taken, [&] { return taken.ends.size() == 2; }));
  set_error(broker, {"t", 0}, code);
  broker.fill({"t", 0}, 50);
  REQUIRE(drain_until(reading.fetch, taken, [&] { return !reading.fetch.topics_without_leaders().empty(); }));
  CHECK(reading.fetch.topics_without_leaders() == std::vector<std::string>{"t"});
  const size_t before = broker.asked().size();
  drain_for(reading.fetch, taken, 400ms);
  CHECK(broker.asked().size() < before + 20);  // not as fast as it can
  set_error(broker, {"t", 0}, 0);
  reading.fetch.set_leaders(led_by(broker.address(1), {start("t", 0)}));
  CHECK(reading.fetch.topics_without_leaders().empty());
  REQUIRE(drain_until(reading.fetch, taken, [&] { return taken.ends[0].size() == 2; }));
  CHECK(taken.offsets[0] == range(0, 150));
  CHECK(taken.offsets[1] == range(0, 10));
  CHECK(reading.fetch.take_errors().empty());  // moves are nobody's business
}

TEST_CASE("another error is told once, until it succeeds again") {
  FakeBroker broker;
  broker.fill({"t", 0}, 10);
  set_error(broker, {"t", 0}, 29);
  Reading reading(broker, {start("t", 0)});
  Taken taken;
  REQUIRE(drain_until(reading.fetch, taken, [&] { return broker.asked().size() >= 3; }));
  auto errors = reading.fetch.take_errors();
  REQUIRE(errors.size() == 1);
  CHECK(errors[0].code == 29);
  set_error(broker, {"t", 0}, 0);
  REQUIRE(drain_until(reading.fetch, taken, [&] { return !taken.ends.empty(); }));
  CHECK(taken.offsets[0] == range(0, 10));
  set_error(broker, {"t", 0}, 29);
  REQUIRE(drain_until(reading.fetch, taken, [&] {
    for (auto& error : reading.fetch.take_errors()) errors.push_back(error);
    return errors.size() == 2;
  }));
}

TEST_CASE("a leader that moves to another broker takes its partition along, in the middle of an answer too") {
  const size_t stop_after = GENERATE(size_t{5}, size_t{1'000});
  FakeBroker first;
  FakeBroker second;
  first.fill({"t", 0}, 300, 100);
  first.fill({"t", 1}, 40);
  second.fill({"t", 0}, 500, 50);
  Reading reading(first, {start("t", 0), start("t", 1)});
  Taken taken;
  taken.stop_after = stop_after;
  REQUIRE(drain_until(reading.fetch, taken, [&] { return !taken.offsets[0].empty(); }));
  set_error(first, {"t", 0}, 6);
  reading.fetch.set_leaders(led_by(second.address(2), {start("t", 0)}));
  REQUIRE(drain_until(reading.fetch, taken, [&] { return !taken.ends[1].empty() && taken.offsets[0].size() >= 500; }));
  drain_for(reading.fetch, taken, 100ms);
  CHECK(taken.offsets[0] == range(0, 500));
  CHECK(taken.offsets[1] == range(0, 40));
  for (const auto& question : second.asked()) CHECK(question.places.size() == 1);
  // Back again: the connection of old is of use, or is made anew.
  set_error(first, {"t", 0}, 0);
  first.with([](FakeBroker::State& state) { state.logs[{"t", 0}] = {}; });
  first.append({"t", 0}, batch_kit::numbered(450, 100));
  reading.fetch.set_leaders(led_by(first.address(1), {start("t", 0)}));
  REQUIRE(drain_until(reading.fetch, taken, [&] { return taken.offsets[0].size() >= 550; }));
  CHECK(taken.offsets[0] == range(0, 550));
  CHECK(taken.wrong_values == 0);
}

TEST_CASE("a broker that comes back under another address is found there, in the middle of an answer too") {
  FakeBroker first;
  FakeBroker second;
  first.fill({"t", 0}, 300, 100);
  second.fill({"t", 0}, 400, 70);
  Reading reading(first, {start("t", 0)});
  Taken taken;
  taken.stop_after = 7;
  REQUIRE(drain_until(reading.fetch, taken, [&] { return !taken.offsets[0].empty(); }));
  reading.fetch.set_leaders(led_by(second.address(1), {start("t", 0)}));
  REQUIRE(drain_until(reading.fetch, taken, [&] { return !taken.ends.empty() && taken.ends[0].back() == 400; }));
  CHECK(taken.offsets[0] == range(0, 400));
  CHECK(taken.wrong_values == 0);
}

TEST_CASE("a connection that ends in the middle of an answer is made anew, and what came is not told") {
  for (const size_t cut : {1u, 3u, 4u, 5u, 9u, 30u, 70u, 500u, 1'500u}) {
    CAPTURE(cut);
    FakeBroker broker;
    broker.fill({"t", 0}, 200, 50);
    broker.with([&](FakeBroker::State& state) { state.cut_at = cut; });
    Reading reading(broker, {start("t", 0)});
    Taken taken;
    REQUIRE(drain_until(reading.fetch, taken, [&] { return !taken.ends.empty(); }));
    CHECK(taken.offsets[0] == range(0, 200));
    CHECK(reading.fetch.client_statistics().request_errors == 1);
    CHECK(broker.with([](FakeBroker::State& state) { return state.connections; }) == 2);
    CHECK(reading.fetch.take_errors().empty());  // one failure is no news
  }
}

TEST_CASE("connections that end at any moment lose and double nothing") {
  FakeBroker broker;
  broker.fill({"t", 0}, 5'000, 25, Packing::kGzip);
  broker.fill({"t", 1}, 5'000, 25, Packing::kZstd);
  NativeFetchOptions options = quick();
  options.limits.partition_bytes = 3'000;
  Reading reading(broker, {start("t", 0), start("t", 1)}, options);
  Taken taken;
  taken.stop_after = 333;
  int round = 0;
  REQUIRE(drain_until(reading.fetch, taken, [&] {
    if (++round % 7 == 0) broker.cut_connections();
    return taken.ends.size() == 2;
  }));
  CHECK(taken.offsets[0] == range(0, 5'000));
  CHECK(taken.offsets[1] == range(0, 5'000));
  CHECK(reading.fetch.client_statistics().request_errors > 0);
}

TEST_CASE("answers that are none end the connection, and the next one is asked") {
  const auto garbles = std::to_array<std::function<void(std::string&)>>({
      [](std::string& answer) { batch_kit::put_at(answer, 0, int32_t{-5}); },
      [](std::string& answer) { batch_kit::put_at(answer, 0, INT32_MAX); },
      [](std::string& answer) { batch_kit::put_at(answer, 4, int32_t{123'456}); },       // of another question
      [](std::string& answer) { answer = std::string(4, '\0'); },                        // empty
      [](std::string& answer) { batch_kit::put_at(answer, 12, int16_t{70}); },           // refused as a whole
      [](std::string& answer) { batch_kit::put_at(answer, 18, INT32_MAX); },             // topics that are not there
      [](std::string& answer) { answer = "HTTP/1.1 400 Bad Request\r\n\r\n"; },
  });
  for (size_t i = 0; i < garbles.size(); ++i) {
    CAPTURE(i);
    FakeBroker broker;
    broker.fill({"t", 0}, 200, 50);
    broker.with([&](FakeBroker::State& state) { state.garble = garbles[i]; });
    Reading reading(broker, {start("t", 0)});
    Taken taken;
    REQUIRE(drain_until(reading.fetch, taken, [&] { return !taken.ends.empty(); }));
    CHECK(taken.offsets[0] == range(0, 200));
    CHECK(reading.fetch.client_statistics().request_errors == 1);
  }
}

TEST_CASE("a partition that comes twice in an answer is taken once") {
  FakeBroker broker;
  broker.fill({"t", 0}, 50);
  broker.fill({"t", 1}, 50);
  broker.with([](FakeBroker::State& state) { state.twice = true; });
  Reading reading(broker, {start("t", 0), start("t", 1)});
  Taken taken;
  REQUIRE(drain_until(reading.fetch, taken, [&] { return taken.ends.size() == 2; }));
  CHECK(taken.offsets[0] == range(0, 50));
  CHECK(taken.offsets[1] == range(0, 50));
}

TEST_CASE("a broker that never answers is left after a while, and told of the third time") {
  FakeBroker broker;
  broker.fill({"t", 0}, 50);
  broker.with([](FakeBroker::State& state) { state.silent = true; });
  NativeFetchOptions options = quick();
  options.patience = 50ms;
  Reading reading(broker, {start("t", 0)}, options);
  Taken taken;
  std::vector<PartitionError> errors;
  REQUIRE(drain_until(reading.fetch, taken, [&] {
    for (auto& error : reading.fetch.take_errors()) errors.push_back(error);
    return reading.fetch.client_statistics().request_errors >= 5;
  }));
  REQUIRE(errors.size() == 1);
  CHECK(errors[0].where.topic.empty());
  CHECK_THAT(errors[0].text, Contains("127.0.0.1") && Contains("no answer"));
  CHECK(reading.fetch.topics_without_leaders() == std::vector<std::string>{"t"});
  broker.with([](FakeBroker::State& state) { state.silent = false; });
  REQUIRE(drain_until(reading.fetch, taken, [&] { return !taken.ends.empty(); }));
  CHECK(taken.offsets[0] == range(0, 50));
}

TEST_CASE("an answer that waits for a slow worker is no silence of the broker's") {
  FakeBroker broker;
  // More than sockets hold, so that the rest is on its way only once somebody reads.
  broker.append({"t", 0}, {.base = 0, .records = {{0, {}, std::string(24 << 20, 'x')}}});
  NativeFetchOptions options = quick();
  options.patience = 1s;
  Reading reading(broker, {start("t", 0)}, options);
  Taken taken;
  REQUIRE(drain_until(reading.fetch, taken, [&] { return !broker.asked().empty(); }));
  std::this_thread::sleep_for(2s);
  REQUIRE(drain_until(reading.fetch, taken, [&] { return !taken.ends.empty(); }));
  CHECK(taken.offsets[0] == range(0, 1));
  CHECK(reading.fetch.client_statistics().request_errors == 0);
}

TEST_CASE("a broker that asks for a pause gets one") {
  FakeBroker broker;
  broker.fill({"t", 0}, 100, 10);
  broker.with([](FakeBroker::State& state) { state.throttle_ms = 200; });
  NativeFetchOptions options = quick();
  options.limits.partition_bytes = 500;
  Reading reading(broker, {start("t", 0)}, options);
  Taken taken;
  REQUIRE(drain_until(reading.fetch, taken, [&] { return broker.asked().size() >= 4; }));
  const auto asked = broker.asked();
  for (size_t i = 1; i < asked.size(); ++i) CHECK(asked[i].at - asked[i - 1].at >= 195ms);
  broker.with([](FakeBroker::State& state) { state.throttle_ms = 0; });
  REQUIRE(drain_until(reading.fetch, taken, [&] { return !taken.ends.empty(); }));
  CHECK(taken.offsets[0] == range(0, 100));
}

TEST_CASE("a broker too old or too new to speak to is told of, by name") {
  FakeBroker broker;
  broker.with([](FakeBroker::State& state) { state.newest_version = 3; });
  Reading reading(broker, {start("t", 0)});
  Taken taken;
  std::vector<PartitionError> errors;
  REQUIRE(drain_until(reading.fetch, taken, [&] {
    for (auto& error : reading.fetch.take_errors()) errors.push_back(error);
    return !errors.empty();
  }));
  CHECK_THAT(errors[0].text, Contains("no version of Fetch"));
  CHECK(broker.asked().empty());
}

TEST_CASE("where nobody listens, or no such host is, is tried again with growing pauses, and the next leader is used") {
  const std::string host = GENERATE(std::string("127.0.0.1"), std::string(300, 'x'));
  FakeBroker broker;
  broker.fill({"t", 0}, 10);
  NativeFetch fetch(quick());
  fetch.set_leaders(led_by({1, host, dead_port()}, {start("t", 0)}));
  REQUIRE(fetch.take({start("t", 0)}, 1).has_value());
  Taken taken;
  std::vector<PartitionError> errors;
  REQUIRE(drain_until(fetch, taken, [&] {
    for (auto& error : fetch.take_errors()) errors.push_back(error);
    return !errors.empty();
  }));
  CHECK(errors[0].code == -195);
  CHECK_THAT(errors[0].text, Contains(host));
  const auto failures = fetch.client_statistics().request_errors;
  drain_for(fetch, taken, 200ms);
  CHECK(fetch.client_statistics().request_errors <= failures + 8);
  CHECK(fetch.topics_without_leaders() == std::vector<std::string>{"t"});
  fetch.set_leaders(led_by(broker.address(1), {start("t", 0)}));
  REQUIRE(drain_until(fetch, taken, [&] { return !taken.ends.empty(); }));
  CHECK(taken.offsets[0] == range(0, 10));
}

TEST_CASE("a partition whose leader nobody knows is waited for") {
  FakeBroker broker;
  broker.fill({"t", 0}, 10);
  NativeFetch fetch(quick());
  REQUIRE(fetch.take({start("t", 0), start("u", 0)}, 1).has_value());
  CHECK(fetch.topics_without_leaders() == std::vector<std::string>{"t", "u"});
  Taken taken;
  CHECK(fetch.drain(0, Duration::millis(20), taken) == 0);
  fetch.set_leaders(led_by(broker.address(4), {start("t", 0)}));
  CHECK(fetch.topics_without_leaders() == std::vector<std::string>{"u"});
  REQUIRE(drain_until(fetch, taken, [&] { return !taken.ends.empty(); }));
  CHECK(taken.offsets[0] == range(0, 10));
}

TEST_CASE("a corrupt batch is told with its offset, holds up its partition alone, and is read once it is whole") {
  FakeBroker broker;
  broker.fill({"t", 0}, 60, 20);
  broker.fill({"t", 1}, 60, 20);
  std::string good;
  broker.with([&](FakeBroker::State& state) {
    std::string& second = state.logs[{"t", 0}].batches[1].second;
    good = second;
    second.back() = static_cast<char>(second.back() + 1);
  });
  Reading reading(broker, {start("t", 0), start("t", 1)});
  Taken taken;
  REQUIRE(drain_until(reading.fetch, taken, [&] { return !taken.ends[1].empty(); }));
  CHECK(taken.offsets[0] == range(0, 20));
  CHECK(taken.offsets[1] == range(0, 60));
  const auto errors = reading.fetch.take_errors();
  REQUIRE_FALSE(errors.empty());
  CHECK(errors[0].where == TopicPartition{"t", 0});
  CHECK_THAT(errors[0].text, Contains("offset 20") && Contains("checksum"));
  CHECK(reading.fetch.statuses()[0].next_fetch_offset == 20);
  CHECK_FALSE(reading.fetch.statuses()[0].answered);
  broker.with([&](FakeBroker::State& state) { state.logs[{"t", 0}].batches[1].second = good; });
  REQUIRE(drain_until(reading.fetch, taken, [&] { return !taken.ends[0].empty(); }));
  CHECK(taken.offsets[0] == range(0, 60));
}

}  // namespace tidemark
