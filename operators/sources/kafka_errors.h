// What librdkafka's error codes mean for us: whose fault, and whether trying again can help. Pure; knows no clients.
#pragma once

#include <librdkafka/rdkafka.h>

#include <string>
#include <string_view>

#include "base/error.h"

namespace tidemark {

// Wrong credentials, missing rights, unknown topics, certificates that one side does not take: what only a person can put
// right. Of certificates the code says nothing: librdkafka tells of them in its text alone.
bool is_user_fault(rd_kafka_resp_err_t code, std::string_view text = {});
// Somebody newer has this identity, or the broker no longer knows it.
bool is_fencing(rd_kafka_resp_err_t code);
// The group no longer accepts this member with its generation, so that a commit can never succeed.
bool is_membership_loss(rd_kafka_resp_err_t code);
// The call ran out of time or found no broker; the cause may be another error that the client reported meanwhile.
bool is_silence(rd_kafka_resp_err_t code);

// "`what`: `text` (NAME)", with what to do about it where a person can; `text` defaults to librdkafka's own words for
// the code.
Error kafka_error(rd_kafka_resp_err_t code, std::string_view what, std::string_view text = {});

// Why a call found silence: what the client last told of its connections.
class OutageCause {
 public:
  void note(rd_kafka_resp_err_t code, std::string_view text);
  // kafka_error(), and where the code means silence, which `brokers` are silent and the cause, as far as it is known.
  Error explain(rd_kafka_resp_err_t code, std::string_view what, std::string_view brokers) const;
  // "no answer from BROKERS: why"
  std::string to_string(std::string_view brokers) const;

 private:
  std::string text_;
};

}  // namespace tidemark
