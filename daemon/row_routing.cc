// Finds the lane of each row that a keyed step takes, by its key's hash or by its partition. Does not send rows anywhere.
#include "daemon/row_routing.h"

#include <algorithm>
#include <utility>

#include "operators/key_codec.h"

namespace tidemark {
namespace {

constexpr size_t kSampledKeys = 8;
constexpr size_t kSampleEvery = 127;  // rows, for hot keys; a prime, so that keys that take turns are all seen
constexpr uint64_t kApart = 0x9e3779b97f4a7c15;  // keys of different windows are different keys

}  // namespace

RowRouting::RowRouting(WorkerCore& core)
    : core_(core),
      partitioning_violations_(core.shared.plan->windows.size()),
      hot_keys_(core.shared.plan->windows.size()),
      next_samples_(hot_keys_.size()) {}

void RowRouting::begin(uint32_t partition) {
  own_lane_ = static_cast<uint32_t>(core_.shared.partitions[partition].id.partition);
  rows_ = std::make_shared<std::vector<LaneRows>>(core_.shared.plan->windows.size());
}

void RowRouting::begin_results(uint16_t lane) {
  own_lane_ = lane;
  rows_ = std::make_shared<std::vector<LaneRows>>(core_.shared.plan->windows.size());
}

void RowRouting::to_window(size_t step, Batch& batch, Rows rows) {
  const Plan& plan = *core_.shared.plan;
  const std::optional<size_t> before = plan.steps[step].behind_window;
  const PlannedWindow& window = *plan.steps[step].window();
  const size_t ordinal = window.window.ordinal;
  if (batch.keyed.size() <= ordinal) batch.keyed.resize(ordinal + 1);
  encode_keys(batch, rows, window.key_slots, batch.arena, batch.keyed[ordinal]);
  if (before && batch.places.empty()) encode_places(batch, plan.window(*before).key_slots.size());
  const bool by_key = before ? window.exchanged : plan.lane_choice == Lanes::kByKey;
  route(by_key, batch.keyed[ordinal].hashes, rows, (*rows_)[ordinal]);
  sample_hot_keys(ordinal, batch.keyed[ordinal], rows);
  if (!by_key && !before) watch_promise(ordinal, batch.keyed[ordinal].hashes, rows);
}

void RowRouting::route(bool by_key, const std::vector<uint64_t>& hashes, Rows rows, LaneRows& out) {
  if (by_key) return sort_by_lane(hashes, rows, core_.shared.plan->lanes, out);
  out.first_lane = own_lane_;
  out.rows.assign(rows.begin(), rows.end());
  out.starts = {0, static_cast<uint32_t>(rows.size())};
}

void RowRouting::deduplicate(size_t step, Batch& batch, std::vector<uint32_t>& kept, StepCounters& counters) {
  const Plan& plan = *core_.shared.plan;
  const PlannedDedupe& planned = *plan.steps[step].dedupe();
  encode_keys(batch, kept, planned.key_slots, batch.arena, keyed_);
  route(plan.lane_choice == Lanes::kByKey, keyed_.hashes, kept, asked_);
  judged_.resize(batch.rows);
  if (!judge(core_.shared.dedupes[planned.dedupe.ordinal], batch, kept)) return kept.clear();
  std::erase_if(kept, [&](uint32_t row) {
    const Judgement& judged = judged_[row];
    if (judged.verdict == Verdict::kPasses) return false;
    if (judged.verdict == Verdict::kRepeats) return ++counters.deduplicated, true;
    refuse_old(step, batch, row, judged);
    return ++counters.late, true;
  });
}

// False: a store cannot be read, and this attempt is over.
bool RowRouting::judge(const std::vector<DedupeLane*>& lanes, const Batch& batch, Rows rows) {
  if (rows.empty()) return true;
  for (uint32_t i = 0; i + 1 < asked_.starts.size(); ++i) {
    const uint32_t lane = asked_.first_lane + i;
    const Rows asked = asked_.of(lane);
    if (asked.empty()) continue;
    const Status read = lanes[lane]->judge(batch, keyed_, asked, dedupe_, judged_);
    if (!read) return core_.fail(read.error()), false;
  }
  return true;
}

void RowRouting::refuse_old(size_t step, const Batch& batch, uint32_t row, const Judgement& judged) {
  RecordRefusal why;
  why.reason = judged.verdict == Verdict::kLate ? Reason::kDedupe : Reason::kIdle;
  why.error = "the record is older than what is remembered: whether it repeats another one cannot be told";
  why.step = core_.shared.plan->steps[step].name;
  why.watermark = judged.watermark;
  core_.refuse(SinkInput::kLate, batch, row, std::move(why));
}

void RowRouting::expression_failed(size_t step, Batch& batch, uint32_t row, const std::string& message) {
  RecordRefusal why;
  why.reason = Reason::kExpression;
  why.error = message;
  why.step = core_.shared.plan->steps[step].name;
  core_.refuse(SinkInput::kDeadLetter, batch, row, std::move(why));
}

// A few keys of each batch are enough: a broken promise breaks it for many.
void RowRouting::watch_promise(size_t ordinal, const std::vector<uint64_t>& hashes, Rows rows) {
  const size_t step = std::max<size_t>(1, rows.size() / kSampledKeys);
  for (size_t i = 0; i < rows.size(); i += step) {
    if (!core_.shared.key_samples.seen_elsewhere(hashes[rows[i]] + ordinal * kApart, own_lane_)) continue;
    partitioning_violations_[ordinal] += 1;
    core_.warnings.warn("partitioning_violated", {{"partition", own_lane_},
                                                  {"what", "a key of `partitioned_by` was found in two partitions"}});
  }
}

std::vector<HotKeys> RowRouting::take_hot_keys() { return std::exchange(hot_keys_, std::vector<HotKeys>(hot_keys_.size())); }

void RowRouting::sample_hot_keys(size_t ordinal, const KeyedRows& keyed, Rows rows) {
  size_t& next = next_samples_[ordinal];
  for (; next < rows.size(); next += kSampleEvery) {
    const std::string_view key = keyed.keys[rows[next]];
    const bool kept = core_.shared.reveal_keys && key.size() <= KeyWeights::kLongestKey;
    hot_keys_[ordinal].add(keyed.hashes[rows[next]], 1, kept ? key : std::string_view{});
  }
  next -= rows.size();
}

// A counting sort: rows of a lane keep their order.
void RowRouting::sort_by_lane(const std::vector<uint64_t>& hashes, Rows rows, uint32_t lanes, LaneRows& out) {
  out.starts.assign(lanes + 1, 0);
  for (uint32_t row : rows) out.starts[lane_of(hashes[row], lanes) + 1] += 1;
  for (uint32_t lane = 0; lane < lanes; ++lane) out.starts[lane + 1] += out.starts[lane];
  next_.assign(out.starts.begin(), out.starts.end() - 1);
  out.rows.resize(rows.size());
  for (uint32_t row : rows) out.rows[next_[lane_of(hashes[row], lanes)]++] = row;
}

}  // namespace tidemark
