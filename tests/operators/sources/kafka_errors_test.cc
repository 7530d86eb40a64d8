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

}  // namespace tidemark
