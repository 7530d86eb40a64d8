// KafkaConsumer against librdkafka's mock cluster: refusals, drains and stops. What transactions do is tested on a real
// broker only.
#include "operators/sources/kafka_consumer.h"

#include "base/arena.h"
#include "operators/sources/kafka_errors.h"
#include "tests/operators/sources/kafka_kit.h"

namespace tidemark {

using namespace kafka_kit;

namespace {

struct Collect final : MessageHandler {
  size_t stop_after = 1'000'000;
  bool keep_values = false;
  std::vector<std::string> values;
  std::vector<int64_t> offsets;
  std::vector<int64_t> ends;
  RawRecord first;
  Arena arena;
  bool on_message(const KafkaMessage& message) override {
    if (message.at_end) return ends.push_back(message.offset), true;
    if (offsets.empty()) {
      append_headers(message, arena, first);
      first.key_is_null = message.key_is_null;
      first.value_is_null = message.value_is_null;
      first.value = arena.copy(message.value);
    }
    offsets.push_back(message.offset);
    if (keep_values) values.emplace_back(message.value);
    return offsets.size() % stop_after != 0;
  }
};

}  // namespace

TEST_CASE("a property that librdkafka does not know or take is the user's error, by name") {
  Events events;
  auto wanted = options("localhost:1", "t");
  wanted.properties = {{"fetch.wait.max.mss", "1"}};
  const auto made = make_kafka_consumer(wanted, events, ignore_log);
  REQUIRE_FALSE(made.has_value());
  CHECK(made.error().fault == Fault::kUser);
  CHECK(made.error().message.find("fetch.wait.max.mss") != std::string::npos);
}

TEST_CASE("what the engine sets on a consumer, a pipeline may not, and everything else is used") {
  Events events;
  auto wanted = options("127.0.0.1:1", "t");
  wanted.group_instance_id = "instance";
  check_properties(KafkaRole::kConsumer, [&](const std::string& name, const std::string& value) {
    wanted.properties = {{name, value}};
    const auto made = make_kafka_consumer(wanted, events, ignore_log);
    return made ? std::string() : made.error().message;
  });
}

TEST_CASE("an unreachable broker is an outage, an unknown topic the user's error") {
  Events events;
  auto away = value_of(make_kafka_consumer(options("127.0.0.1:1", "t"), events, ignore_log));
  const auto silent = away->list_partitions(Duration::millis(700));
  REQUIRE_FALSE(silent.has_value());
  CHECK(silent.error().fault == Fault::kExternal);
  CHECK(silent.error().retriable);

  MockCluster cluster;
  rd_kafka_mock_topic_set_error(cluster.native(), "nowhere", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
  auto here = value_of(make_kafka_consumer(options(cluster.brokers(), "nowhere"), events, ignore_log));
  const auto unknown = here->list_partitions(Duration::seconds(5));
  REQUIRE_FALSE(unknown.has_value());
  CHECK(unknown.error().fault == Fault::kUser);
  CHECK(unknown.error().message.find("nowhere") != std::string::npos);
  CHECK_FALSE(value_of(here->cluster_id(Duration::seconds(5))).empty());
}

TEST_CASE("topics are listed by pattern, anchored where the pattern is") {
  MockCluster cluster;
  for (const char* topic : {"shop.a", "shop.b", "my.shop.c"}) {
    rd_kafka_mock_topic_create(cluster.native(), topic, 2, 1);
  }
  Events events;
  auto wanted = options(cluster.brokers(), "");
  wanted.topics.clear();
  wanted.topic_pattern = "^shop\\.";
  auto consumer = value_of(make_kafka_consumer(wanted, events, ignore_log));
  const auto found = value_of(consumer->list_partitions(Duration::seconds(5)));
  CHECK(found == std::vector<TopicPartition>{{"shop.a", 0}, {"shop.a", 1}, {"shop.b", 0}, {"shop.b", 1}});
}

TEST_CASE("a drain stops when told, goes on where it stopped, tells the end, and rewinds") {
  const bool native = GENERATE(true, false);
  MockCluster cluster;
  rd_kafka_mock_topic_create(cluster.native(), "t", 1, 1);
  Feeder feeder(cluster.brokers());
  auto* headers = rd_kafka_headers_new(2);
  rd_kafka_header_add(headers, "a", 1, "x", 1);
  rd_kafka_header_add(headers, "a", 1, nullptr, 0);
  REQUIRE(rd_kafka_producev(feeder.native(), RD_KAFKA_V_TOPIC("t"), RD_KAFKA_V_PARTITION(0),
                            RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_VALUE(const_cast<char*>(""), 0),
                            RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END) == RD_KAFKA_RESP_ERR_NO_ERROR);
  for (int i = 0; i < 99; ++i) feeder.send("t", 0, "value");
  feeder.flush();

  Events events;
  auto consumer = value_of(make_kafka_consumer(options(cluster.brokers(), "t", native), events, ignore_log));
  events.assigned = [&](const auto& partitions) { require_ok(consumer->assign({{partitions[0], 0, 1}}, 2)); };
  require_ok(consumer->subscribe());
  REQUIRE(serve_until(*consumer, [&] { return events.assignments == 1; }));

  Collect seen;
  seen.stop_after = 10;
  size_t handled = 0;
  for (int i = 0; i < 400 && seen.ends.empty(); ++i) {
    const size_t once = consumer->drain(1, Duration::millis(50), seen);
    CHECK(once <= 11);
    handled += once;
    consumer->serve(Duration{});
  }
  REQUIRE(seen.offsets.size() == 100);
  for (size_t i = 0; i < 100; ++i) CHECK(seen.offsets[i] == static_cast<int64_t>(i));
  CHECK(handled == 101);
  CHECK(seen.ends == std::vector<int64_t>{100});
  CHECK(consumer->statuses().at(0).next_fetch_offset == 100);
  CHECK_FALSE(seen.first.value_is_null);
  CHECK(seen.first.key_is_null);
  CHECK(seen.first.value.empty());
  REQUIRE(seen.first.headers.size() == 2);
  CHECK(seen.first.headers[0].second == "x");
  CHECK_FALSE(seen.first.headers[1].second.has_value());

  require_ok(consumer->assign({{{"t", 0}, 60, 0}}, 2));
  Collect again;
  for (int i = 0; i < 100 && again.ends.empty(); ++i) consumer->drain(0, Duration::millis(50), again);
  REQUIRE(again.offsets.size() == 40);
  CHECK(again.offsets.front() == 60);

  require_ok(consumer->assign({}, 2));
  feeder.send("t", 0, "nobody's");
  feeder.flush();
  Collect none;
  consumer->drain(0, Duration::millis(300), none);
  CHECK(none.offsets.empty());
  consumer->close();
  CHECK(events.revocations == 1);
  CHECK(events.errors.empty());
}

TEST_CASE("wake ends a waiting drain; a drain without queues returns") {
  const bool native = GENERATE(true, false);
  MockCluster cluster;
  rd_kafka_mock_topic_create(cluster.native(), "t", 1, 1);
  Events events;
  auto consumer = value_of(make_kafka_consumer(options(cluster.brokers(), "t", native), events, ignore_log));
  Collect none;
  CHECK(consumer->drain(0, Duration::seconds(30), none) == 0);
  require_ok(consumer->assign({{{"t", 0}, 0, 0}}, 1));
  while (none.ends.empty()) consumer->drain(0, Duration::seconds(5), none);
  std::thread waker([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    consumer->wake(0);
  });
  const auto began = std::chrono::steady_clock::now();
  consumer->drain(0, Duration::seconds(20), none);
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(10));
  waker.join();
}

TEST_CASE("a resumed partition is fetched at once, though nothing else was") {
  MockCluster cluster;
  rd_kafka_mock_topic_create(cluster.native(), "t", 1, 1);
  Feeder feeder(cluster.brokers());
  Events events;
  auto wanted = options(cluster.brokers(), "t");
  wanted.native_fetch = GENERATE(false, true);
  auto consumer = value_of(make_kafka_consumer(wanted, events, ignore_log));
  require_ok(consumer->assign({{{"t", 0}, 0, 0}}, 1));
  Collect seen;
  while (seen.ends.empty()) consumer->drain(0, Duration::seconds(5), seen);
  std::chrono::steady_clock::duration waited{};
  for (size_t round = 1; round <= 5; ++round) {
    require_ok(consumer->pause({0}));
    std::this_thread::sleep_for(std::chrono::milliseconds(300));  // the fetcher has nothing to do by now
    feeder.send("t", 0, "value");
    feeder.flush();
    const auto began = std::chrono::steady_clock::now();
    require_ok(consumer->resume({0}));
    while (seen.offsets.size() < round) consumer->drain(0, Duration::seconds(5), seen);
    waited += std::chrono::steady_clock::now() - began;
  }
  CHECK(waited < std::chrono::milliseconds(1'500));
}

TEST_CASE("closing does not wait for a broker that is gone") {
  const bool native = GENERATE(true, false);
  Events events;
  auto cluster = std::make_unique<MockCluster>();
  rd_kafka_mock_topic_create(cluster->native(), "t", 1, 1);
  auto consumer = value_of(make_kafka_consumer(options(cluster->brokers(), "t", native), events, ignore_log));
  require_ok(consumer->subscribe());
  consumer->serve(Duration::millis(300));
  cluster.reset();
  const auto began = std::chrono::steady_clock::now();
  consumer.reset();
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(5));
}

TEST_CASE("what was compressed by any codec comes as it was sent") {
  const bool native = GENERATE(true, false);
  MockCluster cluster;
  rd_kafka_mock_topic_create(cluster.native(), "t", 1, 1);
  std::vector<std::string> sent;
  for (const char* codec : {"none", "gzip", "snappy", "lz4", "zstd"}) {
    Feeder feeder(cluster.brokers(), {}, codec);
    for (int i = 0; i < 50; ++i) {
      sent.push_back(codec + std::to_string(i) + std::string(static_cast<size_t>(i) * 40, 'x'));
      feeder.send("t", 0, sent.back());
    }
    feeder.flush();
  }
  Events events;
  auto consumer = value_of(make_kafka_consumer(options(cluster.brokers(), "t", native), events, ignore_log));
  require_ok(consumer->assign({{{"t", 0}, 0, 0}}, 1));
  Collect seen;
  seen.keep_values = true;
  CHECK(serve_until(*consumer, [&] {
    consumer->drain(0, Duration::millis(20), seen);
    return seen.values.size() >= sent.size();
  }));
  CHECK((seen.values == sent));
  CHECK(events.errors.empty());
}

TEST_CASE("a leader that moves between brokers is followed: nothing is lost, nothing comes twice") {
  const bool native = GENERATE(true, false);
  MockCluster cluster(2);
  rd_kafka_mock_topic_create(cluster.native(), "t", 1, 1);
  rd_kafka_mock_partition_set_leader(cluster.native(), "t", 0, 1);
  Feeder feeder(cluster.brokers());
  Events events;
  auto consumer = value_of(make_kafka_consumer(options(cluster.brokers(), "t", native), events, ignore_log));
  Collect seen;
  seen.stop_after = 30;
  int64_t sent = 0;
  for (int32_t round = 0; round < 6; ++round) {
    for (int i = 0; i < 100; ++i, ++sent) feeder.send("t", 0, "value");
    feeder.flush();
    if (round == 0) require_ok(consumer->assign({{{"t", 0}, 0, 0}}, 1));
    // In the middle of what there is, or at its end.
    const size_t before = static_cast<size_t>(sent) - (round % 2 == 0 ? 50 : 0);
    REQUIRE(serve_until(*consumer, [&] {
      consumer->drain(0, Duration::millis(20), seen);
      return seen.offsets.size() >= before;
    }));
    rd_kafka_mock_partition_set_leader(cluster.native(), "t", 0, 1 + (round + 1) % 2);
  }
  REQUIRE(serve_until(*consumer, [&] {
    consumer->drain(0, Duration::millis(20), seen);
    return consumer->statuses()[0].next_fetch_offset == sent;
  }));
  REQUIRE(seen.offsets.size() == static_cast<size_t>(sent));
  for (size_t i = 0; i < seen.offsets.size(); ++i) REQUIRE(seen.offsets[i] == static_cast<int64_t>(i));
  CHECK_FALSE(events.fatal());
}

TEST_CASE("errors say whose fault they are") {
  CHECK(kafka_error(RD_KAFKA_RESP_ERR__AUTHENTICATION, "x").fault == Fault::kUser);
  CHECK(kafka_error(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, "x").fault == Fault::kUser);
  CHECK(kafka_error(RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, "x").fault == Fault::kExternal);
  CHECK(kafka_error(RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, "x").retriable);
  const Error fenced = kafka_error(RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID, "commit");
  CHECK(fenced.fault == Fault::kExternal);
  CHECK_FALSE(fenced.retriable);
  CHECK(fenced.message.find("FENCED_INSTANCE_ID") != std::string::npos);
  CHECK(kafka_error(RD_KAFKA_RESP_ERR__INVALID_ARG, "x").fault == Fault::kInternal);
}

}  // namespace tidemark
