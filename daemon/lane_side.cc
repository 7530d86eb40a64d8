// What a worker does with its lanes, between the events that reach it and the rows that leave them. Where events come from
// and how an epoch is committed is not known here.
#include "daemon/lane_side.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/counters.h"
#include "operators/partition_clock.h"

namespace tidemark {
namespace {

constexpr size_t kEventsPerInbox = 8;
// Lanes that fire longer than this let barriers pass before the next window fires: a transaction lasts only so long.
constexpr Duration kFiringSlice = Duration::millis(100);

}  // namespace

LaneSide::LaneSide(WorkerCore& core, WorkerChannels& channels, RowRouting& routing, Stage& stage)
    : core_(core), channels_(channels), routing_(routing), stage_(stage), ordinals_(core.shared.plan->levels) {
  const Plan& plan = *core_.shared.plan;
  for (size_t ordinal = 0; ordinal < plan.windows.size(); ++ordinal) ordinals_[plan.window(ordinal).level].push_back(ordinal);
}

void LaneSide::add_lane(LaneStart start) {
  const WorkerShared& shared = core_.shared;
  Lane lane{start.lane, start.unit, std::move(start.windows), std::move(start.dedupes),
            std::vector<bool>(shared.partitions.size()), LaneWatermark(shared.plan->close_after_idle)};
  for (const auto& dedupe : lane.dedupes) lane.time.restore(dedupe->watermark());
  for (size_t ordinal = 0; ordinal < lane.windows.size(); ++ordinal) {
    if (!shared.plan->window_step(ordinal).behind_window) lane.time.restore(lane.windows[ordinal]->watermark());
  }
  for (uint32_t p = 0; p < shared.partitions.size(); ++p) {
    const PartitionStart& start_of = shared.partitions[p];
    lane.fed_by[p] = shared.plan->lane_choice == Lanes::kByKey || start_of.id.partition == start.lane;
    if (!lane.fed_by[p]) continue;
    const PartitionClock clock(shared.plan->sources[start_of.source].event_time.max_delay, start_of.position.max_event_time);
    lane.time.add(p, clock.watermark(), start_of.idle);
  }
  lanes_.push_back(std::move(lane));
}

void LaneSide::start(uint64_t first_epoch) {
  const Plan& plan = *core_.shared.plan;
  passed_barrier_.assign(plan.levels, std::vector<uint64_t>(channels_.workers(), first_epoch - 1));
  told_.resize(plan.windows.size());
  for (size_t ordinal = 0; ordinal < plan.windows.size(); ++ordinal) {
    if (!plan.window(ordinal).exchanged) continue;
    told_[*plan.window_step(ordinal).behind_window].assign(channels_.workers(), Time::min());
  }
}

template <class F>
void LaneSide::for_each_at_rest(F fn) const {
  for (const Lane& lane : lanes_) {
    for (const auto& dedupe : lane.dedupes) fn(lane, *dedupe);
    for (const auto& window : lane.windows) {
      if (window.get() != firing_) fn(lane, *window);
    }
  }
}

void LaneSide::warm() {
  const size_t each = core_.shared.state_bytes_per_worker / 2 / std::max<size_t>(keyed_lanes(), 1);
  for (Lane& lane : lanes_) {
    for (const auto& dedupe : lane.dedupes) {
      core_.note_progress();
      if (const Status read = dedupe->warm(each); !read) return core_.fail(read.error());
    }
  }
}

// ---- Events

bool LaneSide::read_channels() {
  bool busy = false;
  for (uint32_t level = 0; level < ordinals_.size(); ++level) busy |= read_level(level);
  return busy;
}

// Late rows are written while records are taken; results are never late.
bool LaneSide::read_level(uint32_t level) {
  bool busy = false;
  const std::vector<uint64_t>& passed = passed_barrier_[level];
  const auto may_take = [&] { return (level > 0 || core_.may_write()) && !core_.stop; };
  for (uint32_t from = 0; from < channels_.workers(); ++from) {
    for (size_t n = 0; n < kEventsPerInbox && passed[from] < core_.epoch && may_take(); ++n) {
      const std::optional<LaneEvent> event = channels_.receive(level, from);
      if (!event) break;
      take(*event, level, from);
      busy = true;
    }
  }
  return busy;
}

void LaneSide::take(const LaneEvent& event, uint32_t level, uint32_t from) {
  if (const auto* routed = std::get_if<RoutedBatch>(&event)) return add(*routed);
  if (const auto* time = std::get_if<PartitionTime>(&event)) {
    set_time(*time);
    advance();
    return;
  }
  if (const auto* time = std::get_if<WindowTime>(&event)) {
    told_[time->ordinal][from] = time->watermark;
    return;
  }
  passed_barrier_[level][from] = std::get<Barrier>(event).epoch;
}

void LaneSide::add(const RoutedBatch& routed) {
  add_rows(*routed.batch, *routed.rows);
  if (routed.time) {
    set_time(*routed.time);
    advance();
  }
  spill_if_needed();
}

void LaneSide::add_rows(const Batch& batch, const std::vector<LaneRows>& by_window) {
  for (Lane& lane : lanes_) {
    for (size_t ordinal = 0; ordinal < lane.windows.size(); ++ordinal) {
      const Rows rows = by_window[ordinal].of(lane.number);
      if (rows.empty()) continue;
      late_.clear();
      lane.windows[ordinal]->add(batch, rows, late_);
      if (!late_.empty()) write_late(batch, core_.shared.plan->window_step(ordinal).name);
    }
  }
}

void LaneSide::set_time(const PartitionTime& time) {
  for (Lane& lane : lanes_) {
    if (!lane.fed_by[time.partition]) continue;
    lane.time.update(time.partition, time.watermark, time.idle);
    if (time.at_end && !core_.shared.keep_open) lane.time.set_ended(time.partition);
  }
}

// ---- Firing

// How far a window may fire: as far as what feeds it has come.
Time LaneSide::time_for(const Lane& lane, size_t ordinal) const {
  const Plan& plan = *core_.shared.plan;
  const PlannedStep& step = plan.window_step(ordinal);
  if (!step.behind_window) return lane.time.current();
  const size_t before = *step.behind_window;
  const Time fired = step.window()->exchanged ? *std::ranges::min_element(told_[before]) : lane.windows[before]->watermark();
  return time_behind(plan.window(before).window.shape, fired);
}

bool LaneSide::advance() {
  if (waits_for_barrier()) return false;
  firing_since_ = core_.shared.clock->elapsed();
  part_is_over_ = false;
  for (uint32_t level = frozen_levels_; level < ordinals_.size(); ++level) {
    if (!advance_level(level)) return false;
  }
  return true;
}

bool LaneSide::advance_level(uint32_t level) {
  for (Lane& lane : lanes_) {
    if (level == 0) {
      const Time watermark = lane.time.advance(firing_since_);
      for (const auto& dedupe : lane.dedupes) dedupe->advance(watermark);
    }
    for (const size_t ordinal : ordinals_[level]) {
      if (!advance_window(lane, ordinal)) return false;
    }
  }
  tell_time(level);
  return true;
}

bool LaneSide::advance_window(Lane& lane, size_t ordinal) {
  WindowLane& window = *lane.windows[ordinal];
  const Time watermark = time_for(lane, ordinal);
  if (watermark <= window.watermark() && !window.has_more()) return true;
  if (wants_pause()) return false;
  firing_ = &window;
  firing_lane_ = &lane;
  firing_ordinal_ = ordinal;
  lane.closing |= watermark == Time::max();
  const Status fired = window.advance(watermark, *this);
  firing_ = nullptr;
  if (!fired) return core_.fail(fired.error()), false;
  cut_short_ |= part_is_over_ && window.has_more();
  return window.watermark() >= watermark && !window.has_more();
}

// To windows that all lanes feed: how far those of this worker have come.
void LaneSide::tell_time(uint32_t level) {
  for (const size_t ordinal : ordinals_[level]) {
    if (told_[ordinal].empty()) continue;
    Time fired = Time::max();
    for (const Lane& lane : lanes_) fired = std::min(fired, lane.windows[ordinal]->watermark());
    Time& told = told_[ordinal][core_.index];
    if (fired <= told) continue;
    told = fired;
    channels_.send_to_others(level + 1, WindowTime{ordinal, fired});
  }
}

bool LaneSide::wants_pause() { return core_.shared.clock->elapsed() - firing_since_ > kFiringSlice; }

bool LaneSide::in_parts() const { return core_.shared.windows_in_parts; }

// Result rows of a firing window go through the steps behind it at once; they cannot be left for later.
void LaneSide::emit(std::unique_ptr<Batch> results) {
  if (core_.stop) {  // nothing of it will be committed, and nobody makes room for it any more
    part_is_over_ = true;
    return;
  }
  core_.note_progress();
  const PlannedWindow& window = core_.shared.plan->window(firing_ordinal_);
  const bool feeds = window.window.feeds_window;
  if (feeds) routing_.begin_results(firing_lane_->number);
  stage_.run_results(core_.shared.plan->windows[firing_ordinal_], *results);
  if (feeds) give_on(std::move(results));
  bool waited = false;
  for (; !core_.stop && !core_.sinks.failure() && must_wait(); waited = true) {
    relieve_others();
    // Two that wait for each other's room take each other's results.
    for (uint32_t level = window.level + 1; level < ordinals_.size(); ++level) read_level(level);
  }
  // After a transaction that outlasted its timeout, the next one holds no more than the sinks' queues do.
  const bool enough = waited && core_.shared.windows_in_parts;
  part_is_over_ = enough || core_.shared.clock->elapsed() - firing_since_ > core_.shared.longest_part;
}

// Results that other windows take find their lanes.
void LaneSide::give_on(std::shared_ptr<const Batch> results) {
  const std::shared_ptr<const std::vector<LaneRows>> rows = routing_.take_rows();
  add_rows(*results, *rows);
  const uint32_t level = core_.shared.plan->window(firing_ordinal_).level + 1;
  for (uint32_t to = 0; to < channels_.workers(); ++to) {
    if (to != core_.index && has_rows_for(to, *rows)) channels_.send(level, to, RoutedBatch{results, rows, std::nullopt});
  }
  spill_if_needed();
}

bool LaneSide::has_rows_for(uint32_t worker, const std::vector<LaneRows>& rows) const {
  const Plan& plan = *core_.shared.plan;
  if (plan.levels == 1) return false;
  for (uint32_t lane = worker; lane < plan.lanes; lane += channels_.workers()) {
    if (std::ranges::any_of(rows, [lane](const LaneRows& of) { return !of.of(lane).empty(); })) return true;
  }
  return false;
}

// While a window fires: whether its rows have found no room yet, in the sinks or in the lanes of other workers.
bool LaneSide::must_wait() const {
  const uint32_t behind = core_.shared.plan->window(firing_ordinal_).level + 1;
  return !core_.may_write() || (behind < ordinals_.size() && !channels_.all_sent(behind));
}

// While this worker waits, others may wait for it.
void LaneSide::relieve_others() {
  core_.sinks.flush();
  core_.report_flushed();  // what waits here may need the commit that waits for this report
  channels_.flush();       // a barrier of ours may be in it, without which the epoch before would stay open
  core_.wait_for_others();
  core_.note_progress();
}

void LaneSide::write_late(const Batch& batch, const std::string& step) {
  CHECK_OR_DIE(batch.partition >= 0, "a result is never late");
  for (const LateRow& row : late_) {
    RecordRefusal why;
    why.reason = row.reason == LateReason::kLate ? Reason::kLate : Reason::kIdle;
    why.error = "the record is behind the watermark of every window that it belongs to";
    why.step = step;
    why.watermark = row.watermark;
    core_.refuse(SinkInput::kLate, batch, row.row, why);
  }
}

// ---- Barriers and memory

bool LaneSide::aligned(uint32_t level) const {
  return std::ranges::all_of(passed_barrier_[level], [this](uint64_t epoch) { return epoch >= core_.epoch; });
}

bool LaneSide::align() {
  while (frozen_levels_ < ordinals_.size() && aligned(frozen_levels_)) {
    freeze_level(frozen_levels_++);
    if (frozen_levels_ == ordinals_.size()) break;
    take(Barrier{core_.epoch}, frozen_levels_, core_.index);
    channels_.send_to_others(frozen_levels_, Barrier{core_.epoch});
  }
  return frozen_levels_ == ordinals_.size();
}

void LaneSide::freeze_level(uint32_t level) {
  core_.shared.crash_points->reached("freeze_before");
  for (const Lane& lane : lanes_) {
    for (size_t i = 0; level == 0 && i < lane.dedupes.size(); ++i) freeze(lane, *lane.dedupes[i]);
    for (const size_t ordinal : ordinals_[level]) freeze(lane, *lane.windows[ordinal]);
  }
  core_.shared.crash_points->reached("freeze_after");
}

void LaneSide::freeze(const Lane& lane, KeyedLane& keyed) {
  core_.shared.writer->write(*lane.unit, core_.epoch, keyed.freeze(),
                             [this, &keyed](uint64_t written, std::shared_ptr<const View> view) {
                               written_.post({&keyed, written, std::move(view)});
                             });
}

void LaneSide::take_written() {
  std::vector<WrittenNews> all = std::exchange(written_later_, {});
  std::ranges::move(written_.take(), std::back_inserter(all));
  for (WrittenNews& news : all) {
    if (news.of == firing_) {
      written_later_.push_back(std::move(news));
    } else {
      news.of->on_written(news.generation, std::move(news.view));
    }
  }
}

std::vector<WindowCounters> LaneSide::counters() const {
  std::vector<WindowCounters> sums(core_.shared.plan->windows.size());
  for (const Lane& lane : lanes_) {
    for (size_t ordinal = 0; ordinal < sums.size(); ++ordinal) add_counters(sums[ordinal], lane.windows[ordinal]->counters());
  }
  return sums;
}

std::vector<LaneReport> LaneSide::take_reports() {
  std::vector<LaneReport> all;
  for (Lane& lane : lanes_) {
    uint64_t results = 0;
    for (const auto& window : lane.windows) results += window->counters().results;
    const bool spoke = results != std::exchange(lane.reported_results, results);
    all.push_back({lane.number, watermark_of(lane.windows, lane.dedupes), spoke, lane.closing});
  }
  return all;
}

// Of all windows but the one that gives out results.
LaneSide::Memory LaneSide::memory() const {
  Memory sum;
  for_each_at_rest([&](const Lane&, const KeyedLane& keyed) {
    sum.hot += keyed.hot_bytes();
    sum.dirty += keyed.dirty_bytes();
    sum.all += keyed.memory_bytes();
    sum.keys += keyed.keys();
  });
  return sum;
}

// Keeps keyed state inside its share of the memory budget: half of it may be hot while the half before is being written,
// and copies of what is written are dropped.
void LaneSide::spill_if_needed() {
  const size_t budget = core_.shared.state_bytes_per_worker;
  Memory now = memory();
  if (now.hot > budget / 2 && now.hot == now.dirty) freeze_for_room();
  if (now.all <= budget) return;
  shed(budget / 2);
  // What is frozen but not yet written can only be waited for; open slices as such take room that no wait gives back.
  for (now = memory(); !core_.stop && !core_.failed && now.dirty > std::max(budget, now.hot); now = memory()) {
    relieve_others();
    take_written();
    shed(budget / 2);
  }
}

void LaneSide::freeze_for_room() {
  for_each_at_rest([this](const Lane& lane, KeyedLane& keyed) { freeze(lane, keyed); });
}

size_t LaneSide::keyed_lanes() const {
  size_t count = 0;
  for (const Lane& lane : lanes_) count += lane.windows.size() + lane.dedupes.size();
  return count;
}

void LaneSide::shed(size_t target) {
  const size_t each = target / std::max<size_t>(keyed_lanes(), 1);
  for_each_at_rest([each](const Lane&, KeyedLane& keyed) { keyed.shed(each); });
}

bool LaneSide::all_closed() const {
  return std::ranges::all_of(lanes_, [](const Lane& lane) {
    return std::ranges::all_of(lane.windows, [](const auto& window) { return window->watermark() == Time::max(); });
  });
}

void LaneSide::publish_gauges() {
  const Memory now = memory();
  core_.gauges.keys = now.keys;
  core_.gauges.state_bytes = now.all;
}

}  // namespace tidemark
