// Builds the record that goes to `dead_letter` or `late`: the original byte for byte, and headers that say what
// happened. Pure; knows neither the sink nor when it is written.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "operators/batch.h"
#include "operators/formats/reason.h"

namespace tidemark {

// Why and where a record was refused.
struct RecordRefusal {
  Reason reason = Reason::kDecode;
  std::string_view error;     // for people; cut to kMaxErrorBytes
  std::string_view pipeline;
  std::string_view step;      // the source's name for what the source refused
  // Where the record was read; absent for a result row, which has no place in a topic.
  std::string_view topic;     // empty: not told
  std::optional<int32_t> partition;
  std::optional<int64_t> offset;
  std::optional<Time> timestamp;  // its own, where it is in the future and cannot be kept as it is
  std::optional<Time> watermark;  // for the reasons of `late`
  // The window of a result row that was too large for its sink.
  std::optional<Time> window_start;
  std::optional<Time> window_end;
};

struct OutgoingHeader {
  std::string name;
  std::optional<std::string> value;
};

// `key` and `value` are views of the original record's bytes.
struct OutgoingRecord {
  std::optional<std::string_view> key;
  std::optional<std::string_view> value;
  std::vector<OutgoingHeader> headers;  // the original ones first, in order; then those of `tidemark.`
};

constexpr size_t kMaxErrorBytes = 1024;

// The most bytes that Kafka may count for the record, to be compared with the topic's `max.message.bytes`.
size_t kafka_bytes(const OutgoingRecord& record);

// `max_bytes` is the limit for kafka_bytes(). A larger record has its value cut until it fits and gains the header
// `tidemark.truncated` with the original size of the value in decimal. Key and headers are never cut: where they alone
// are too large, the value is cut to nothing and kafka_bytes() still tells more than `max_bytes`.
OutgoingRecord build_dead_letter(const RawRecord& original, const RecordRefusal& refusal, size_t max_bytes);

}  // namespace tidemark
