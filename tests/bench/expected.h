// What a windowed count and sum over a stream must give, computed from the stream's definition alone: the oracle of
// the bench. Shares no code with any contestant. The streams are in event-time order, so nothing is late.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/bench/events.h"

namespace tidemark::bench {

struct Windows {
  int64_t size_ms = 60'000;
  int64_t step_ms = 60'000;  // divides size_ms
};

struct Row {
  int64_t count = 0;
  double exact = 0;  // the sum, rounded once
  double naive = 0;  // added in the order of the events; only for tumbling windows
};

class Expected {
 public:
  Expected(const Stream& stream, const Windows& windows);

  // The row of a window that starts then; its count is 0 where there must be none.
  Row row(int64_t window_start_ms, uint64_t user) const;
  // Every window that may have a row, by its place from 0.
  int64_t windows() const { return windows_; }
  int64_t start_of(int64_t window) const { return first_ms_ + window * shape_.step_ms; }
  int64_t window_at(int64_t start_ms) const;  // -1: none of these
  int64_t keys() const { return stream_.keys; }
  int64_t size_ms() const { return shape_.size_ms; }

 private:
  struct Slice {
    __int128 units = 0;  // of 2^-80: amounts are sums of powers of two above that, so nothing is lost
    double naive = 0;
    int64_t count = 0;
  };
  Slice combined(int64_t window, uint64_t user) const;

  Stream stream_;
  Windows shape_;
  int64_t first_ms_ = 0;  // start of the earliest window that holds the first event
  int64_t windows_ = 0;
  int64_t slices_ = 0;
  std::vector<Slice> table_;  // [slice of step_ms][user]
};

// Every session of the stream: records of a user less than `gap_ms` apart. In no order that means anything.
struct Session {
  uint64_t user = 0;
  int64_t start_ms = 0;
  int64_t end_ms = 0;
  int64_t count = 0;
  double exact = 0;  // the sum, rounded once
};
void for_each_session(const Stream& stream, int64_t gap_ms, const std::function<void(const Session&)>& take);

// A row as the daemon writes it, ready for any producer: the key, and the value as JSON.
std::string render(const Expected& expected, int64_t window, uint64_t user, const Row& row);

}  // namespace tidemark::bench
