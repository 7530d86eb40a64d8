// Where a segment has more than may be copied, a stretch of its ends is gathered at a time, halved until it fits: the segment
// is then read once for each stretch, and once more for each halving.
#include "operators/windows/ending_sessions.h"

#include <algorithm>

#include "operators/key_codec.h"
#include "operators/windows/session_span.h"

namespace tidemark {

bool EndingRows::add(std::string_view key, const std::byte* states) {
  const Time end = segments.end_of(segment, session_span(states).last);
  if (end <= after || end > through) return true;
  // An instant cannot be halved.
  if (into.bytes() > EndingSessions::kMostBytes && through.us > saturating_add(after.us, 1)) {
    full = true;
    return false;
  }
  block.merge(into.find_or_insert(key, hash_key(key)), states, into.heap());
  return true;
}

bool CutSessions::add(std::string_view key, const std::byte* states) {
  const SessionSpan& span = session_span(states);
  rows.begin({span.first, end, span.newest_kafka_time, expected_rows});
  return rows.add(key, states);
}

void EndingSessions::list(const HotTable& table, const Segment& segment, Time after) {
  ready_.reserve(table.size());
  table.for_each([&](const HotTable::Entry& e) {
    const Time end = segments_.end_of(segment, session_span(e.states()).last);
    if (end > after) ready_.push_back({end, &e});
  });
  std::ranges::sort(ready_, {}, &EndingSession::end);
}

Status EndingSessions::gather(const Segment& segment, const WindowSources& sources, const View* view, Time after) {
  forget();
  if (sources.stored.empty() && sources.tables.size() == 1) {
    list(*sources.tables[0], segment, after);
    gathered_through_ = Time::max();
    return {};
  }
  // No session of the segment ends before the segment does.
  after = std::max(after, Time{segment.end.us - 1});
  const Time last = segments_.last_end(segment);
  for (Time through = last;;) {
    merged_.emplace(block_.blank());
    EndingRows rows{block_, segments_, segment, after, through, *merged_};
    const Status read = write_window(sources, view, block_, rows);
    if (!rows.full) {
      if (!read) return forget(), read;
      list(*merged_, segment, after);
      gathered_through_ = through == last ? Time::max() : through;
      return {};
    }
    through.us = after.us + (through.us - after.us) / 2;
  }
}

size_t EndingSessions::ended(Time watermark) const {
  const std::span<const EndingSession> left = ready();
  return static_cast<size_t>(std::ranges::upper_bound(left, watermark, {}, &EndingSession::end) - left.begin());
}

void EndingSessions::forget() {
  gathered_through_.reset();
  merged_.reset();
  ready_ = std::vector<EndingSession>();
  taken_ = 0;
}

size_t EndingSessions::bytes() const {
  return (merged_ ? merged_->bytes() : 0) + ready_.capacity() * sizeof(EndingSession);
}

}  // namespace tidemark
