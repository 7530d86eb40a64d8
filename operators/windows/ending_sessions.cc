// Where a segment has more than may be copied, a stretch of its ends is gathered at a time, halved until it fits: the segment
// is then read once for each stretch, and once more for each halving. The next one begins with the length
// that fitted.
#include "operators/windows/ending_sessions.h"

#include <algorithm>

#include "operators/key_codec.h"
#include "operators/windows/session_head.h"

namespace tidemark {

bool EndingRows::add(std::string_view key, const std::byte* states) {
  const Time end = segments.end_of(segment, session_span(states).last);
  if (end <= after || end > through) return true;
  // An instant cannot be halved.
  if (into.bytes() > most_bytes && through.us > saturating_add(after.us, 1)) {
    full = true;
    return false;
  }
  block.merge(into.find_or_insert(key, hash_key(key)), states, into.heap());
  return true;
}

bool CutSessions::add(std::string_view key, const std::byte* states) {
  return rows.finish(key, states, end);
}

// A key that several tables have is listed once, by its last record in all of them.
void EndingSessions::list(std::vector<const HotTable*> tables, const Segment& segment, Time after) {
  constexpr size_t kBatch = 256;
  const HotTable::Entry* entries[kBatch];
  Time last[kBatch];
  uint32_t found[kBatch];
  // The largest is looked up by all and looks nothing up.
  std::ranges::sort(tables, {}, &HotTable::size);
  std::vector<std::vector<bool>> listed(tables.size());
  for (size_t t = 1; t < tables.size(); ++t) listed[t].resize(tables[t]->size());
  if (!tables.empty()) ready_.reserve(tables.back()->size());
  for (size_t t = 0; t < tables.size(); ++t) {
    for (size_t at = 0; at < tables[t]->size();) {
      size_t n = 0;
      for (; at < tables[t]->size() && n < kBatch; ++at) {
        if (t > 0 && listed[t][at]) continue;
        entries[n] = &tables[t]->entry(at);
        last[n] = session_span(entries[n]->states()).last;
        ++n;
      }
      for (size_t later = t + 1; later < tables.size(); ++later) {
        tables[later]->find(std::span(entries, n), found);
        for (size_t i = 0; i < n; ++i) {
          if (found[i] == HotTable::kNone) continue;
          listed[later][found[i]] = true;
          last[i] = std::max(last[i], session_span(tables[later]->entry(found[i]).states()).last);
        }
      }
      for (size_t i = 0; i < n; ++i) {
        const Time end = segments_.end_of(segment, last[i]);
        if (end > after) ready_.push_back({end, entries[i]});
      }
    }
  }
  std::ranges::sort(ready_, {}, &EndingSession::end);
}

Status EndingSessions::gather(const Segment& segment, const WindowSources& sources, const View* view, Time after) {
  forget();
  segment_start_ = segment.start;
  if (sources.stored.empty()) {
    list(sources.tables, segment, after);
    gathered_through_ = Time::max();
    return {};
  }
  // No session of the segment ends before the segment does.
  after = std::max(after, Time{segment.end.us - 1});
  const Time last = segments_.last_end(segment);
  for (Time through = stretch_ ? std::min(last, after + *stretch_) : last;;) {
    merged_.emplace(block_.blank());
    EndingRows rows{block_, segments_, segment, after, through, room_, *merged_};
    const Status read = write_window(sources, view, block_, rows);
    if (!rows.full) {
      if (!read) return forget(), read;
      list({&*merged_}, segment, after);
      gathered_through_ = through == last ? Time::max() : through;
      const bool much_room = merged_->bytes() < room_ / 3;
      if (stretch_ && through < last && much_room) stretch_->us *= 2;
      return {};
    }
    through.us = after.us + (through.us - after.us) / 2;
    stretch_ = through - after;
  }
}

size_t EndingSessions::ended(Time watermark) const {
  const std::span<const EndingSession> left = ready();
  return static_cast<size_t>(std::ranges::upper_bound(left, watermark, {}, &EndingSession::end) - left.begin());
}

void EndingSessions::insert(const EndingSession& session) {
  const auto left = ready_.begin() + static_cast<ptrdiff_t>(taken_);
  ready_.insert(std::ranges::upper_bound(left, ready_.end(), session.end, {}, &EndingSession::end), session);
}

void EndingSessions::put_note(const Segment& segment, std::string_view key, uint64_t hash, const SessionNote& note) {
  if (!merged_ || segment.start != segment_start_ || merged_->find(key, hash) == HotTable::kNone) return;
  session_head(merged_->find_or_insert(key, hash)).note.merge(note);
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
