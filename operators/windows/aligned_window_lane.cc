// Rows are grouped by slice before any table is probed; windows fire in their order, and empty stretches are leapt
// over. What becomes of late rows, and when a generation is frozen, is for the worker to say.
#include "operators/windows/aligned_window_lane.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/check.h"
#include "operators/windows/frozen_lane.h"

namespace tidemark {
namespace {

// Rows that are probed and updated together: their entries are still in the nearest cache when the aggregates come.
constexpr size_t kChunk = 512;
// A slice that counts in fewer windows is merged anew for each.
constexpr WindowNumber kLeastShared = 4;

}  // namespace

AlignedWindowLane::AlignedWindowLane(const WindowPlan& plan, Slices slices, uint16_t step, uint16_t lane)
    : plan_(plan),
      step_(step),
      lane_(lane),
      slices_(std::move(slices)),
      block_(std::make_shared<const StateBlock>(plan)),
      open_(*block_),
      total_(*block_),
      next_unfired_(slices_.first_open(Time::min())) {}

Status AlignedWindowLane::restore(const LaneMetadata& metadata, std::shared_ptr<const StoreView> view) {
  view_ = std::move(view);
  watermark_ = metadata.watermark;
  next_unfired_ = slices_.first_open(watermark_);
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
  cursors_[0] = {slice, slices_.end_of(slice.first_window), -1};
  return cursors_[0];
}

int32_t AlignedWindowLane::group_of(const Slice& slice, WindowNumber visible_from) {
  SlicePart& part = open_.part(slice, visible_from);
  if (part.batch_group < 0) {
    if (groups_used_ == groups_.size()) groups_.emplace_back();
    part.batch_group = static_cast<int32_t>(groups_used_++);
    groups_[static_cast<size_t>(part.batch_group)].part = &part;
  }
  return part.batch_group;
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
    if (own >= cursor.first_end || watermark_ >= cursor.first_end) [[unlikely]] {
      add_partially(batch, row, late);
      continue;
    }
    if (cursor.common_group < 0) cursor.common_group = group_of(cursor.slice, cursor.slice.first_window);
    groups_[static_cast<size_t>(cursor.common_group)].rows.push_back(row);
  }
  for (size_t i = 0; i < groups_used_; ++i) apply(batch, groups_[i]);
  groups_used_ = 0;
}

// A row for which the first windows of its slice are closed: it counts in the others, or is late.
void AlignedWindowLane::add_partially(const Batch& batch, uint32_t row, std::vector<LateRow>& late) {
  const Slice& slice = cursors_[0].slice;
  const Time own = batch.watermarks.empty() ? Time::min() : batch.watermarks[row];
  const WindowNumber first_open = slices_.first_open(std::max(own, watermark_));
  if (first_open <= slice.last_window) {
    counters_.updates_missed += static_cast<uint64_t>(first_open - slice.first_window);
    groups_[static_cast<size_t>(group_of(slice, first_open))].rows.push_back(row);
    return;
  }
  if (slices_.first_open(own) > slice.last_window) {
    late.push_back({row, LateReason::kLate, own});
    ++counters_.late;
  } else {
    late.push_back({row, LateReason::kIdle, watermark_});
    ++counters_.idle_late;
  }
}

void AlignedWindowLane::apply(const Batch& batch, Group& group) {
  counters_.counted += group.rows.size();
  HotTable& table = open_.hot(*group.part);
  const size_t bytes_before = table.bytes();
  const size_t keys_before = table.size();
  const KeyedRows& keyed = batch.keyed[plan_.ordinal];
  for (size_t begin = 0; begin < group.rows.size(); begin += kChunk) {
    const Rows rows = Rows(group.rows).subspan(begin, std::min(kChunk, group.rows.size() - begin));
    states_.resize(rows.size());
    table.find_or_insert(keyed.keys, keyed.hashes, rows, states_.data());
    update_states(batch, rows, table.heap());
  }
  Time newest = group.part->newest_kafka_time;
  for (const uint32_t row : group.rows) newest = std::max(newest, batch.kafka_times[row]);
  group.part->newest_kafka_time = newest;
  open_.note_change(table, bytes_before, keys_before);
  group.part->batch_group = -1;
  group.rows.clear();
}

