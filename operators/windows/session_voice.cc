// Every key that may have something new is looked up whole and held against the notes: who is asked twice says nothing the
// second time. So rounds and ends need not know of each other, and what a restart forgets is an early row at most.
#include "operators/windows/session_voice.h"

#include <algorithm>

#include "operators/key_codec.h"
#include "operators/windows/store_errors.h"

namespace tidemark {
SessionVoice::SessionVoice(const WindowPlan& plan, const Segments& segments, const StateBlock& block, LaneSlices& open,
                           EndingSessions& ending, uint16_t lane, uint16_t step)
    : plan_(plan),
      segments_(segments),
      open_(open),
      ending_(ending),
      lane_(lane),
      step_(step),
      at_once_(plan.emit != EmitWhen::kEvery),
      at_the_end_(plan.allowed_lateness > Duration{0} && plan.emit != EmitWhen::kOnChange),
      lookup_(segments, block, open, lane, step),
      closing_(block, segments) {}

void SessionVoice::note_changed(SlicePart& part, const Batch& batch, const KeyedRows& keyed, Rows rows, Time watermark) {
  if (plan_.emit == EmitWhen::kOnClose) {
    // What was spoken of ended by the watermark: only records from before it can belong to it.
    late_.clear();
    std::ranges::copy_if(rows, std::back_inserter(late_), [&](uint32_t row) { return batch.event_times[row] < watermark; });
    rows = late_;
  }
  if (rows.empty()) return;
  open_.note_changed(part, keyed, rows);
  changed_ = true;
}

void SessionVoice::note_all_changed(SlicePart& part) {
  open_.note_all_changed(part);
  changed_ = true;
}

// --- What is said ----------------------------------------------------------------------------------------------------

void SessionVoice::put_note(const Segment& segment, std::string_view key, uint64_t hash, const SessionNote& note) {
  open_.change(open_.open().find(segment.start)->second.parts.begin()->second,
               [&](HotTable& table) { session_head(table.find_or_insert(key, hash)).note.merge(note); });
  ending_.put_note(segment, key, hash, note);
}

// A session that was expected to end earlier comes up again when it does.
void SessionVoice::requeue(const FoundSession& session, Time end, std::string_view key, uint64_t hash) {
  const Time start = session.parts.back().segment.start;
  if (!at_the_end_ || !closing_.gathered() || start != closing_segment_) return;
  const SlicePart& part = open_.open().find(start)->second.parts.begin()->second;
  const uint32_t at = part.hot ? part.hot->find(key, hash) : HotTable::kNone;
  if (at != HotTable::kNone) closing_.insert({end, &part.hot->entry(at)});
}

// A session that is cut may grow into the next segment and keep its bounds: then its note is in an earlier one.
Status SessionVoice::say(const FoundSession& session, std::string_view key, uint64_t hash, const Moment& now) {
  const Segment& last = session.parts.back().segment;
  const Time end = segments_.end_of(last, session.span.last);
  const auto same = [&](const SessionNote& note) { return note.start == session.span.first && note.end == end; };
  int64_t revision = 0;
  bool known = false;
  for (const auto& [segment, note] : session.parts) {
    revision = std::max(revision, note.revision);
    known |= same(note) && note.records == session.records;
    if (!note.is_out() || same(note)) continue;
    if (!now.rows.withdraw(key, note, session.span.newest_kafka_time)) return std::unexpected(foreign_key());
    revision = std::max(revision, note.revision + 1);
    put_note(segment, key, hash, note.taken_back());
  }
  if (known) return {};
  if (now.only_ended && end > now.watermark) return requeue(session, end, key, hash), Status{};
  for (const auto& [segment, note] : session.parts) {
    if (same(note) && segment.start != last.start) put_note(segment, key, hash, note.taken_back());
  }
  const SessionNote note{session.span.first, end, session.records, revision + 1};
  if (!now.rows.speak(key, session.states, note)) return std::unexpected(foreign_key());
  put_note(last, key, hash, note);
  return {};
}

Status SessionVoice::speak_of(Time segment_start, std::string_view key, uint64_t hash, const Moment& now) {
  const auto found = lookup_.find(segment_start, key, hash, now.over, now.view);
  if (!found) return std::unexpected(found.error());
  return *found != nullptr ? say(**found, key, hash, now) : Status{};
}

// --- What has changed ------------------------------------------------------------------------------------------------

bool SessionVoice::is_due(Time watermark) const {
  if (plan_.emit != EmitWhen::kEvery) return changed_;
  return floor_div(watermark.us, plan_.every.us) > floor_div(spoken_at_.us, plan_.every.us);
}

void SessionVoice::begin_round() {
  changed_ = false;
  for (auto& [start, open] : open_.open()) {
    SlicePart& part = open.parts.begin()->second;
    if (part.changed.any()) round_.push_back({start, open_.take_changed(part)});
  }
}

// It is not known any more which keys have changed: all are asked.
Status SessionVoice::speak_of_all(Time segment_start, const Moment& now) {
  const auto at = open_.open().find(segment_start);
  if (at == open_.open().end()) return {};
  const SlicePart& part = at->second.parts.begin()->second;
  for (const HotTable* table : part.tables()) {
    // Notes may add entries to it meanwhile, of keys that have been asked.
    const size_t count = table->size();
    for (size_t i = 0; i < count; ++i) {
      const HotTable::Entry& entry = table->entry(i);
      if (Status spoken = speak_of(segment_start, entry.key(), entry.hash(), now); !spoken) return spoken;
    }
  }
  if (!part.in_store_only) return {};
  const std::string begin = encode_state_key({lane_, step_, at->second.slice.end, kCommonPartial}, {});
  Scan scan = now.view->scan(begin, prefix_end(begin));
  for (; scan.valid(); scan.next()) {
    const std::string_view key = scan.key().substr(StateKeyHeader::kBytes);
    if (Status spoken = speak_of(segment_start, key, hash_key(key), now); !spoken) return spoken;
  }
  return scan.status();
}

Status SessionVoice::go_round(const Moment& now, ResultEmitter& out) {
  for (; !round_.empty(); round_.pop_front()) {
    Changed& changed = round_.front();
    const HotTable* const keys = changed.keys.keys();
    if (keys == nullptr) {
      if (Status spoken = speak_of_all(changed.segment_start, now); !spoken) return spoken;
    }
    while (keys != nullptr && changed.next < keys->size()) {
      const HotTable::Entry& entry = keys->entry(changed.next++);
      if (Status spoken = speak_of(changed.segment_start, entry.key(), entry.hash(), now); !spoken) return spoken;
      if (changed.next % kKeysBetweenPauses == 0 && out.wants_pause()) return {};
    }
  }
  return {};
}

// --- What has ended --------------------------------------------------------------------------------------------------

// Makes the sessions of a segment ready that end behind closed_through_.
Status SessionVoice::gather_ended(const Segment& segment, const SlicePart& part, const View* view) {
  if (closing_.gathered() && closing_segment_ == segment.start) return {};
  WindowSources sources;
  part.add_to(sources, {lane_, step_, segment.end, kCommonPartial});
  closing_segment_ = segment.start;
  return closing_.gather(segment, sources, view, closed_through_);
}

// Sessions are as they are looked up: an end that was listed may be past, for the session went on. True: all that end in the
// segment have been asked.
Result<bool> SessionVoice::speak_of_ended_in(const Segment& segment, const SlicePart& part, const Moment& now) {
  for (;;) {
    if (Status read = gather_ended(segment, part, now.view); !read) return std::unexpected(read.error());
    while (!closing_.ready().empty() && closing_.ready().front().end <= now.watermark) {
      const HotTable::Entry& entry = *closing_.ready().front().entry;
      closing_.take(1);
      if (Status spoken = speak_of(segment.start, entry.key(), entry.hash(), now); !spoken) {
        return std::unexpected(spoken.error());
      }
    }
    if (!closing_.ready().empty()) return false;
    if (closing_.all_gathered()) return true;
    if (closing_.gathered_through() > now.watermark) return false;
    closed_through_ = closing_.gathered_through();
    closing_.forget();
  }
}

Status SessionVoice::speak_of_ended(const Moment& now) {
  if (closing_.gathered() && !open_.open().contains(closing_segment_)) closing_.forget();
  for (auto& [start, open] : open_.open()) {
    const Segment segment = segments_.of(start);
    if (segment.end > now.watermark) break;
    if (segments_.last_end(segment) <= closed_through_) continue;
    const auto all = speak_of_ended_in(segment, open.parts.begin()->second, now);
    if (!all) return std::unexpected(all.error());
    if (!*all) break;
  }
  closed_through_ = std::max(closed_through_, now.watermark);
  return {};
}

Status SessionVoice::speak(Time watermark, Time over, const View* view, SessionRows& rows, ResultEmitter& out) {
  const bool due = is_due(watermark);
  spoken_at_ = watermark;
  if (at_the_end_) {
    const Moment ended{watermark, over, view, rows, true};
    if (Status spoken = speak_of_ended(ended); !spoken) return spoken;
  }
  if (due) begin_round();
  return go_round({watermark, over, view, rows, plan_.emit == EmitWhen::kOnClose}, out);
}

void SessionVoice::shed() {
  closing_.forget();
  for (Changed& changed : round_) changed.keys.add_all();
}

size_t SessionVoice::bytes() const {
  size_t bytes = closing_.bytes();
  for (const Changed& changed : round_) bytes += changed.keys.bytes();
  return bytes;
}

}  // namespace tidemark
