// Finds the lane of each row that a window takes, by its key's hash or by its partition. Does not send rows anywhere.
#include "daemon/row_routing.h"

#include <algorithm>

#include "operators/key_codec.h"

namespace tidemark {
namespace {

constexpr size_t kSampledKeys = 8;
constexpr uint64_t kApart = 0x9e3779b97f4a7c15;  // keys of different windows are different keys

}  // namespace

RowRouting::RowRouting(WorkerCore& core) : core_(core), partitioning_violations_(core.shared.plan->windows.size()) {}

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
  LaneRows& by_lane = (*rows_)[ordinal];
  const bool by_key = before ? window.exchanged : plan.lane_choice == Lanes::kByKey;
  if (by_key) return sort_by_lane(batch.keyed[ordinal].hashes, rows, plan.lanes, by_lane);
  by_lane.first_lane = own_lane_;
  by_lane.rows.assign(rows.begin(), rows.end());
  by_lane.starts = {0, static_cast<uint32_t>(rows.size())};
  if (!before) watch_promise(ordinal, batch.keyed[ordinal].hashes, rows);
}

void RowRouting::expression_failed(size_t step, Batch& batch, uint32_t row, const std::string& message) {
  static const RawRecord kNothingKept;
  const Plan& plan = *core_.shared.plan;
  RecordRefusal why;
  why.reason = Reason::kExpression;
  why.error = message;
  why.pipeline = plan.name;
  why.step = plan.steps[step].name;
  why.topic = plan.topics->name_of(batch.topic);
  why.partition = batch.partition;
  why.offset = batch.offsets[row];
  core_.sinks.write_refused(SinkInput::kDeadLetter,
                            {batch.raw.empty() ? kNothingKept : batch.raw[row], batch.kafka_times[row], why});
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
