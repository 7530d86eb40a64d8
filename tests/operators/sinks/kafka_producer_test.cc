// KafkaProducer against librdkafka's mock cluster: delivery, back-pressure and failures. Transactions are tested on a
// real broker only.
#include "operators/sinks/kafka_producer.h"

#include "tests/operators/sources/kafka_kit.h"

namespace tidemark {

using namespace kafka_kit;

namespace {

ProducerOptions plain(const std::string& brokers) {
  ProducerOptions options;
  options.brokers = brokers;
  return options;
}

ProducerRecord record(uint32_t topic, std::string_view value) {
  ProducerRecord out;
  out.topic = topic;
  out.value = value;
  return out;
}

}  // namespace

TEST_CASE("records arrive as they were given: null and empty, headers, timestamps") {
  MockCluster cluster;
  rd_kafka_mock_topic_create(cluster.native(), "t", 3, 1);
  auto producer = value_of(make_kafka_producer(plain(cluster.brokers()), ignore_log));
  const auto topic = value_of(producer->open_topic("t", Duration::seconds(5)));
  CHECK(topic.partitions == 3);
  CHECK(topic.max_message_bytes == 1'000'000);  // the mock answers no questions about configuration
  ProducerRecord given = record(topic.topic, "v");
  given.partition = 2;
  given.key = "";
  given.headers = {{"h", "1"}, {"h", std::nullopt}, {"e", ""}};
  given.timestamp = Time::from_millis(1'234'567);
  REQUIRE(producer->produce(given) == ProduceResult::kAccepted);
  given.key = std::nullopt;
  given.value = std::nullopt;
  given.headers.clear();
  given.timestamp = Time{};
  REQUIRE(producer->produce(given) == ProduceResult::kAccepted);
  CHECK(value_of(producer->flush(Duration::seconds(5))));
  CHECK(producer->records_acknowledged() == 2);
  CHECK(producer->bytes_in_flight() == 0);

  struct Check final : MessageHandler {
    int seen = 0;
    bool on_message(const KafkaMessage& message) override {
      if (message.at_end) return true;
      Arena arena;
      RawRecord raw;
      append_headers(message, arena, raw);
      if (++seen == 1) {
        CHECK(message.value == "v");
        CHECK_FALSE(message.key_is_null);
        CHECK(message.key.empty());
        CHECK(message.timestamp == Time::from_millis(1'234'567));
        REQUIRE(raw.headers.size() == 3);
        CHECK(raw.headers[0].second == "1");
        CHECK_FALSE(raw.headers[1].second.has_value());
        CHECK(raw.headers[2].second == "");
      } else {
        CHECK(message.key_is_null);
        CHECK(message.value_is_null);
        CHECK(message.timestamp == Time::from_millis(1));
        CHECK(raw.headers.empty());
      }
      return true;
    }
  } check;
  Events events;
  auto consumer = value_of(make_kafka_consumer(options(cluster.brokers(), "t"), events, ignore_log));
  require_ok(consumer->assign({{{"t", 2}, 0, 0}}, 1));
  for (int i = 0; i < 100 && check.seen < 2; ++i) consumer->drain(0, Duration::millis(100), check);
  CHECK(check.seen == 2);
}

TEST_CASE("the queue is bounded by bytes, and takes more once some are delivered") {
  MockCluster cluster;
  rd_kafka_mock_topic_create(cluster.native(), "t", 1, 1);
  auto wanted = plain(cluster.brokers());
  wanted.queue_bytes = 1 << 20;
  wanted.properties = {{"linger.ms", "100"}};
  auto producer = value_of(make_kafka_producer(wanted, ignore_log));
  const auto topic = value_of(producer->open_topic("t", Duration::seconds(5)));
  const std::string value(50'000, 'x');
  int accepted = 0;
  while (accepted < 1'000 && producer->produce(record(topic.topic, value)) == ProduceResult::kAccepted) ++accepted;
  CHECK(accepted >= 20);
  CHECK(accepted < 1'000);
  CHECK(producer->produce(record(topic.topic, value)) == ProduceResult::kQueueFull);
  CHECK(value_of(producer->flush(Duration::seconds(5))));
  CHECK(producer->produce(record(topic.topic, value)) == ProduceResult::kAccepted);
  CHECK(producer->produce(record(topic.topic, std::string(1'000'001, 'x'))) == ProduceResult::kTooLarge);
  CHECK(value_of(producer->flush(Duration::seconds(5))));
}

TEST_CASE("what is not delivered is told once, and an outage is no user's fault") {
  MockCluster cluster;
  rd_kafka_mock_topic_create(cluster.native(), "t", 1, 1);
  auto producer = value_of(make_kafka_producer(plain(cluster.brokers()), ignore_log));
  const auto topic = value_of(producer->open_topic("t", Duration::seconds(5)));
  rd_kafka_mock_push_request_errors(cluster.native(), 0 /* Produce */, 1, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
  REQUIRE(producer->produce(record(topic.topic, "refused")) == ProduceResult::kAccepted);
  const auto failed = producer->flush(Duration::seconds(5));
  REQUIRE_FALSE(failed.has_value());
  CHECK(failed.error().message.find("t[0]") != std::string::npos);
  CHECK(producer->records_acknowledged() == 0);
  CHECK(producer->bytes_in_flight() == 0);
  CHECK_FALSE(producer->delivery_error().has_value());

  auto away = value_of(make_kafka_producer(plain("127.0.0.1:1"), ignore_log));
  const auto silent = away->open_topic("t", Duration::millis(700));
  REQUIRE_FALSE(silent.has_value());
  CHECK(silent.error().fault == Fault::kExternal);
  CHECK(silent.error().retriable);
}

TEST_CASE("a record beyond the limit that the properties set is too large, as one beyond the topic's is") {
  MockCluster cluster;
  rd_kafka_mock_topic_create(cluster.native(), "t", 1, 1);
  auto wanted = plain(cluster.brokers());
  wanted.properties = {{"message.max.bytes", "20000"}};
  auto producer = value_of(make_kafka_producer(wanted, ignore_log));
  const auto topic = value_of(producer->open_topic("t", Duration::seconds(5)));
  CHECK(topic.max_message_bytes == 20'000);
  CHECK(producer->produce(record(topic.topic, std::string(20'001, 'x'))) == ProduceResult::kTooLarge);
  CHECK(producer->produce(record(topic.topic, std::string(19'000, 'x'))) == ProduceResult::kAccepted);
  CHECK(value_of(producer->flush(Duration::seconds(5))));
}

TEST_CASE("an unknown property is refused by name; a guarantee cannot be weakened") {
  auto wanted = plain("127.0.0.1:1");
  for (const char* name : {"lingering.ms", "acks", "enable.idempotence"}) {
    wanted.properties = {{name, "0"}};
    const auto refused = make_kafka_producer(wanted, ignore_log);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().fault == Fault::kUser);
    CHECK(refused.error().message.find(name) != std::string::npos);
  }
}

TEST_CASE("what the engine sets on a producer, a pipeline may not, and everything else is used") {
  auto wanted = plain("127.0.0.1:1");
  wanted.transactional_id = "id";
  check_properties(KafkaRole::kProducer, [&](const std::string& name, const std::string& value) {
    wanted.properties = {{name, value}};
    const auto made = make_kafka_producer(wanted, ignore_log);
    return made ? std::string() : made.error().message;
  });
}

TEST_CASE("the end of a transaction that was slow, or whose connection broke, spends the producer; slow rows do not") {
  constexpr int16_t kProduce = 0;
  constexpr int16_t kEndTransaction = 26;
  constexpr int kSlowMs = 5'500;
  MockCluster cluster;
  rd_kafka_mock_topic_create(cluster.native(), "t", 1, 1);
  auto wanted = plain(cluster.brokers());
  wanted.transactional_id = "id";
  auto producer = value_of(make_kafka_producer(wanted, ignore_log));
  const auto topic = value_of(producer->open_topic("t", Duration::seconds(5)));
  require_ok(producer->init_transactions(Duration::seconds(10)));
  const auto run = [&](auto disturb) {
    require_ok(producer->begin());
    REQUIRE(producer->produce(record(topic.topic, "v")) == ProduceResult::kAccepted);
    disturb();
    TransactionStatus done;
    do {
      done = producer->commit(Duration::seconds(1));
    } while (!done && done.error().kind == TransactionFailure::kRetry);
    require_ok(done);
    return producer->spent();
  };
  const auto slow = [&](int16_t request) {
    rd_kafka_mock_broker_push_request_error_rtts(cluster.native(), 1, request, 1, RD_KAFKA_RESP_ERR_NO_ERROR, kSlowMs);
  };
  CHECK_FALSE(run([] {}));
  CHECK_FALSE(run([&] { slow(kProduce); }));
  CHECK(run([&] { slow(kEndTransaction); }));
  CHECK_FALSE(run([] {}));
  std::thread breaks;
  CHECK(run([&] {
    CHECK(value_of(producer->flush(Duration::seconds(5))));
    rd_kafka_mock_broker_push_request_error_rtts(cluster.native(), 1, kEndTransaction, 1, RD_KAFKA_RESP_ERR_NO_ERROR, 1'000);
    breaks = std::thread([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(300));
      rd_kafka_mock_broker_set_down(cluster.native(), 1);
      rd_kafka_mock_broker_set_up(cluster.native(), 1);
    });
  }));
  breaks.join();
  require_ok(producer->begin());
  (void)producer->abort(Duration::seconds(10));
  CHECK(producer->spent());
}

TEST_CASE("transactions against a cluster that does not answer can be tried again") {
  auto wanted = plain("127.0.0.1:1");
  wanted.transactional_id = "id";
  auto producer = value_of(make_kafka_producer(wanted, ignore_log));
  const auto silent = producer->init_transactions(Duration::millis(300));
  REQUIRE_FALSE(silent.has_value());
  CHECK(silent.error().kind == TransactionFailure::kRetry);
  CHECK_FALSE(silent.error().user);
}

}  // namespace tidemark
