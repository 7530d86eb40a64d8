// What librdkafka says comes without secrets: by the pieces one by one, and with everything that a real client logs of its
// settings.
#include "operators/sources/secrets.h"

#include <algorithm>
#include <mutex>

#include "operators/sources/kafka_client.h"
#include "tests/catch.h"

namespace tidemark {

TEST_CASE("secrets are hidden whole and in part, and nothing else is") {
  const Secrets secrets({{"sasl.username", "kafka-user"},
                         {"sasl.password", "pa$$ word"},
                         {"ssl.key.password", "pa$$ word longer"},
                         {"ssl.keystore.password", "ab"},
                         {"sasl.oauthbearer.config", "principal=admin-one scope=s3cret,rest extension_x="},
                         {"ssl.key.pem", "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq==\nhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----\n"}});
  CHECK_FALSE(secrets.empty());
  CHECK(secrets.hidden("user kafka-user: pa$$ word!") == "user kafka-user: ***!");
  CHECK(secrets.hidden("pa$$ word longer, pa$$ word") == "***, ***");
  CHECK(secrets.hidden("unrecognized beginning at: cope=s3cret") == "unrecognized beginning at: cope=***");
  CHECK(secrets.hidden("admin-one") == "***");
  CHECK(secrets.hidden("hkiG9w0BAQEFAASC MIIEvQIBADANBgkq==") == "*** ***");
  CHECK(secrets.hidden("a PRIVATE KEY in ab principal scope") == "a PRIVATE KEY in ab principal scope");
  CHECK(secrets.hidden("") == "");
  CHECK(Secrets({{"client.id", "x"}, {"sasl.password", ""}}).empty());
  CHECK(Secrets().hidden("all of it") == "all of it");
}

namespace {

// Lines come from the client's own threads.
struct Heard final : KafkaCallbacks {
  Heard() : KafkaCallbacks([this](int, std::string_view text) { add(text); }) {}
  void on_client_error(rd_kafka_resp_err_t, std::string_view text, bool) override { add(text); }
  void add(std::string_view text) {
    const std::lock_guard lock(mutex);
    all += std::string(text) + "\n";
  }
  std::string text() {
    const std::lock_guard lock(mutex);
    return all;
  }
  std::mutex mutex;
  std::string all;
};

}  // namespace

TEST_CASE("a client that logs all it can, its settings among them, logs no secret") {
  Heard heard;
  const std::vector<std::string> marks = {"mark-one-7341", "mark-two-7341", "mark-three-7341", "mark-four-7341"};
  {
    KafkaConf conf(heard);
    conf.set_all({{"debug", "all"},
                  {"security.protocol", "sasl_plaintext"},
                  {"sasl.mechanism", "SCRAM-SHA-512"},
                  {"sasl.username", "user"},
                  {"client.id", "told-7341"},
                  {"sasl.password", marks[0]},
                  {"ssl.key.password", marks[1]},
                  {"ssl.keystore.password", marks[2]},
                  {"sasl.oauthbearer.config", "principal=x scope=" + marks[3]}});
    conf.set("bootstrap.servers", "127.0.0.1:1");
    const auto client = conf.create(RD_KAFKA_PRODUCER);
    INFO((client ? std::string() : client.error().message));
    REQUIRE(client);
    rd_kafka_poll(client->get(), 200);
  }
  const std::string told = heard.text();
  CHECK(told.contains("sasl.username"));  // the settings were among it
  CHECK(told.contains("told-7341"));
  for (const std::string& mark : marks) CHECK_FALSE(told.contains(mark));
}

TEST_CASE("a refusal of a setting does not tell it") {
  Heard heard;
  KafkaConf conf(heard);
  conf.set_all({{"security.protocol", "ssl"}, {"ssl.key.pem", "mark-7341 that is no key"}, {"ssl.key.password", "mark-7342"}});
  const auto client = conf.create(RD_KAFKA_PRODUCER);
  REQUIRE_FALSE(client);
  CHECK(client.error().fault == Fault::kUser);
  CHECK_FALSE((client.error().message + heard.text()).contains("mark-734"));
}

}  // namespace tidemark
