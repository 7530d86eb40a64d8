// SessionSpan: from when to when the records of a session, or of a part of one, reach. It lies before the aggregates' states
// in every block of a session step, and merges as they do: in any order, to the same bytes.
#pragma once

#include <algorithm>
#include <cstddef>

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
static_assert(sizeof(SessionSpan) == 24);

inline SessionSpan& session_span(std::byte* states) { return *reinterpret_cast<SessionSpan*>(states); }
inline const SessionSpan& session_span(const std::byte* states) { return *reinterpret_cast<const SessionSpan*>(states); }

}  // namespace tidemark
