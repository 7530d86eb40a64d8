// The bytes of the two requests that reading takes in Kafka's protocol, ApiVersions and Fetch, and of their answers. Pure;
// knows neither connections nor what records look like inside.
//
// Source: the Kafka protocol guide (kafka.apache.org/protocol), message formats of Fetch 4 to 11. Version 4 is the least
// that brokers from 0.11 to 4 all speak; 11, of Kafka 2.3, has what a fenced leader and zstd need.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark {

constexpr int16_t kFetchVersion = 11;
constexpr int16_t kOldFetchVersion = 4;

struct FetchFrom {
  std::string_view topic;
  int32_t partition = 0;
  int64_t offset = 0;
};

// What a broker may take for an answer.
struct FetchAnswerLimits {
  int32_t wait_ms = 200;        // while there is less than `least_bytes`
  int32_t least_bytes = 1;
  int32_t bytes = 1 << 20;      // a first batch beyond either comes all the same
  int32_t partition_bytes = 128 << 10;
};

// Whole requests, size included. `correlation` comes back with the answer.
std::string api_versions_request(int32_t correlation, std::string_view client_id);
// `places` lie in the order in which the broker fills the answer; those of one topic side by side. read_committed.
std::string fetch_request(int16_t version, int32_t correlation, std::string_view client_id,
                          const FetchAnswerLimits& limits, const std::vector<FetchFrom>& places);

// The transactions that were aborted within the records of an answer.
struct AbortedTransaction {
  int64_t producer = 0;
  int64_t first_offset = 0;
};

// Views into the answer.
struct FetchedPartition {
  std::string_view topic;
  int32_t partition = 0;
  int16_t error = 0;  // Kafka's code, 0: none
  int64_t high_watermark = -1;
  int64_t last_stable = -1;
  std::vector<AbortedTransaction> aborted;
  std::string_view records;  // whole batches, and perhaps the beginning of another
};
struct FetchAnswer {
  int16_t error = 0;
  int32_t throttle_ms = 0;
  std::vector<FetchedPartition> partitions;
};

// `answer`: what follows the size. Nothing where its bytes are not what they should be.
std::optional<int32_t> correlation_of(std::string_view answer);
// The Fetch version to speak, of what the broker says it can; nothing where there is none.
std::optional<int16_t> fetch_version_of(std::string_view api_versions_answer);
std::optional<FetchAnswer> read_fetch_answer(int16_t version, std::string_view answer);

}  // namespace tidemark
