// The rungs that Tidemark is measured against: the bare client, then the fields that a workload uses, then the naive
// aggregation that anyone would write first. Frozen: they are a yardstick, so nothing here is ever tuned.
#pragma once

#include <cstdint>
#include <string>

#include "tests/bench/events.h"

namespace tidemark::bench {

enum class Rung {
  kRaw,          // count messages
  kThreeFields,  // + simdjson On-Demand of user_id, amount and ts
  kFourFields,   // + simdjson On-Demand of user_id, event_type, amount and ts
  kAggregate,    // + three fields, one flat hash map from string key to count and sum, one probe a record, no windows
};

// Reads the whole topic and prints what it saw, with its own CPU and wall time, as one line of JSON. kAggregate adds a
// digest of its totals, taken after the times.
void climb(const std::string& brokers, const std::string& topic, int partitions, Rung rung);

// The digest that kAggregate must have for that stream.
uint64_t totals_digest(const Stream& stream);

}  // namespace tidemark::bench
