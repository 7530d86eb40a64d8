// When may a session fire? Every row that counts has `event time >= watermark of the lane` (add() sees to it), so nothing
// can join or bridge what ended by that watermark: it is final whatever the partitions do. A segment is done with in its
// order: those of its partials that end by the watermark either go into the next segment's or are written, each once, and
// which it is follows from what is stored and the watermark alone. So a restart needs no more than these two.
#include "operators/windows/session_window_lane.h"

#include <algorithm>

#include "operators/windows/session_head.h"
#include "operators/windows/store_errors.h"

namespace tidemark {
namespace {

// A segment as a slice: of one window, numbered by its end.
Slice slice_of(const Segment& segment) { return {segment.start, segment.end, segment.end.us, segment.end.us}; }

}  // namespace

SessionWindowLane::SessionWindowLane(const WindowPlan& plan, uint16_t step, uint16_t lane)
    : plan_(plan),
      step_(step),
      lane_(lane),
      segments_(std::get<SessionShape>(plan.shape)),
      block_(std::make_shared<const StateBlock>(plan)),
      open_(*block_, OldCopies::kFold),
      ending_(*block_, segments_),
      generations_(block_, lane, step),
      whole_(*block_),
      groups_(plan, open_) {
  if (plan.revises()) voice_.emplace(plan, segments_, *block_, open_, ending_, lane, step);
}

Status SessionWindowLane::restore(const LaneMetadata& metadata, std::shared_ptr<const StoreView> view) {
  view_ = std::move(view);
  pass_time(metadata.watermark);
  if (voice_) voice_->restore(watermark_);
  for (const LaneMetadata::Part& kept : metadata.parts) {
    const Slice slice = slice_of(segments_.of(kept.slice_start));
    SlicePart& part = open_.part(slice, slice.first_window);
    part.in_store_only = true;
    if (kept.changed && voice_) voice_->note_all_changed(part);
  }
  return {};
}

// --- Counting --------------------------------------------------------------------------------------------------------

// Most batches stay within one segment, and the others mostly go to and fro between two.
SessionWindowLane::Cursor& SessionWindowLane::move_cursor(Time t) {
  if (cursors_[0].segment.contains(t)) return cursors_[0];
  std::swap(cursors_[0], cursors_[1]);
  if (!cursors_[0].segment.contains(t)) cursors_[0] = {segments_.of(t), -1};
  return cursors_[0];
}

int32_t SessionWindowLane::group_of(const Segment& segment) {
  const Slice slice = slice_of(segment);
  return groups_.number_of(open_.part(slice, slice.first_window));
}

void SessionWindowLane::add(const Batch& batch, Rows rows, std::vector<LateRow>& late) {
  counters_.in += rows.size();
  // Rows behind another window have no partition: the lane's watermark alone judges them.
  const Time* const partition_watermarks = batch.watermarks.empty() ? nullptr : batch.watermarks.data();
  cursors_.fill({});
  for (const uint32_t row : rows) {
    const Time t = batch.event_times[row];
    const Time own = partition_watermarks != nullptr ? partition_watermarks[row] : Time::min();
    if (t + plan_.allowed_lateness < std::max(own, watermark_)) [[unlikely]] {
      refuse_row(row, t + plan_.allowed_lateness < own, own, watermark_, counters_, late);
      continue;
    }
    Cursor& cursor = move_cursor(t);
    if (cursor.group < 0) cursor.group = group_of(cursor.segment);
    groups_.add(cursor.group, row);
  }
  const std::vector<Time>& times = batch.record_times();
  const auto touch = [&](const std::vector<std::byte*>& states, Rows counted) {
    for (size_t i = 0; i < counted.size(); ++i) {
      session_span(states[i]).add(batch.event_times[counted[i]], times[counted[i]]);
      if (voice_) ++session_head(states[i]).records;
    }
  };
  groups_.apply(batch, touch, [&](SlicePart& part, const KeyedRows& keyed, Rows counted) {
    counters_.counted += counted.size();
    if (voice_) voice_->note_changed(part, batch, keyed, counted, watermark_);
  });
}

// --- Firing ----------------------------------------------------------------------------------------------------------

WindowSources SessionWindowLane::sources_of(const Segment& segment, const SlicePart& part) const {
  WindowSources sources;
  part.add_to(sources, {lane_, step_, segment.end, kCommonPartial});
  return sources;
}

// first[i] = the first record that the segment which begins where `segment` ends has of entries[i]; Time::max() for none.
Status SessionWindowLane::find_next(const Segment& segment, std::span<const HotTable::Entry* const> entries,
                                    Time* first) const {
  std::fill_n(first, entries.size(), Time::max());
  const auto next = open_.open().find(segment.end);
  if (next == open_.open().end()) return {};
  const SlicePart& part = next->second.parts.begin()->second;
  uint32_t found[kGroup];
  for (const HotTable* table : part.tables()) {
    table->find(entries, found);
    for (size_t i = 0; i < entries.size(); ++i) {
      if (found[i] != HotTable::kNone) first[i] = std::min(first[i], session_span(table->entry(found[i]).states()).first);
    }
  }
  if (!part.in_store_only) return {};
  const StateKeyHeader header{lane_, step_, next->second.slice.end, kCommonPartial};
  for (size_t i = 0; i < entries.size(); ++i) {
    const auto stored = view_->get(encode_state_key(header, entries[i]->key()));
    if (!stored) return std::unexpected(stored.error());
    if (!*stored) continue;
    const auto span = decode_span(**stored);
    if (!span) return std::unexpected(foreign_value());
    first[i] = std::min(first[i], span->first);
  }
  return {};
}

// Looks entries of the first open segment up in all of its tables, unless they are copies.
void SessionWindowLane::find_states(std::span<const HotTable::Entry* const> entries) {
  tables_.clear();
  if (ending_.are_copies()) return;
  tables_ = open_.open().begin()->second.parts.begin()->second.tables();
  if (tables_.size() == 1) return tables_.clear();
  found_.resize(tables_.size());
  for (size_t t = 0; t < tables_.size(); ++t) tables_[t]->find(entries, found_[t].data());
}

// All that the segment has of entry `i` of those; good until the next call.
const std::byte* SessionWindowLane::states_of(const HotTable::Entry& entry, size_t i) {
  if (tables_.empty()) return entry.states();
  const auto holds = [&](const auto& found) { return found[i] != HotTable::kNone; };
  if (std::ranges::count_if(found_, holds) == 1) return entry.states();
  whole_.clear();
  for (size_t t = 0; t < tables_.size(); ++t) {
    if (holds(found_[t])) whole_.merge(tables_[t]->entry(found_[t][i]).states());
  }
  return whole_.states();
}

// Merges a session's partial into that of the next segment, but for its note: what it spoke of goes on under other bounds,
// unless both end with the cut.
Status SessionWindowLane::join_next(const Segment& segment, const HotTable::Entry& entry, const std::byte* states,
                                    SessionRows& rows) {
  const SessionHead& head = session_head(states);
  const bool keeps_note = voice_ && head.note.end != segment.limit;
  open_.change(open_.open().find(segment.end)->second.parts.begin()->second, [&](HotTable& table) {
    std::byte* const into = table.find_or_insert(entry.key(), entry.hash());
    SessionNote kept = keeps_note ? session_head(into).note : SessionNote{};
    block_->merge(into, states, table.heap());
    if (!keeps_note) return;
    // The revisions of a running total rise as long as it runs.
    if (plan_.is_running()) kept.merge({{}, Time::min(), 0, head.note.revision});
    session_head(into).note = kept;
  });
  if (!keeps_note) return {};
  const bool good = !head.note.is_out() || rows.withdraw(entry.key(), head.note, head.span.newest_kafka_time);
  return good ? Status{} : std::unexpected(foreign_key());
}

Status SessionWindowLane::fire_group(const Segment& segment, std::span<const EndingSession> sessions, SessionRows& rows) {
  const HotTable::Entry* entries[kGroup];
  Time first[kGroup];
  for (size_t i = 0; i < sessions.size(); ++i) entries[i] = sessions[i].entry;
  if (Status found = find_next(segment, std::span(entries, sessions.size()), first); !found) return found;
  find_states(std::span(entries, sessions.size()));
  for (size_t i = 0; i < sessions.size(); ++i) {
    const HotTable::Entry& entry = *entries[i];
    const std::byte* const states = states_of(entry, i);
    if (segments_.joins(segment, session_span(states).last, first[i])) {
      if (Status joined = join_next(segment, entry, states, rows); !joined) return joined;
      continue;
    }
    if (!rows.finish(entry.key(), states, sessions[i].end)) return std::unexpected(foreign_key());
  }
  return {};
}

// Every session of the segment ends with it, so that they need no order.
Status SessionWindowLane::fire_cut(const Segment& segment, SessionRows& rows) {
  const SlicePart& part = open_.open().begin()->second.parts.begin()->second;
  const WindowSources sources = sources_of(segment, part);
  size_t expected = sources.stored.empty() ? 0 : Batch::kMaxRows;
  for (const HotTable* table : sources.tables) expected = std::max(expected, table->size());
  rows.expect(expected);
  CutSessions sessions{segment.end, rows};
  return write_window(sources, view_.get(), *block_, sessions);
}

// Fires what ends in the first open segment by `until`. `over_` follows from group to group; where that was a pause, `paused`
// says so.
Status SessionWindowLane::fire_segment(const Segment& segment, Time until, SessionRows& rows, ResultEmitter& out, bool& paused) {
  const SlicePart& part = open_.open().begin()->second.parts.begin()->second;
  for (;;) {
    if (!ending_.gathered()) {
      if (Status read = ending_.gather(segment, sources_of(segment, part), view_.get(), over_); !read) return read;
    }
    const std::span<const EndingSession> ready = ending_.ready();
    const size_t ended = ending_.ended(until);
    const size_t count = std::min(ended, kGroup);
    if (count > 0) {
      rows.expect(ended);
      if (Status fired = fire_group(segment, ready.first(count), rows); !fired) return fired;
      ending_.take(count);
      // What ends together is not parted by a pause; where a cut ends it, the next segment's sessions may be among it.
      if (count < ready.size() && ready[count].end == ready[count - 1].end) continue;
      if (ready[count - 1].end == segment.limit) continue;
      over_ = ready[count - 1].end;
      paused = out.wants_pause();
      if (paused) return {};
      continue;
    }
    if (!ready.empty() || ending_.all_gathered()) return {};
    if (ending_.gathered_through() > until) return {};
    over_ = ending_.gathered_through();
    ending_.forget();
  }
}

// Gives the last row of every session that ended by `until`.
Status SessionWindowLane::finish_all(Time until, SessionRows& rows, ResultEmitter& out, bool& paused) {
  while (!paused && !open_.open().empty()) {
    const Segment segment = segments_.of(open_.open().begin()->first);
    if (segment.end > until) break;
    if (segment.is_cut()) {
      if (Status fired = fire_cut(segment, rows); !fired) return fired;
      over_ = segment.end;
      paused = out.wants_pause();
    } else {
      if (Status fired = fire_segment(segment, until, rows, out, paused); !fired) return fired;
      if (!ending_.all_gathered() || !ending_.ready().empty()) break;
    }
    expire(segment);
  }
  return {};
}

void SessionWindowLane::pass_time(Time watermark) {
  watermark_ = watermark;
  over_ = plan_.done_by(watermark);
}

Status SessionWindowLane::advance(Time watermark, ResultEmitter& out) {
  if (watermark <= watermark_ && !has_more()) return {};
  watermark = std::max(watermark, watermark_);
  ResultWriter writer(plan_, out, counters_);
  SessionRows rows(plan_, *block_, writer);
  bool paused = false;
  if (Status finished = finish_all(plan_.done_by(watermark), rows, out, paused); !finished) return finished;
  if (paused) {
    watermark_ = std::min(watermark, over_ + plan_.allowed_lateness);
  } else {
    pass_time(watermark);
    const Status spoken = voice_ ? voice_->speak(watermark_, over_, view_.get(), rows, out) : Status{};
    if (!spoken) return spoken;
  }
  writer.finish();
  return {};
}

void SessionWindowLane::expire(const Segment& segment) {
  ending_.forget();
  generations_.expire(open_.expire_through(segment.end.us));
}

// --- Generations -----------------------------------------------------------------------------------------------------

std::unique_ptr<FrozenGeneration> SessionWindowLane::freeze() {
  auto runs = open_.freeze(generations_.begin(), [](WindowNumber end) { return Time{end}; });
  return generations_.freeze(std::move(runs), encode_lane_metadata(describe(watermark_, 0, open_, std::nullopt)));
}

// What is gathered may point into copies that go.
void SessionWindowLane::forget_tables() {
  ending_.forget();
  if (voice_) voice_->forget_tables();
}

void SessionWindowLane::shed(size_t target) {
  if (memory_bytes() <= target) return;
  forget_tables();
  if (voice_) voice_->shed();
  ending_.set_room(target / 2);
  open_.shed(target);
}

void SessionWindowLane::on_written(uint64_t number, std::shared_ptr<const StoreView> view) {
  forget_tables();
  view_ = std::move(view);
  open_.on_written(number);
}

}  // namespace tidemark
