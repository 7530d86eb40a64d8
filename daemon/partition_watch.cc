// Puts together where the logs end, by the consumer, and how far workers are, by their gauges. A partition that is idle
// or read to its end holds no other back.
#include "daemon/partition_watch.h"

#include <algorithm>

namespace tidemark {

namespace {

bool has_more(const PartitionGauge& gauge) { return !gauge.idle && !gauge.at_end && !gauge.caught_up; }

}  // namespace

std::vector<PartitionStatus> PartitionWatch::look(const std::vector<CommittedStand>& committed) {
  std::vector<PartitionStatus> statuses = deps_.consumer.statuses();
  for (const PartitionStatus& s : statuses) show(s, committed[s.assignment]);
  const std::optional<uint32_t> holds = holder();
  for (uint32_t p = 0; p < deps_.gauges.size(); ++p) {
    PartitionMetrics& metrics = metrics_of(p);
    if (deps_.plan.keyed()) metrics.watermark_holder.set(p == holds ? 1 : 0);
    metrics.idle.set(deps_.gauges[p].idle ? 1 : 0);
    metrics.paused.set(std::ranges::find(paused_, p) != paused_.end() ? 1 : 0);
  }
  return statuses;
}

PartitionMetrics& PartitionWatch::metrics_of(uint32_t partition) {
  const PartitionStart& start = deps_.partitions[partition];
  return deps_.metrics.partition(deps_.plan.sources[start.source].name, start.id.topic, start.id.partition);
}

void PartitionWatch::show(const PartitionStatus& s, const CommittedStand& committed) {
  PartitionMetrics& metrics = metrics_of(s.assignment);
  const PartitionGauge& gauge = deps_.gauges[s.assignment];
  const int64_t position = gauge.next_offset;
  // Behind the last record the log may end with transaction markers, which are nobody's lag.
  const int64_t reached = gauge.caught_up && s.next_fetch_offset == s.log_end ? s.log_end : position;
  const int64_t behind = std::max<int64_t>(0, s.log_end - reached);
  const int64_t uncommitted = std::max<int64_t>(0, s.log_end - committed.next_offset);
  metrics.position_offset.set(static_cast<double>(position));
  metrics.committed_offset.set(static_cast<double>(committed.next_offset));
  if (s.log_end >= 0) {
    metrics.log_end_offset.set(static_cast<double>(s.log_end));
    metrics.consumer_lag.set(static_cast<double>(behind));
    metrics.committed_lag.set(static_cast<double>(uncommitted));
  }
  const int64_t watermark = gauge.watermark_us;
  if (watermark != INT64_MIN) metrics.watermark_timestamp_seconds.set(static_cast<double>(watermark) / 1e6);
  const auto age = [&](int64_t since_us) { return std::max(0.0, static_cast<double>(deps_.clock.now().us - since_us) / 1e6); };
  const int64_t newest = gauge.newest_record_us;
  if (gauge.caught_up) {
    metrics.consumer_lag_seconds.set(0);
  } else if (newest != INT64_MIN) {
    metrics.consumer_lag_seconds.set(age(newest));
  }
  if (gauge.caught_up && committed.next_offset >= position) {
    metrics.committed_lag_seconds.set(0);
  } else if (committed.newest_record != Time::min()) {
    metrics.committed_lag_seconds.set(age(committed.newest_record.us));
  }
}

// A lane's watermark is the least of its live partitions', so the slowest lane's is the least of all.
std::optional<uint32_t> PartitionWatch::holder() const {
  std::optional<uint32_t> least;
  for (uint32_t p = 0; p < deps_.gauges.size(); ++p) {
    const PartitionGauge& gauge = deps_.gauges[p];
    if (gauge.idle || gauge.at_end) continue;
    if (!least || gauge.watermark_us < deps_.gauges[*least].watermark_us) least = p;
  }
  return least;
}

bool PartitionWatch::reads_backlog() const {
  return may_drift() && std::ranges::any_of(deps_.gauges, has_more);
}

// The greatest event time read; INT64_MIN: none. Watermarks of sources with different `max_delay` lie apart even where what
// was read does not.
int64_t PartitionWatch::reached_us(uint32_t partition) const {
  const int64_t watermark = deps_.gauges[partition].watermark_us;
  if (watermark == INT64_MIN) return watermark;
  return saturating_add(watermark, deps_.plan.sources[deps_.partitions[partition].source].event_time.max_delay.us);
}

void PartitionWatch::hold_back() {
  if (!may_drift()) return;
  int64_t slowest = INT64_MAX;
  for (uint32_t p = 0; p < deps_.gauges.size(); ++p) {
    const int64_t reached = reached_us(p);
    if (has_more(deps_.gauges[p]) && reached != INT64_MIN) slowest = std::min(slowest, reached);
  }
  std::vector<uint32_t> ahead;
  std::vector<uint32_t> resume;
  for (uint32_t p = 0; p < deps_.gauges.size(); ++p) {
    const bool paused = std::ranges::find(paused_, p) != paused_.end();
    const int64_t most = paused ? deps_.plan.max_drift.us / 2 : deps_.plan.max_drift.us;
    const bool far = slowest != INT64_MAX && reached_us(p) > saturating_add(slowest, most);
    if (far && !paused) ahead.push_back(p);
    if (!far && paused) resume.push_back(p);
  }
  if (!ahead.empty() && deps_.consumer.pause(ahead)) paused_.insert(paused_.end(), ahead.begin(), ahead.end());
  if (!resume.empty() && deps_.consumer.resume(resume)) {
    std::erase_if(paused_, [&](uint32_t p) { return std::ranges::find(resume, p) != resume.end(); });
  }
}

}  // namespace tidemark
