// Whose fault an error is decides whether a pipeline waits or stops for good.
#include "operators/sources/kafka_errors.h"

#include "tests/catch.h"

namespace tidemark {

TEST_CASE("a partition whose leader is not known for the moment is waited for; a topic that is not there is the user's") {
  for (const auto code : {RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE, RD_KAFKA_RESP_ERR__TIMED_OUT}) {
    CHECK(is_silence(code));
    CHECK(kafka_error(code, "offsets").fault == Fault::kExternal);
    CHECK(kafka_error(code, "offsets").retriable);
  }
  for (const auto code : {RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, RD_KAFKA_RESP_ERR__AUTHENTICATION}) {
    CHECK_FALSE(is_silence(code));
    CHECK(kafka_error(code, "offsets").fault == Fault::kUser);
  }
}

TEST_CASE("a login by SCRAM that fails is told of the library's own fault, where it has that") {
  const Error failed = kafka_error(RD_KAFKA_RESP_ERR__AUTHENTICATION, "Kafka", "invalid credentials with SASL mechanism SCRAM-SHA-512");
  CHECK(failed.fault == Fault::kUser);
  CHECK(failed.message.contains("see to "));
  CHECK(failed.message.contains("Kafka 4.0 and newer") == (rd_kafka_version() < 0x020601ff));
  CHECK_FALSE(kafka_error(RD_KAFKA_RESP_ERR__AUTHENTICATION, "Kafka", "invalid credentials").message.contains("Kafka 4.0"));
}

TEST_CASE("certificates that one side does not take are the user's, whatever code they come with") {
  const auto told = [](rd_kafka_resp_err_t code, std::string_view text) { return kafka_error(code, "Kafka", text); };
  const Error untrusted = told(RD_KAFKA_RESP_ERR__SSL,
                               "ssl://b:9093/bootstrap: SSL handshake failed: error:0A000086:SSL routines::certificate verify failed: broker "
                               "certificate could not be verified, verify that ssl.ca.location is correctly configured");
  CHECK(untrusted.fault == Fault::kUser);
  CHECK(untrusted.message.contains("`ssl.ca.location`, and reach the broker under a name that is in it"));
  for (const std::string_view alert : {"tlsv13 alert certificate required", "sslv3 alert bad certificate", "tlsv1 alert unknown ca",
                                       "sslv3 alert certificate expired"}) {
    const Error refused = told(RD_KAFKA_RESP_ERR__TRANSPORT, "ssl://b:9093/1: Receive failed: error:0A00045C:SSL routines::" + std::string(alert));
    CHECK(refused.fault == Fault::kUser);
    CHECK(refused.message.contains("`ssl.certificate.location` and `ssl.key.location`"));
  }
  for (const std::string_view passing : {"SSL handshake failed: Disconnected: connecting to a PLAINTEXT broker listener?",
                                         "Connect to ipv4#127.0.0.1:9093 failed: Connection refused",
                                         "SSL handshake failed: error:0A000126:SSL routines::unexpected eof while reading"}) {
    CHECK(told(RD_KAFKA_RESP_ERR__SSL, passing).fault == Fault::kExternal);
    CHECK(told(RD_KAFKA_RESP_ERR__SSL, passing).retriable);
  }
}

}  // namespace tidemark
