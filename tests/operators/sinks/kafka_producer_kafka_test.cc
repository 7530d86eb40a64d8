// KafkaProducer against a real broker: transactions, fencing and limits, which no mock knows. Run with
// TIDEMARK_TEST_BROKERS set and the tag [.kafka].
#include "operators/sinks/kafka_producer.h"

#include <cstring>

#include "tests/operators/sources/kafka_kit.h"

namespace tidemark {

using namespace kafka_kit;

namespace {

ProducerOptions transactional(const std::string& brokers, const std::string& id) {
  ProducerOptions options;
  options.brokers = brokers;
  options.transactional_id = id;
  return options;
}

ProducerRecord record(uint32_t topic, int32_t partition, std::string_view value) {
  ProducerRecord out;
  out.topic = topic;
  out.partition = partition;
  out.value = value;
  out.timestamp = Time::from_millis(1'700'000'000'000);
  return out;
}

// A member of a group with one partition, ready to give its metadata to a transaction.
struct Member {
  Events events;
  std::unique_ptr<KafkaConsumer> consumer;
  Member(const ConsumerOptions& options) {
    consumer = value_of(make_kafka_consumer(options, events, ignore_log));
    events.assigned = [this](const auto& partitions) {
      std::vector<KafkaConsumer::Start> starts;
      for (const auto& at : partitions) starts.push_back({at, 0, 0});
      require_ok(consumer->assign(starts, 1));
    };
    require_ok(consumer->subscribe());
    REQUIRE(serve_until(*consumer, [&] { return events.assignments == 1; }));
  }
};

// What a committed reader finds in partition 0 within a quiet second.
std::vector<std::string> read_committed(const std::string& brokers, const std::string& topic) {
  struct Values final : MessageHandler {
    std::vector<std::string> values;
    bool ended = false;
    bool on_message(const KafkaMessage& message) override {
      if (message.at_end) ended = true;
      else values.emplace_back(message.value);
      return true;
    }
  } values;
  Member reader(options(brokers, topic));
  for (int i = 0; i < 100 && !values.ended; ++i) reader.consumer->drain(0, Duration::millis(100), values);
  return values.values;
}

}  // namespace

TEST_CASE("a transaction carries rows, offsets and their metadata, all or nothing", "[.kafka]") {
  const std::string brokers = real_brokers();
  const std::string in = unique("in");
  const std::string out = unique("out");
  Feeder feeder(brokers);
  feeder.create_topic(in, 1);
  feeder.create_topic(out, 1);
  for (int i = 0; i < 10; ++i) feeder.send(in, 0, "row");
  feeder.flush();
  Member member(options(brokers, in));
  auto producer = value_of(make_kafka_producer(transactional(brokers, unique("id")), ignore_log));
  const OpenTopic topic = value_of(producer->open_topic(out, Duration::seconds(10)));
  CHECK(topic.partitions == 1);
  CHECK(topic.max_message_bytes == 1'048'588);
  CHECK(value_of(producer->cluster_id(Duration::seconds(10))) ==
        value_of(member.consumer->cluster_id(Duration::seconds(10))));
  require_ok(producer->init_transactions(Duration::seconds(30)));
  const TopicPartition zero{in, 0};

  require_ok(producer->begin());
  REQUIRE(producer->produce(record(topic.topic, 0, "kept")) == ProduceResult::kAccepted);
  CHECK(producer->bytes_in_flight() == 4);
  require_ok(producer->send_offsets({{zero, 4, "unit/1-a"}}, *value_of(member.consumer->group_metadata())));
  require_ok(producer->commit(Duration::seconds(30)));
  CHECK(producer->bytes_in_flight() == 0);
  CHECK(producer->records_acknowledged() == 1);
  auto committed = value_of(member.consumer->committed({zero}, Duration::seconds(10)));
  CHECK(committed[0].offset == 4);
  CHECK(committed[0].metadata == "unit/1-a");

  require_ok(producer->begin());
  REQUIRE(producer->produce(record(topic.topic, 0, "dropped")) == ProduceResult::kAccepted);
  require_ok(producer->send_offsets({{zero, 7, "unit/2-b"}}, *value_of(member.consumer->group_metadata())));
  require_ok(producer->abort(Duration::seconds(30)));
  committed = value_of(member.consumer->committed({zero}, Duration::seconds(10)));
  CHECK(committed[0].offset == 4);
  CHECK(committed[0].metadata == "unit/1-a");

  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < 10; ++i) {
    require_ok(producer->begin());
    REQUIRE(producer->produce(record(topic.topic, 0, "kept")) == ProduceResult::kAccepted);
    require_ok(producer->send_offsets({{zero, 5 + i, "unit/3-c"}}, *value_of(member.consumer->group_metadata())));
    require_ok(producer->commit(Duration::seconds(30)));
  }
  CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(2));
  CHECK(read_committed(brokers, out) == std::vector<std::string>(11, "kept"));
}

