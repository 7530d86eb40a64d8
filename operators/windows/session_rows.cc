// A withdrawn session's row has the aggregates of no record.
#include "operators/windows/session_rows.h"

namespace tidemark {

bool SessionRows::withdraw(std::string_view key, const SessionNote& note, Time newest_kafka_time) {
  if (!withdraws_) return true;
  FiredWindow window{note.start, note.end, newest_kafka_time, expected_rows_};
  window.revision = note.revision + 1;
  window.withdrawn = true;
  rows_.begin(window);
  return rows_.add(key, block_.blank().data());
}

bool SessionRows::speak(std::string_view key, const std::byte* states, const SessionNote& note) {
  FiredWindow window{note.start, note.end, session_span(states).newest_kafka_time, expected_rows_};
  window.revision = note.revision;
  window.is_final = false;
  rows_.begin(window);
  return rows_.add(key, states);
}

bool SessionRows::finish(std::string_view key, const std::byte* states, Time end) {
  const SessionSpan& span = session_span(states);
  FiredWindow window{span.first, end, span.newest_kafka_time, expected_rows_};
  if (revises_) {
    const SessionNote& note = session_head(states).note;
    const bool same = note.start == span.first && note.end == end;
    if (note.is_out() && !same && !withdraw(key, note, span.newest_kafka_time)) return false;
    window.revision = note.revision + 1;
  }
  rows_.begin(window);
  return rows_.add(key, states);
}

}  // namespace tidemark
