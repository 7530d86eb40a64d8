// Tables of librdkafka's error codes, by whose fault they are. Knows nothing of what is done about them.
#include "operators/sources/kafka_errors.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

namespace tidemark {

namespace {

// OpenSSL's words, and librdkafka's for them.
bool is_broker_distrusted(std::string_view text) {
  return text.contains("certificate verify failed") || text.contains("certificate could not be verified");
}

// The broker has said in its last word that it does not take our certificate, or that we showed none.
bool is_client_distrusted(std::string_view text) {
  if (text.contains("client SSL authentication might be required")) return true;
  if (!text.contains("alert")) return false;
  constexpr std::array<std::string_view, 6> kAlerts = {"certificate required", "bad certificate",     "unknown ca",
                                                       "certificate unknown",  "certificate expired", "certificate revoked"};
  return std::ranges::any_of(kAlerts, [&](std::string_view alert) { return text.contains(alert); });
}

}  // namespace

bool is_user_fault(rd_kafka_resp_err_t code, std::string_view text) {
  if (is_broker_distrusted(text) || is_client_distrusted(text)) return true;
  switch (static_cast<int>(code)) {
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM:
    case RD_KAFKA_RESP_ERR_ILLEGAL_SASL_STATE:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
    case RD_KAFKA_RESP_ERR_INVALID_GROUP_ID:
    case RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL:
    case RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT:
    case RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT:
    case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
      return true;
    default:
      return false;
  }
}

bool is_fencing(rd_kafka_resp_err_t code) {
  switch (static_cast<int>(code)) {
    case RD_KAFKA_RESP_ERR__FENCED:
    case RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH:
    case RD_KAFKA_RESP_ERR_PRODUCER_FENCED:
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
      return true;
    default:
      return false;
  }
}

bool is_membership_loss(rd_kafka_resp_err_t code) {
  switch (static_cast<int>(code)) {
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
    case RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID:
    case RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST:
      return true;
    default:
      return false;
  }
}

bool is_silence(rd_kafka_resp_err_t code) {
  switch (static_cast<int>(code)) {
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__WAIT_COORD:
    case RD_KAFKA_RESP_ERR__WAIT_CACHE:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:  // no leader is known of it: a topic that is not there has other codes
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
    case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_NOT_COORDINATOR:
      return true;
    default:
      return false;
  }
}

namespace {

Fault fault_of(rd_kafka_resp_err_t code, std::string_view text) {
  if (is_user_fault(code, text)) return Fault::kUser;
  switch (static_cast<int>(code)) {
    case RD_KAFKA_RESP_ERR__INVALID_ARG:
    case RD_KAFKA_RESP_ERR__STATE:
    case RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED:
    case RD_KAFKA_RESP_ERR__NOT_CONFIGURED:
    case RD_KAFKA_RESP_ERR__DESTROY:
    case RD_KAFKA_RESP_ERR_OFFSET_METADATA_TOO_LARGE:
      return Fault::kInternal;
    default:
      return Fault::kExternal;
  }
}

constexpr int kScramMended = 0x020601ff;  // before, librdkafka repeats its nonce, which older brokers let pass

// What a person can do about it.
std::string_view advice_for(rd_kafka_resp_err_t code, std::string_view text) {
  if (is_broker_distrusted(text)) {
    return "; name the CA that signed the broker's certificate in `ssl.ca.location`, and reach the broker under a name "
           "that is in it";
  }
  if (is_client_distrusted(text)) {
    return "; the broker asks for a certificate that it trusts: `ssl.certificate.location` and `ssl.key.location`";
  }
  if (text.contains("SCRAM") && rd_kafka_version() < kScramMended) {
    return "; see to `sasl.*` in the pipeline's `properties`; where the password is right: librdkafka before 2.6.1 "
           "cannot log in by SCRAM to Kafka 4.0 and newer (`tidemark version` tells which it is)";
  }
  switch (static_cast<int>(code)) {
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC: return "; create it, or correct its name in the pipeline file";
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION: return "; correct its name in the pipeline file";
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM:
      return "; see to `security.protocol` and `sasl.*` in the pipeline's `properties`";
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED: return "; grant the user that right";
    case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP: return "; see to the topic's `message.timestamp.before.max.ms` and `.after.max.ms`";
    case RD_KAFKA_RESP_ERR_INVALID_RECORD: return "; a compacted topic takes no row without a key: write one, or see to its `cleanup.policy`";
    default: return {};
  }
}

}  // namespace

Error kafka_error(rd_kafka_resp_err_t code, std::string_view what, std::string_view text) {
  if (text.empty()) text = rd_kafka_err2str(code);
  const Fault fault = fault_of(code, text);
  const bool retriable = fault == Fault::kExternal && !is_fencing(code) && !is_membership_loss(code);
  return {fault, retriable, fmt::format("{}: {} ({}){}", what, text, rd_kafka_err2name(code), advice_for(code, text))};
}

// That all brokers are down follows from what was told of each.
void OutageCause::note(rd_kafka_resp_err_t code, std::string_view text) {
  if (code != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && !is_user_fault(code, text)) text_ = text;
}

std::string OutageCause::to_string(std::string_view brokers) const {
  return fmt::format("no answer from {}{}{}", brokers, text_.empty() ? "" : ": ", text_);
}

Error OutageCause::explain(rd_kafka_resp_err_t code, std::string_view what, std::string_view brokers) const {
  if (!is_silence(code)) return kafka_error(code, what);
  return kafka_error(code, what, to_string(brokers));
}

}  // namespace tidemark
