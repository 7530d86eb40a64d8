// Compares what a contestant wrote to a topic with what it had to write, to the last bit of every double. Knows the
// shapes of the rows that contestants write, and not who wrote them.
#pragma once

#include <cstdint>
#include <string>

#include "tests/bench/events.h"
#include "tests/bench/expected.h"

namespace tidemark::bench {

enum class Sums {
  kExact,  // rounded once
  kNaive,  // added in the order of the log, as contestants without exact sums do
  kNear,   // added in an order that depends on the run: within 1e-12 of the exact sum
};

struct Judgement {
  int64_t rows = 0;
  int64_t expected = 0;
  int64_t missing = 0;
  int64_t repeated = 0;
  int64_t wrong = 0;
  std::string first_wrong;
  bool good() const { return missing + repeated + wrong == 0; }
};

struct Output {
  std::string topic;
  int partitions = 4;
  bool upserts = false;  // a later row of a window replaces an earlier one
  // Rows of windows that end after this may be missing, where a contestant cannot be told that its input has ended.
  int64_t closed_until_ms = INT64_MAX;
};

// Rows: {"user_id", "window_start": RFC 3339, SQL text or milliseconds, "n", "spent"}, in any order, with more
// fields or not.
Judgement judge_windows(const std::string& brokers, const Output& output, const Expected& expected, Sums sums);

// Rows of sessions: {"user_id", "window_start", "window_end", "n", "spent"}; sums exact.
Judgement judge_sessions(const std::string& brokers, const Output& output, const Stream& stream, int64_t gap_ms);

// Rows of the filter workload: {"user_id", "amount", "ts"} of the purchases of at least `least_cents`.
Judgement judge_filter(const std::string& brokers, const Output& output, const Stream& stream, int64_t least_cents);

// Milliseconds since the epoch of `2026-01-01T00:00:00.123Z` or `2026-01-01 00:00:00`; -1: neither.
int64_t parse_time_ms(std::string_view text);

}  // namespace tidemark::bench
