// Puts records into topics: events at full speed or at the pace of their own timestamps, and finished rows; and
// watches how long after their due time rows become visible. Knows nothing of who reads or wrote them.
#pragma once

#include <cstdint>
#include <string>

#include "tests/bench/events.h"
#include "tests/bench/expected.h"

namespace tidemark::bench {

struct Fill {
  std::string topic;
  Stream stream;
  bool paced = false;  // each event when its time has come, counted from the start; as fast as it goes otherwise
};

// Keyed by user, partitioned as Java clients do, lz4.
void fill(const std::string& brokers, const Fill& what);

// Every row that is expected, produced as fast as librdkafka can; only that is timed, not the rendering before it.
void produce_rows(const std::string& brokers, const std::string& topic, const Expected& expected);

struct Watch {
  std::string topic;
  int partitions = 4;
  std::string field = "ts";  // when the row was due: milliseconds or RFC 3339
  int64_t from_ms = 0;       // rows due before are not counted: the warm-up
  int quiet_s = 5;           // ends after so long without a row, once there was one
};

// Follows a topic under read_committed and prints the percentiles of (seen - due) as one line of JSON.
void watch(const std::string& brokers, const Watch& what);

// Says `ready` once it stands at the end of what is committed in the topic, then waits for the first row that is
// committed behind that, and prints when it was seen.
void first_row(const std::string& brokers, const std::string& topic, int partitions);

// What a client pays Kafka before its first record: a transactional id, a group, its committed offsets. Prints the
// time.
void join(const std::string& brokers, const std::string& topic, int partitions);

}  // namespace tidemark::bench
