// What a worker does with its lanes, between the events that reach it and the rows that leave them. Where events come from
// and how an epoch is committed is not known here.
#include "daemon/lane_side.h"

#include <algorithm>
#include <utility>

#include "base/counters.h"
#include "operators/partition_clock.h"

namespace tidemark {
namespace {

constexpr size_t kEventsPerInbox = 8;
// Lanes that fire longer than this let barriers pass before the next window fires: a transaction lasts only so long.
constexpr Duration kFiringSlice = Duration::millis(100);

}  // namespace

LaneSide::LaneSide(WorkerCore& core, WorkerChannels& channels, Stage& stage)
    : core_(core), channels_(channels), stage_(stage) {}

void LaneSide::add_lane(LaneStart start) {
  const WorkerShared& shared = core_.shared;
  const auto& event_time = shared.plan->source.event_time;
  Lane lane{start.lane, start.unit, std::move(start.windows), std::vector<bool>(shared.partitions.size()),
            LaneWatermark(event_time.close_after_idle)};
  for (const auto& window : lane.windows) lane.time.restore(window->watermark());
  for (uint32_t p = 0; p < shared.partitions.size(); ++p) {
    const PartitionStart& start_of = shared.partitions[p];
    lane.fed_by[p] = shared.plan->lane_choice == Lanes::kByKey || start_of.id.partition == start.lane;
    if (!lane.fed_by[p]) continue;
    const PartitionClock clock(event_time.max_delay, start_of.position.max_event_time);
    lane.time.add(p, clock.watermark(), start_of.idle);
  }
  lanes_.push_back(std::move(lane));
}

void LaneSide::start(uint64_t first_epoch) { passed_barrier_.assign(channels_.workers(), first_epoch - 1); }

// Late rows are written while events are taken.
bool LaneSide::read_channels() {
  bool busy = false;
  for (uint32_t from = 0; from < channels_.workers(); ++from) {
    for (size_t n = 0; n < kEventsPerInbox && passed_barrier_[from] < core_.epoch && core_.may_write() && !core_.stop; ++n) {
      const std::optional<LaneEvent> event = channels_.receive(from);
      if (!event) break;
      take(*event, from);
      busy = true;
    }
  }
  return busy;
}

void LaneSide::take(const LaneEvent& event, uint32_t from) {
  if (const auto* routed = std::get_if<RoutedBatch>(&event)) return add(*routed);
  if (const auto* time = std::get_if<PartitionTime>(&event)) {
    set_time(*time);
    advance();
    return;
  }
  passed_barrier_[from] = std::get<Barrier>(event).epoch;
}

void LaneSide::add(const RoutedBatch& routed) {
  const Plan& plan = *core_.shared.plan;
  for (Lane& lane : lanes_) {
    for (size_t ordinal = 0; ordinal < lane.windows.size(); ++ordinal) {
      const Rows rows = (*routed.rows)[ordinal].of(lane.number);
      if (rows.empty()) continue;
      late_.clear();
      lane.windows[ordinal]->add(*routed.batch, rows, late_);
      if (!late_.empty()) write_late(*routed.batch, plan.steps[plan.windows[ordinal]].name);
    }
  }
  set_time(routed.time);
  advance();
  spill_if_needed();
}

void LaneSide::set_time(const PartitionTime& time) {
  for (Lane& lane : lanes_) {
    if (!lane.fed_by[time.partition]) continue;
    lane.time.update(time.partition, time.watermark, time.idle);
    if (time.at_end && !core_.shared.keep_open) lane.time.set_ended(time.partition);
  }
}

bool LaneSide::advance() {
  firing_since_ = core_.shared.clock->elapsed();
  for (Lane& lane : lanes_) {
    const Time watermark = lane.time.advance(firing_since_);
    for (size_t ordinal = 0; ordinal < lane.windows.size(); ++ordinal) {
      WindowLane& window = *lane.windows[ordinal];
      if (watermark <= window.watermark() && !window.has_more()) continue;
      if (wants_pause()) return false;
      firing_step_ = core_.shared.plan->windows[ordinal];
      lane.closing |= watermark == Time::max();
      const Status fired = window.advance(watermark, *this);
      if (!fired) return core_.fail(fired.error()), false;
      if (window.watermark() < watermark || window.has_more()) return false;
    }
  }
  return true;
}

bool LaneSide::wants_pause() { return core_.shared.clock->elapsed() - firing_since_ > kFiringSlice; }

// Result rows of a firing window go through the steps behind it at once; they cannot be left for later.
void LaneSide::emit(std::unique_ptr<Batch> results) {
  if (core_.stop) return;  // nothing of it will be committed, and nobody makes room for it any more
  core_.note_progress();
  stage_.run_results(firing_step_, *results);
  while (!core_.stop && !core_.sinks.failed() && !core_.may_write()) relieve_others();
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
  static const RawRecord kNothingKept;
  const Plan& plan = *core_.shared.plan;
  for (const LateRow& row : late_) {
    RecordRefusal why;
    why.reason = row.reason == LateReason::kLate ? Reason::kLate : Reason::kIdle;
    why.error = "the record is behind the watermark of every window that it belongs to";
    why.pipeline = plan.name;
    why.step = step;
    why.topic = plan.topics->name_of(batch.topic);
    why.partition = batch.partition;
    why.offset = batch.offsets[row.row];
    why.watermark = row.watermark;
    core_.sinks.write_refused(SinkInput::kLate,
                              {batch.raw.empty() ? kNothingKept : batch.raw[row.row], batch.kafka_times[row.row], why});
  }
}

bool LaneSide::aligned() const {
  return std::ranges::all_of(passed_barrier_, [this](uint64_t epoch) { return epoch >= core_.epoch; });
}

void LaneSide::freeze_all() {
  for (Lane& lane : lanes_) {
    for (size_t ordinal = 0; ordinal < lane.windows.size(); ++ordinal) freeze(lane, ordinal);
  }
}

void LaneSide::freeze(Lane& lane, size_t ordinal) {
  std::unique_ptr<FrozenGeneration> generation = lane.windows[ordinal]->freeze();
  const uint16_t number = lane.number;
  core_.shared.writer->write(*lane.unit, core_.epoch, std::move(generation),
                             [this, number, ordinal](uint64_t written, std::shared_ptr<const View> view) {
                               written_.post({number, ordinal, written, std::move(view)});
                             });
}

void LaneSide::take_written() {
  for (WrittenNews& news : written_.take()) {
    for (Lane& lane : lanes_) {
      if (lane.number == news.lane) lane.windows[news.ordinal]->on_written(news.generation, news.view);
    }
  }
}

WindowCounters LaneSide::counters() const {
  WindowCounters sum;
  for (const Lane& lane : lanes_) {
    for (const auto& window : lane.windows) add_counters(sum, window->counters());
  }
  return sum;
}

std::vector<LaneReport> LaneSide::reports() const {
  std::vector<LaneReport> all;
  for (const Lane& lane : lanes_) {
    const Time watermark = lane.windows.empty() ? lane.time.current() : lane.windows.back()->watermark();
    all.push_back({lane.number, watermark, lane.closing});
  }
  return all;
}

LaneSide::Memory LaneSide::memory() const {
  Memory sum;
  for (const Lane& lane : lanes_) {
    for (const auto& window : lane.windows) {
      sum.hot += window->hot_bytes();
      sum.dirty += window->dirty_bytes();
      sum.all += window->memory_bytes();
      sum.keys += window->keys();
    }
  }
  return sum;
}

// Keeps keyed state inside its share of the memory budget: half of it may be hot while the half before is being written,
// and copies of what is written are dropped.
void LaneSide::spill_if_needed() {
  const size_t budget = core_.shared.state_bytes_per_worker;
  Memory now = memory();
  if (now.hot > budget / 2 && now.hot == now.dirty) freeze_all();
  if (now.all <= budget) return;
  shed(budget / 2);
  // What is frozen but not yet written can only be waited for; open slices as such take room that no wait gives back.
  for (now = memory(); !core_.stop && !core_.failed && now.dirty > std::max(budget, now.hot); now = memory()) {
    relieve_others();
    take_written();
    shed(budget / 2);
  }
}

void LaneSide::shed(size_t target) {
  size_t count = 0;
  for (const Lane& lane : lanes_) count += lane.windows.size();
  for (Lane& lane : lanes_) {
    for (const auto& window : lane.windows) window->shed(target / std::max<size_t>(count, 1));
  }
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