TEST_CASE("the newer producer of an identity fences the older and aborts what it left open", "[.kafka]") {
  const std::string brokers = real_brokers();
  const std::string out = unique("fence");
  Feeder(brokers).create_topic(out, 1);
  const std::string id = unique("id");
  auto older = value_of(make_kafka_producer(transactional(brokers, id), ignore_log));
  const auto topic = value_of(older->open_topic(out, Duration::seconds(10)));
  require_ok(older->init_transactions(Duration::seconds(30)));
  require_ok(older->begin());
  REQUIRE(older->produce(record(topic.topic, 0, "older")) == ProduceResult::kAccepted);
  CHECK(value_of(older->flush(Duration::seconds(10))));

  auto newer = value_of(make_kafka_producer(transactional(brokers, id), ignore_log));
  value_of(newer->open_topic(out, Duration::seconds(10)));
  require_ok(newer->init_transactions(Duration::seconds(30)));
  const auto fenced = older->commit(Duration::seconds(30));
  REQUIRE_FALSE(fenced.has_value());
  INFO(fenced.error().message);
  CHECK(fenced.error().kind == TransactionFailure::kFenced);

  require_ok(newer->begin());
  REQUIRE(newer->produce(record(topic.topic, 0, "newer")) == ProduceResult::kAccepted);
  require_ok(newer->commit(Duration::seconds(30)));
  CHECK(read_committed(brokers, out) == std::vector<std::string>{"newer"});
}

TEST_CASE("a transaction that the broker timed out looks like fencing", "[.kafka]") {
  const std::string brokers = real_brokers();
  const std::string out = unique("timeout");
  Feeder(brokers).create_topic(out, 1);
  auto wanted = transactional(brokers, unique("id"));
  wanted.transaction_timeout = Duration::seconds(2);
  auto producer = value_of(make_kafka_producer(wanted, ignore_log));
  const auto topic = value_of(producer->open_topic(out, Duration::seconds(10)));
  require_ok(producer->init_transactions(Duration::seconds(30)));
  require_ok(producer->begin());
  REQUIRE(producer->produce(record(topic.topic, 0, "lost")) == ProduceResult::kAccepted);
  CHECK(value_of(producer->flush(Duration::seconds(10))));
  std::this_thread::sleep_for(std::chrono::seconds(14));  // the broker looks every 10 s
  const auto failed = producer->commit(Duration::seconds(30));
  REQUIRE_FALSE(failed.has_value());
  INFO(failed.error().message);
  CHECK(failed.error().kind == TransactionFailure::kFenced);
  CHECK(read_committed(brokers, out).empty());
}

TEST_CASE("offsets of a member that the group no longer accepts abort the transaction", "[.kafka]") {
  const std::string brokers = real_brokers();
  const std::string in = unique("zombie");
  Feeder(brokers).create_topic(in, 1);
  auto wanted = options(brokers, in);
  wanted.group_instance_id = "pipeline-0";
  Member older(wanted);
  const auto stale = value_of(older.consumer->group_metadata());
  Member newer(wanted);
  auto producer = value_of(make_kafka_producer(transactional(brokers, unique("id")), ignore_log));
  require_ok(producer->init_transactions(Duration::seconds(30)));
  require_ok(producer->begin());
  const auto refused = producer->send_offsets({{{in, 0}, 5, "unit/9-z"}}, *stale);
  REQUIRE_FALSE(refused.has_value());
  INFO(refused.error().message);
  CHECK(refused.error().kind == TransactionFailure::kAbort);
  CHECK(value_of(newer.consumer->committed({{in, 0}}, Duration::seconds(10)))[0].offset == -1);
}

TEST_CASE("an abort straight after producing leaves a producer or says that it did not", "[.kafka]") {
  const std::string brokers = real_brokers();
  const std::string out = unique("abort");
  Feeder(brokers).create_topic(out, 1);
  const std::string id = unique("id");
  auto producer = value_of(make_kafka_producer(transactional(brokers, id), ignore_log));
  auto topic = value_of(producer->open_topic(out, Duration::seconds(10)));
  require_ok(producer->init_transactions(Duration::seconds(30)));
  for (int i = 0; i < 10; ++i) {
    require_ok(producer->begin());
    for (int n = 0; n < 100; ++n) REQUIRE(producer->produce(record(topic.topic, 0, "no")) == ProduceResult::kAccepted);
    const auto aborted = producer->abort(Duration::seconds(30));
    CHECK(producer->bytes_in_flight() == 0);
    if (aborted) continue;
    INFO(aborted.error().message);
    REQUIRE(aborted.error().kind == TransactionFailure::kFatal);
    producer = value_of(make_kafka_producer(transactional(brokers, id), ignore_log));
    topic = value_of(producer->open_topic(out, Duration::seconds(10)));
    require_ok(producer->init_transactions(Duration::seconds(30)));
  }
  require_ok(producer->begin());
  REQUIRE(producer->produce(record(topic.topic, 0, "yes")) == ProduceResult::kAccepted);
  require_ok(producer->commit(Duration::seconds(30)));
  CHECK(read_committed(brokers, out) == std::vector<std::string>{"yes"});
}

