// What Kafka adds to a record's own bytes, at the most: whoever compares a record with a topic's `max.message.bytes` adds
// these, so that nothing is sent that the broker refuses. Knows no records.
#pragma once

#include <cstddef>

namespace tidemark {

// Around a record in a batch of its own: batch header, lengths, timestamps.
constexpr size_t kRecordOverheadBytes = 128;
// For each header beside its name and value: two varint lengths and some air.
constexpr size_t kHeaderOverheadBytes = 16;

}  // namespace tidemark
