// Rows are grouped by slice before any table is probed; windows fire in their order, and empty stretches are leapt
// over. What becomes of late rows, and when a generation is frozen, is for the worker to say.
#include "operators/windows/aligned_window_lane.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/check.h"
#include "operators/windows/point_merge.h"

namespace tidemark {
namespace {

// A slice that counts in fewer windows is merged anew for each.
constexpr WindowNumber kLeastShared = 4;

}  // namespace

AlignedWindowLane::AlignedWindowLane(const WindowPlan& plan, Slices slices, uint16_t step, uint16_t lane)
    : plan_(plan),
      step_(step),
      lane_(lane),
      slices_(std::move(slices)),
      block_(std::make_shared<const StateBlock>(plan)),
      open_(*block_, plan.revises() ? OldCopies::kFold : OldCopies::kDrop),
      total_(*block_),
      generations_(block_, lane, step),
      groups_(plan, open_) {
  pass_time(Time::min());
}

Status AlignedWindowLane::restore(const LaneMetadata& metadata, std::shared_ptr<const StoreView> view) {
  view_ = std::move(view);
  revision_ = metadata.revision;
  unfinished_ = metadata.unfinished;
  pass_time(metadata.watermark);
  (void)is_due();
  for (const LaneMetadata::Part& kept : metadata.parts) {
    const Slice slice = slices_.slice_of(kept.slice_start);
    const Time end = kept.slice_end.value_or(slice.end);
    if (slice.start != kept.slice_start || slice.end != end) {
      return user_error(fmt::format("step '{}': what was {} to {} when its state was written is {} to {} now, as when a time "
                                    "zone gets new rules; go on with the old rules until it is over, or use --reset-state",
                                    plan_.step_name, format_rfc3339(kept.slice_start), format_rfc3339(end),
                                    format_rfc3339(slice.start), format_rfc3339(slice.end)));
    }
    SlicePart& part = open_.part(slice, kept.visible_from);
    part.newest_kafka_time = kept.newest_kafka_time;
    part.in_store_only = true;
    if (!kept.changed || !plan_.revises()) continue;
    open_.note_all_changed(part);
    changed_ = true;
  }
  return {};
}

// --- Counting --------------------------------------------------------------------------------------------------------

// Most batches stay within one slice, and the others mostly go to and fro between two.
const AlignedWindowLane::Cursor& AlignedWindowLane::move_cursor(Time t) {
  if (cursors_[0].slice.contains(t)) return cursors_[0];
  std::swap(cursors_[0], cursors_[1]);
  if (cursors_[0].slice.contains(t)) return cursors_[0];
  const Slice slice = slices_.slice_of(t);
  cursors_[0] = {slice, slices_.end_of(slice.first_window) + plan_.allowed_lateness, -1};
  return cursors_[0];
}

int32_t AlignedWindowLane::group_of(const Slice& slice, WindowNumber visible_from) {
  return groups_.number_of(open_.part(slice, visible_from));
}

void AlignedWindowLane::add(const Batch& batch, Rows rows, std::vector<LateRow>& late) {
  counters_.in += rows.size();
  // Rows behind another window have no partition: the lane's watermark alone judges them.
  const Time* const partition_watermarks = batch.watermarks.empty() ? nullptr : batch.watermarks.data();
  cursors_.fill({});
  for (const uint32_t row : rows) {
    move_cursor(batch.event_times[row]);
    Cursor& cursor = cursors_[0];
    const Time own = partition_watermarks != nullptr ? partition_watermarks[row] : Time::min();
    if (own >= cursor.closes_at || watermark_ >= cursor.closes_at) [[unlikely]] {
      add_partially(batch, row, late);
      continue;
    }
    if (cursor.common_group < 0) cursor.common_group = group_of(cursor.slice, cursor.slice.first_window);
    groups_.add(cursor.common_group, row);
  }
  groups_.apply(batch, [](const auto&, Rows) {}, [&](SlicePart& part, const KeyedRows& keyed, Rows counted) {
    note_counted(part, batch, keyed, counted);
  });
}

// A row for which the first windows of its slice are closed: it counts in the others, or is late.
void AlignedWindowLane::add_partially(const Batch& batch, uint32_t row, std::vector<LateRow>& late) {
  const Slice& slice = cursors_[0].slice;
  const Time own = batch.watermarks.empty() ? Time::min() : batch.watermarks[row];
  const WindowNumber first = first_counting(std::max(own, watermark_));
  if (first <= slice.last_window) {
    counters_.updates_missed += static_cast<uint64_t>(first - slice.first_window);
    return groups_.add(group_of(slice, first), row);
  }
  refuse_row(row, first_counting(own) > slice.last_window, own, watermark_, counters_, late);
}

void AlignedWindowLane::note_counted(SlicePart& part, const Batch& batch, const KeyedRows& keyed, Rows rows) {
  counters_.counted += rows.size();
  Time newest = part.newest_kafka_time;
  const std::vector<Time>& times = batch.record_times();
  for (const uint32_t row : rows) newest = std::max(newest, times[row]);
  part.newest_kafka_time = newest;
  // A window that speaks only once it is closed will speak of everything then.
  if (plan_.emit == EmitWhen::kOnClose && part.visible_from >= next_closed_) return;
  open_.note_changed(part, keyed, rows);
  changed_ = true;
}

// --- Firing ----------------------------------------------------------------------------------------------------------

// The first window that a row may still count in.
WindowNumber AlignedWindowLane::first_counting(Time watermark) const {
  return slices_.first_open(plan_.done_by(watermark));
}

// The first window at `from` or beyond it, but before `open_from`, that any counted row is in. Goes by the open slices, so
// that a leap over an empty stretch costs nothing.
std::optional<WindowNumber> AlignedWindowLane::next_window(WindowNumber from, WindowNumber open_from) const {
  WindowNumber best = open_from;
  for (const auto& [start, open] : open_.open()) {
    if (std::max(from, open.slice.first_window) >= best) break;
    if (open.slice.last_window < from) continue;
    // Parts lie in the order of visible_from.
    best = std::min(best, std::max(from, open.parts.begin()->first));
  }
  if (best >= open_from) return std::nullopt;
  return best;
}

std::optional<AlignedWindowLane::Closing> AlignedWindowLane::next_closing(Time watermark) const {
  std::optional<Closing> next;
  if (const auto window = next_window(next_final_, first_counting(watermark))) {
    next = {slices_.end_of(*window) + plan_.allowed_lateness, *window, true};
  }
  // What speaks on every change has no more to say at the end.
  if (plan_.allowed_lateness == Duration{0} || plan_.emit == EmitWhen::kOnChange) return next;
  if (const auto window = next_window(next_closed_, slices_.first_open(watermark))) {
    const Closing closing{slices_.end_of(*window), *window, false};
    if (!next || closing.at <= next->at) next = closing;
  }
  return next;
}

void AlignedWindowLane::collect(const SlicePart& part, const Slice& slice, WindowSources& sources) const {
  const bool common = part.visible_from == slice.first_window;
  part.add_to(sources, {lane_, step_, slice.end, common ? kCommonPartial : slices_.end_of(part.visible_from)});
}

// All that counts in a window, and the newest Kafka time of it.
WindowSources AlignedWindowLane::sources_of(WindowNumber window, Time& newest_kafka_time) const {
  WindowSources sources;
  for (const auto& [start, open] : open_.open()) {
    if (open.slice.first_window > window) break;
    if (open.slice.last_window < window) continue;
    for (const auto& [visible_from, part] : open.parts) {
      if (visible_from > window) break;
      newest_kafka_time = std::max(newest_kafka_time, part.newest_kafka_time);
      collect(part, open.slice, sources);
    }
  }
  return sources;
}

// Whether the window is worth a running total: its slices count in many windows, and all are in memory. What is visible
// in a window that fires does not change any more; only common parts come and go in the order of their slices.
bool AlignedWindowLane::shares_total(WindowNumber window) const {
  if (window < totals_from_ || slices_.overlap() < kLeastShared) return false;
  for (const auto& [start, open] : open_.open()) {
    if (open.slice.first_window > window) break;
    const auto common = open.parts.find(open.slice.first_window);
    if (common != open.parts.end() && common->second.in_store_only) return false;
  }
  return true;
}

FiredWindow AlignedWindowLane::begin_window(WindowNumber window, bool is_final) {
  FiredWindow fired{slices_.start_of(window), slices_.end_of(window)};
  fired.revision = ++revision_;
  fired.is_final = is_final;
  return fired;
}

Result<bool> AlignedWindowLane::close(const Closing& closing, ResultWriter& writer, ResultEmitter& out) {
  WindowSources sources;
  std::vector<SlidingTotal::Member> shared;
  size_t leaving = 0;  // of these
  // Before it is final, what is visible in a window may change.
  const bool with_total = closing.is_final && !out.in_parts() && shares_total(closing.window);
  if (closing.is_final && !with_total) total_.clear();
  FiredWindow fired = begin_window(closing.window, closing.is_final);
  for (auto& [start, open] : open_.open()) {
    if (open.slice.first_window > closing.window) break;
    if (open.slice.last_window < closing.window) continue;
    for (auto& [visible_from, part] : open.parts) {
      if (visible_from > closing.window) break;
      // No other window is left to speak of it.
      if (visible_from == open.slice.last_window) (void)open_.take_changed(part);
      fired.newest_kafka_time = std::max(fired.newest_kafka_time, part.newest_kafka_time);
      if (with_total && visible_from == open.slice.first_window) {
        shared.push_back({start, part.tables()});
        leaving += open.slice.last_window == closing.window;
      } else {
        collect(part, open.slice, sources);
      }
    }
  }
  total_.collect(shared, sources.tables);
  // Between its parts no row may count in a window.
  const bool in_parts = closing.is_final && !with_total && (out.in_parts() || !sources.stored.empty());
  for (const HotTable* table : sources.tables) fired.expected_rows = std::max(fired.expected_rows, table->size());
  if (!sources.stored.empty()) fired.expected_rows = Batch::kMaxRows;
  writer.begin(fired);
  if (in_parts) return close_in_parts(closing.window, {}, sources, writer);
  Status written = write_window(sources, view_.get(), *block_, writer);
  total_.leave(std::span(shared).first(leaving));
  if (!written) return std::unexpected(written.error());
  return true;
}

Result<bool> AlignedWindowLane::close_in_parts(WindowNumber window, const std::optional<std::string>& behind,
                                               const WindowSources& sources, ResultWriter& writer) {
  auto last_key = write_keys_behind(behind, sources, view_.get(), *block_, writer);
  if (!last_key) return std::unexpected(last_key.error());
  if (*last_key) {
    unfinished_ = {window, std::move(**last_key)};
  } else {
    unfinished_.reset();
  }
  return !unfinished_;
}

// Another part of the unfinished window.
Result<bool> AlignedWindowLane::go_on(ResultWriter& writer) {
  const LaneMetadata::Unfinished begun = *unfinished_;
  FiredWindow fired = begin_window(begun.window, true);
  fired.expected_rows = Batch::kMaxRows;
  const WindowSources sources = sources_of(begun.window, fired.newest_kafka_time);
  writer.begin(fired);
  auto all = close_in_parts(begun.window, begun.last_key, sources, writer);
  if (all && *all) generations_.expire(open_.expire_through(begun.window));
  return all;
}

void AlignedWindowLane::note_closed(const Closing& closing) {
  if (closing.is_final) {
    next_final_ = closing.window + 1;
    generations_.expire(open_.expire_through(closing.window));
  } else {
    next_closed_ = closing.window + 1;
  }
}

Result<Time> AlignedWindowLane::close_until(Time watermark, ResultWriter& writer, ResultEmitter& out) {
  auto next = next_closing(watermark);
  while (next) {
    const Closing closing = *next;
    const auto all = close(closing, writer, out);
    if (!all) return std::unexpected(all.error());
    if (!*all) return closing.at;
    note_closed(closing);
    next = next_closing(watermark);
    // What else happens at this instant belongs to it: a restore goes by the watermark alone.
    if (next && next->at > closing.at && out.wants_pause()) return closing.at;
  }
  return watermark;
}

void AlignedWindowLane::pass_time(Time watermark) {
  watermark_ = watermark;
  next_final_ = first_counting(watermark);
  next_closed_ = slices_.first_open(watermark);
}

Status AlignedWindowLane::advance(Time watermark, ResultEmitter& out) {
  if (watermark <= watermark_ && !has_more()) return {};
  ResultWriter writer(plan_, out, counters_);
  if (unfinished_) {
    const auto all = go_on(writer);
    if (!all) return std::unexpected(all.error());
    if (!*all || out.wants_pause()) return writer.finish(), Status();
  }
  // What changed before windows close: those speak of all they hold.
  if (changed_ && speaks_at_once()) begin_speech();
  bool paused = false;
  if (watermark > watermark_) {
    const auto reached = close_until(watermark, writer, out);
    if (!reached) return std::unexpected(reached.error());
    paused = *reached < watermark || unfinished_;
    pass_time(*reached);
    if (open_.open().empty()) total_.clear();
  }
  if (!paused && is_due()) begin_speech();
  if (Status spoken = paused ? Status() : speak(writer, out); !spoken) return spoken;
  writer.finish();
  return {};
}

// --- Speaking of changes ---------------------------------------------------------------------------------------------

// Takes what has changed in windows that are not final.
void AlignedWindowLane::begin_speech() {
  changed_ = false;
  const bool closed_only = plan_.emit == EmitWhen::kOnClose;
  for (auto& [start, open] : open_.open()) {
    for (auto& [visible_from, part] : open.parts) {
      if (!part.changed.any()) continue;
      const WindowNumber last = closed_only ? std::min(open.slice.last_window, next_closed_ - 1) : open.slice.last_window;
      speech_.add(std::max(visible_from, next_final_), last, open_.take_changed(part));
    }
  }
}

// Whether a period of kEvery has gone by with changes in it.
bool AlignedWindowLane::is_due() {
  if (plan_.emit != EmitWhen::kEvery || watermark_ == Time::min()) return false;
  const int64_t period = floor_div(watermark_.us, plan_.every.us);
  const bool over = spoken_period_ && *spoken_period_ < period;
  if (over || !spoken_period_) spoken_period_ = period;
  return over && changed_;
}

Status AlignedWindowLane::speak(ResultWriter& writer, ResultEmitter& out) {
  for (auto window = speech_.next(next_final_); window; window = speech_.next(next_final_)) {
    if (Status spoken = speak_of(*window, writer); !spoken) return spoken;
    speech_.pass(*window);
    if (out.wants_pause()) break;
  }
  if (!speaking()) speech_ = {};
  return {};
}

Status AlignedWindowLane::speak_of(WindowNumber window, ResultWriter& writer) {
  FiredWindow spoken = begin_window(window, false);
  const WindowSources sources = sources_of(window, spoken.newest_kafka_time);
  const HotTable* const keys = speech_.keys_of(window);
  spoken.expected_rows = keys != nullptr ? keys->size() : Batch::kMaxRows;
  writer.begin(spoken);
  if (keys == nullptr) return write_window(sources, view_.get(), *block_, writer);
  return write_keys(*keys, sources, view_.get(), *block_, writer);
}

// --- Generations -----------------------------------------------------------------------------------------------------

std::unique_ptr<FrozenGeneration> AlignedWindowLane::freeze() {
  auto runs = open_.freeze(generations_.begin(), [this](WindowNumber window) { return slices_.end_of(window); });
  LaneMetadata metadata = describe(watermark_, revision_, open_, speech_.next(next_final_));
  metadata.unfinished = unfinished_;
  return generations_.freeze(std::move(runs), encode_lane_metadata(metadata));
}

void AlignedWindowLane::shed(size_t target) {
  if (memory_bytes() <= target) return;
  if (total_.bytes() > 0) totals_from_ = saturating_add(next_final_, slices_.overlap());
  total_.clear();
  open_.shed(target);
  if (memory_bytes() > target) speech_.forget_keys();
}

void AlignedWindowLane::on_written(uint64_t number, std::shared_ptr<const StoreView> view) {
  view_ = std::move(view);
  open_.on_written(number);
}

}  // namespace tidemark
