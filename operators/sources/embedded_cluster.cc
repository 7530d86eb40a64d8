// The embedded broker by librdkafka's mock cluster, which its own producer brings along. Knows nothing of what is sent.
#include "operators/sources/embedded_cluster.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>  // after the one above

#include <fmt/core.h>

#include "operators/sources/kafka_client.h"

namespace tidemark {
namespace {

// A group's first member waits 3 s for others unless told otherwise, which older libraries cannot be.
template <class Cluster>
void skip_rebalance_delay(Cluster* cluster) {
  if constexpr (requires { rd_kafka_mock_group_initial_rebalance_delay_ms(cluster, 0); }) {
    rd_kafka_mock_group_initial_rebalance_delay_ms(cluster, 0);
  }
}

}  // namespace

class EmbeddedCluster::Client final : public KafkaCallbacks {
 public:
  using KafkaCallbacks::KafkaCallbacks;

  Status start() {
    KafkaConf conf(*this);
    conf.set("test.mock.num.brokers", "1");
    conf.set("client.id", "tidemark-embedded");
    conf.set("linger.ms", "50");
    conf.set("compression.type", "lz4");  // the broker counts bytes as they come, so it holds more of them
    conf.set("partitioner", "murmur2_random");
    auto made = conf.create(RD_KAFKA_PRODUCER);
    if (!made) return std::unexpected(made.error());
    producer_ = std::move(*made);
    cluster_ = rd_kafka_handle_mock_cluster(producer_.get());
    if (cluster_ == nullptr) return external_error("this librdkafka has no embedded broker", false);
    skip_rebalance_delay(cluster_);
    return {};
  }

  Status create(const EmbeddedTopic& topic) {
    const auto code = rd_kafka_mock_topic_create(cluster_, topic.name.c_str(), topic.partitions, 1);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
    return external_error(fmt::format("topic {}: {}", topic.name, rd_kafka_err2str(code)), false);
  }

  rd_kafka_t* producer() { return producer_.get(); }
  std::string brokers() const { return rd_kafka_mock_cluster_bootstraps(cluster_); }

 private:
  void on_client_error(rd_kafka_resp_err_t code, std::string_view text, bool fatal) override {
    log(fatal ? 3 : 4, fmt::format("{}: {}", rd_kafka_err2name(code), text));
  }

  RdPtr<rd_kafka_t> producer_;                  // owns the cluster
  rd_kafka_mock_cluster_t* cluster_ = nullptr;  // lives as long as producer_
};

EmbeddedCluster::EmbeddedCluster(std::unique_ptr<Client> client) : client_(std::move(client)) {}
EmbeddedCluster::~EmbeddedCluster() = default;

Result<std::unique_ptr<EmbeddedCluster>> EmbeddedCluster::start(LogLine log) {
  auto client = std::make_unique<Client>(std::move(log));
  if (Status started = client->start(); !started) return std::unexpected(started.error());
  return std::unique_ptr<EmbeddedCluster>(new EmbeddedCluster(std::move(client)));
}

Status EmbeddedCluster::create(const EmbeddedTopic& topic) { return client_->create(topic); }

std::string EmbeddedCluster::brokers() const { return client_->brokers(); }

bool EmbeddedCluster::produce(const std::string& topic, std::string_view key, std::string_view value, Time timestamp) {
  const auto bytes = [](std::string_view text) { return const_cast<char*>(text.data()); };  // only read: it is copied
  const auto code = rd_kafka_producev(client_->producer(), RD_KAFKA_V_TOPIC(topic.c_str()),
                                      RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(bytes(key), key.size()),
                                      RD_KAFKA_V_VALUE(bytes(value), value.size()),
                                      RD_KAFKA_V_TIMESTAMP(timestamp.us / 1'000), RD_KAFKA_V_END);
  return code == RD_KAFKA_RESP_ERR_NO_ERROR;
}

void EmbeddedCluster::poll(Duration timeout) { rd_kafka_poll(client_->producer(), timeout_ms(timeout)); }

Status EmbeddedCluster::flush(Duration timeout) {
  const auto code = rd_kafka_flush(client_->producer(), timeout_ms(timeout));
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  return external_error(fmt::format("the embedded broker does not answer: {}", rd_kafka_err2str(code)));
}

}  // namespace tidemark