TEST_CASE("batches stay below a topic's own small limit", "[.kafka]") {
  const std::string brokers = real_brokers();
  const std::string out = unique("small");
  Feeder(brokers).create_topic(out, 1, "max.message.bytes", "5000");
  auto wanted = transactional(brokers, unique("id"));
  wanted.properties = {{"compression.type", "none"}, {"linger.ms", "50"}};
  auto producer = value_of(make_kafka_producer(wanted, ignore_log));
  const auto topic = value_of(producer->open_topic(out, Duration::seconds(10)));
  CHECK(topic.max_message_bytes == 5'000);
  require_ok(producer->init_transactions(Duration::seconds(30)));
  require_ok(producer->begin());
  const std::string big(4'800, 'x');
  const std::string bigger(5'000, 'x');
  for (int i = 0; i < 50; ++i) {
    REQUIRE(producer->produce(record(topic.topic, 0, std::string(700, 'y'))) == ProduceResult::kAccepted);
    REQUIRE(producer->produce(record(topic.topic, 0, big)) == ProduceResult::kAccepted);
  }
  CHECK(producer->produce(record(topic.topic, 0, bigger)) == ProduceResult::kTooLarge);
  require_ok(producer->commit(Duration::seconds(30)));
  CHECK(read_committed(brokers, out).size() == 100);
}

TEST_CASE("an empty queue takes a record of any size that the topic takes, however little room there is", "[.kafka]") {
  const std::string brokers = real_brokers();
  const std::string out = unique("huge");
  Feeder(brokers).create_topic(out, 1, "max.message.bytes", "8000000");
  auto wanted = transactional(brokers, unique("id"));
  wanted.queue_bytes = 64 << 10;
  wanted.properties = {{"compression.type", "none"}};
  auto producer = value_of(make_kafka_producer(wanted, ignore_log));
  const auto topic = value_of(producer->open_topic(out, Duration::seconds(10)));
  require_ok(producer->init_transactions(Duration::seconds(30)));
  require_ok(producer->begin());
  const std::string huge(7'000'000, 'x');
  for (int i = 0; i < 3; ++i) {
    REQUIRE(producer->produce(record(topic.topic, 0, huge)) == ProduceResult::kAccepted);
    CHECK(producer->produce(record(topic.topic, 0, huge)) == ProduceResult::kQueueFull);
    CHECK(value_of(producer->flush(Duration::seconds(30))));
  }
  require_ok(producer->commit(Duration::seconds(30)));
  CHECK(read_committed(brokers, out).size() == 3);
}

TEST_CASE("batches that the properties make large stay below the topic's limit all the same", "[.kafka]") {
  const std::string brokers = real_brokers();
  const std::string out = unique("batches");
  Feeder(brokers).create_topic(out, 1);
  auto wanted = transactional(brokers, unique("id"));
  wanted.properties = {{"compression.type", "none"}, {"linger.ms", "200"}, {"batch.size", "8000000"}};
  auto producer = value_of(make_kafka_producer(wanted, ignore_log));
  const auto topic = value_of(producer->open_topic(out, Duration::seconds(10)));
  require_ok(producer->init_transactions(Duration::seconds(30)));
  require_ok(producer->begin());
  for (int i = 0; i < 400; ++i) {
    REQUIRE(producer->produce(record(topic.topic, 0, std::string(10'000, 'y'))) == ProduceResult::kAccepted);
  }
  require_ok(producer->commit(Duration::seconds(30)));
  CHECK(read_committed(brokers, out).size() == 400);
}

TEST_CASE("unknown topics are the user's to name, and are not created", "[.kafka]") {
  const std::string brokers = real_brokers();
  const std::string out = unique("unknown");
  auto producer = value_of(make_kafka_producer(transactional(brokers, unique("id")), ignore_log));
  for (int i = 0; i < 2; ++i) {
    const auto opened = producer->open_topic(out, Duration::seconds(5));
    REQUIRE_FALSE(opened.has_value());
    CHECK(opened.error().fault == Fault::kUser);
    CHECK(opened.error().message.find(out) != std::string::npos);
  }
}

}  // namespace tidemark
