// SessionHead: what stands before the aggregates' states in every block of a session step: from when to when the records
// reach, and, where sessions speak more than once, how many they are and what was last said of them. It merges as states do:
// in any order, to the same bytes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace tidemark {

struct SessionSpan {
  Time first = Time::max();  // of no record: after every one
  Time last = Time::min();
  Time newest_kafka_time = Time::min();  // Time::min() where no record had one

  void add(Time event_time, Time kafka_time) { merge({event_time, event_time, kafka_time}); }
  void merge(const SessionSpan& other) {
    first = std::min(first, other.first);
    last = std::max(last, other.last);
    newest_kafka_time = std::max(newest_kafka_time, other.newest_kafka_time);
  }
};

// The last row that was given out of a session whose last record lay in this segment: which session it was then, and of how
// many records. Of two notes in one place the later one holds.
struct SessionNote {
  Time start;
  Time end = Time::min();  // no session ends there: nothing is out that would have to be withdrawn
  int64_t records = 0;
  int64_t revision = 0;

  bool is_out() const { return end != Time::min(); }
  // What takes its place when it does not hold any more.
  SessionNote taken_back() const { return {{}, Time::min(), 0, revision + 1}; }
  void merge(const SessionNote& other) {
    if (other.revision > revision) *this = other;
  }
};

// Blocks of steps that speak but once end with the span.
struct SessionHead {
  SessionSpan span;
  int64_t records = 0;
  SessionNote note;

  void merge(const SessionHead& other) {
    span.merge(other.span);
    records += other.records;
    note.merge(other.note);
  }
};
static_assert(sizeof(SessionSpan) == 24 && sizeof(SessionHead) == 64);

inline SessionSpan& session_span(std::byte* states) { return *reinterpret_cast<SessionSpan*>(states); }
inline const SessionSpan& session_span(const std::byte* states) { return *reinterpret_cast<const SessionSpan*>(states); }
// Only of steps that speak more than once.
inline SessionHead& session_head(std::byte* states) { return *reinterpret_cast<SessionHead*>(states); }
inline const SessionHead& session_head(const std::byte* states) { return *reinterpret_cast<const SessionHead*>(states); }

}  // namespace tidemark
