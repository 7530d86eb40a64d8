// The reading of librdkafka's statistics, and when a partition counts as answered.
#include "operators/sources/kafka_statistics.h"

#include "tests/catch.h"

namespace tidemark {

TEST_CASE("statistics: brokers by id, partitions without the fictive one") {
  const auto parsed = parse_kafka_statistics(R"({"ts":1,"brokers":{
      "b:9092/1":{"nodeid":1,"state":"UP"},"b:9093/2":{"nodeid":2,"state":"CONNECT"},
      "boot":{"nodeid":-1,"state":"UP"},"GroupCoordinator":{"nodeid":2,"state":"UP","source":"logical"}},
    "topics":{"t":{"partitions":{
      "0":{"partition":0,"broker":1,"fetch_state":"active","hi_offset":7,"fetchq_cnt":3,"fetchq_size":99},
      "1":{"partition":1,"broker":2,"fetch_state":"stopped","hi_offset":-1001},
      "-1":{"partition":-1}}}}})");
  REQUIRE(parsed.has_value());
  CHECK(parsed->broker_up.size() == 2);
  CHECK(parsed->broker_up.at(1));
  REQUIRE(parsed->partitions.size() == 2);
  CHECK(parsed->partitions[0].where == TopicPartition{"t", 0});
  CHECK(parsed->partitions[0].active);
  CHECK(parsed->partitions[0].high_watermark == 7);
  CHECK(parsed->partitions[0].queued_messages == 3);
  CHECK(parsed->partitions[0].queued_bytes == 99);
  CHECK_FALSE(parsed->partitions[1].active);
  CHECK(parsed->partitions[1].high_watermark == -1);
}

TEST_CASE("statistics: only the connection that fetches says whether a broker is up") {
  const auto parsed = parse_kafka_statistics(R"({"brokers":{
      "b:9092/1":{"nodeid":1,"state":"DOWN","source":"learned"},
      "GroupCoordinator":{"nodeid":1,"state":"UP","source":"logical"}}})");
  REQUIRE(parsed.has_value());
  CHECK_FALSE(parsed->broker_up.at(1));
}

TEST_CASE("statistics: what the client tells of itself") {
  const auto parsed = parse_kafka_statistics(R"({"msg_cnt":2,"msg_size":20,"tx_bytes":700,"rx_bytes":800,"brokers":{
      "b:9092/1":{"nodeid":1,"state":"UP","txerrs":1,"rxerrs":2,"req_timeouts":3,"rtt":{"avg":1500},"throttle":{"avg":0}},
      "b:9093/2":{"nodeid":2,"state":"DOWN","rtt":{"avg":900},"throttle":{"avg":250}}},
    "topics":{"t":{"partitions":{"0":{"partition":0,"fetchq_cnt":3,"fetchq_size":99}}}}})");
  REQUIRE(parsed.has_value());
  const ClientStatistics& client = parsed->client;
  CHECK(client.brokers_up == 1);
  CHECK(client.queued_messages == 5);
  CHECK(client.queued_bytes == 119);
  CHECK(client.sent_bytes == 700);
  CHECK(client.received_bytes == 800);
  CHECK(client.request_errors == 6);
  CHECK(client.round_trip_seconds == 0.0015);
  CHECK(client.throttle_seconds == 0.25);
}

TEST_CASE("statistics: what is no JSON is an error") { CHECK_FALSE(parse_kafka_statistics("{").has_value()); }

TEST_CASE("a partition is answered after two further answers, and only while it takes part in fetches") {
  AnswerTracker tracker;
  CHECK_FALSE(tracker.update(true, 1, 10));  // begins here
  CHECK_FALSE(tracker.update(true, 1, 11));  // may have been asked before
  CHECK(tracker.update(true, 1, 12));
  CHECK_FALSE(tracker.update(true, 1, 13));
  CHECK(tracker.update(true, 1, 20));
  CHECK_FALSE(tracker.update(true, 1, 20));  // silence
  CHECK_FALSE(tracker.update(true, 2, 90));  // another leader: begins anew
  CHECK(tracker.update(true, 2, 92));
  CHECK_FALSE(tracker.update(false, 2, 99));
  CHECK_FALSE(tracker.update(true, 2, 200));
  tracker.reset();
  CHECK_FALSE(tracker.update(true, 2, 300));
  CHECK(tracker.update(true, 2, 302));
}

}  // namespace tidemark