// `states_` are those of `rows`; on return they have been moved along the block.
void AlignedWindowLane::update_states(const Batch& batch, Rows rows, Arena& heap) {
  size_t offset = 0;
  for (const PlannedAggregate& a : plan_.aggregates) {
    for (std::byte*& state : states_) state += static_cast<ptrdiff_t>(a.state_offset) - static_cast<ptrdiff_t>(offset);
    offset = a.state_offset;
    const Column* const arg = a.arg_slot ? &batch.columns[*a.arg_slot] : nullptr;
    const Column* const by = a.by_slot ? &batch.columns[*a.by_slot] : nullptr;
    if (!a.where_slot) {
      a.function->add({batch, rows, states_, heap, arg, by});
      continue;
    }
    const Column& where = batch.columns[*a.where_slot];
    chosen_rows_.clear();
    chosen_states_.clear();
    for (size_t i = 0; i < rows.size(); ++i) {
      if (!where.valid[rows[i]] || !where.bools[rows[i]]) continue;
      chosen_rows_.push_back(rows[i]);
      chosen_states_.push_back(states_[i]);
    }
    if (!chosen_rows_.empty()) a.function->add({batch, chosen_rows_, chosen_states_, heap, arg, by});
  }
}

// --- Firing ----------------------------------------------------------------------------------------------------------

// The first window that `watermark` closes and that any counted row is in. Goes by the open slices, so that a leap over
// an empty stretch costs nothing.
std::optional<WindowNumber> AlignedWindowLane::next_window(Time watermark) const {
  const WindowNumber open_from = slices_.first_open(watermark);
  WindowNumber best = open_from;
  for (const auto& [start, open] : open_.open()) {
    if (std::max(next_unfired_, open.slice.first_window) >= best) break;
    // Parts lie in the order of visible_from.
    best = std::min(best, std::max(next_unfired_, open.parts.begin()->first));
  }
  if (best >= open_from) return std::nullopt;
  return best;
}

void AlignedWindowLane::collect(const SlicePart& part, const Slice& slice, WindowSources& sources) const {
  for (const HotTable* table : part.tables()) sources.tables.push_back(table);
  if (!part.in_store_only) return;
  const bool common = part.visible_from == slice.first_window;
  sources.stored.push_back(
      {lane_, step_, slice.end, common ? kCommonPartial : slices_.end_of(part.visible_from)});
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

Status AlignedWindowLane::fire(WindowNumber window, ResultWriter& out) {
  WindowSources sources;
  std::vector<SlidingTotal::Member> shared;
  const bool with_total = shares_total(window);
  if (!with_total) total_.clear();
  FiredWindow fired{slices_.start_of(window), slices_.end_of(window)};
  for (const auto& [start, open] : open_.open()) {
    if (open.slice.first_window > window) break;
    for (const auto& [visible_from, part] : open.parts) {
      if (visible_from > window) break;
      fired.newest_kafka_time = std::max(fired.newest_kafka_time, part.newest_kafka_time);
      if (with_total && visible_from == open.slice.first_window) {
        shared.push_back({start, part.tables()});
      } else {
        collect(part, open.slice, sources);
      }
    }
  }
  total_.collect(shared, sources.tables);
  for (const HotTable* table : sources.tables) fired.expected_rows = std::max(fired.expected_rows, table->size());
  if (!sources.stored.empty()) fired.expected_rows = Batch::kMaxRows;
  out.begin(fired);
  return write_window(sources, view_.get(), *block_, out);
}

Status AlignedWindowLane::advance(Time watermark, ResultEmitter& out) {
  if (watermark <= watermark_) return {};
  ResultWriter writer(plan_, out, counters_);
  while (const auto window = next_window(watermark)) {
    if (Status fired = fire(*window, writer); !fired) return fired;
    next_unfired_ = *window + 1;
    if (const auto frozen_end = open_.expire_through(*window)) expired_through_ = frozen_end;
    if (!out.wants_pause() || !next_window(watermark)) continue;
    watermark = slices_.end_of(*window);
    break;
  }
  watermark_ = watermark;
  next_unfired_ = slices_.first_open(watermark);
  if (open_.open().empty()) total_.clear();
  writer.finish();
  return {};
}

// --- Generations -----------------------------------------------------------------------------------------------------

std::unique_ptr<FrozenGeneration> AlignedWindowLane::freeze() {
  FrozenLane::Contents contents;
  contents.number = ++generation_;
  contents.lane = lane_;
  contents.step = step_;
  contents.runs = open_.freeze(generation_, slices_);
  contents.expired_after = expired_before_;
  contents.expired_through = expired_through_;
  contents.metadata = encode_lane_metadata(describe(watermark_, open_));
  if (expired_through_) expired_before_ = *expired_through_;
  expired_through_.reset();
  return std::make_unique<FrozenLane>(block_, std::move(contents));
}

void AlignedWindowLane::shed(size_t target) {
  if (memory_bytes() <= target) return;
  if (total_.bytes() > 0) totals_from_ = saturating_add(next_unfired_, slices_.overlap());
  total_.clear();
  open_.shed(target);
}

void AlignedWindowLane::on_written(uint64_t number, std::shared_ptr<const StoreView> view) {
  view_ = std::move(view);
  open_.on_written(number);
}

}  // namespace tidemark
