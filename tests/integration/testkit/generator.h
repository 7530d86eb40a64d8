// The seeded generator of test events: everything that a real topic holds, and everything that it should not. The same
// settings give the same records, on any machine. Knows neither Kafka nor what a pipeline makes of its records.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "tests/integration/testkit/kafka.h"

namespace tidemark::testkit {

// Shares are in records per million. Event:
// {"event_id":string,"user_id":string,"event_type":string,"amount":double?,"quantity":int?,"ts":ms,
//  "address":{"city":string?},"note":...}
struct GeneratorSettings {
  std::string topic = "events";
  uint64_t seed = 1;
  int64_t events = 1000;        // in all
  int partitions = 4;
  int64_t keys = 100;
  bool keyed = true;            // a user's events share a partition (murmur2); otherwise partitions are drawn
  int64_t start_ms = 1767225600000;     // 2026-01-01
  int64_t events_per_minute = 60'000;   // of event time
  int64_t max_delay_ms = 2000;  // disorder up to here is ordinary
  int64_t max_future_ms = 300'000;
  int64_t disorder = 200'000;   // this many lie up to max_delay behind
  int64_t far_disorder = 10'000;  // up to 3 minutes behind: late for some windows
  int64_t very_late = 2'000;    // 10 to 60 minutes behind
  int64_t duplicates = 10'000;  // the same event_id and bytes again
  int64_t repeats = 0;          // one of the last kRepeatable records again
  int64_t poison = 5'000;
  int64_t future = 1'000;
  int64_t missing = 50'000;     // an optional field absent or null
  int64_t headers = 20'000;     // records with headers
  bool sentinels = false;       // at last one record per partition, 7 days later, that closes all windows
};

inline constexpr size_t kRepeatable = 5'000;

// Hands over the records in an order that keeps each partition's.
void generate(const GeneratorSettings& settings, const std::function<void(OutRecord&&)>& take);

// The event_type of sentinels; a filter can keep them out of windows.
inline constexpr const char* kSentinelType = "sentinel";

}  // namespace tidemark::testkit
