// What librdkafka's error codes mean for us: whose fault, and whether trying again can help. Pure; knows no clients.
#pragma once

#include <librdkafka/rdkafka.h>

#include <string_view>

#include "base/error.h"

namespace tidemark {

// Wrong credentials, missing rights, unknown topics: what only a person can put right.
bool is_user_fault(rd_kafka_resp_err_t code);
// Somebody newer has this identity, or the broker no longer knows it.
bool is_fencing(rd_kafka_resp_err_t code);
// The group no longer accepts this member with its generation, so that a commit can never succeed.
bool is_membership_loss(rd_kafka_resp_err_t code);
// The call ran out of time or found no broker; the cause may be another error that the client reported meanwhile.
bool is_silence(rd_kafka_resp_err_t code);

// "`what`: `text` (NAME)"; `text` defaults to librdkafka's own words for the code.
Error kafka_error(rd_kafka_resp_err_t code, std::string_view what, std::string_view text = {});

}  // namespace tidemark
