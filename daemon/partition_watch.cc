// Puts together where the logs end, by the consumer, and how far workers are, by their gauges. A partition that is idle
// or read to its end holds no other back.
#include "daemon/partition_watch.h"

#include <algorithm>

namespace tidemark {

namespace {

bool has_more(const PartitionGauge& gauge) { return !gauge.idle && !gauge.at_end && !gauge.caught_up; }

}  // namespace

std::vector<PartitionStatus> PartitionWatch::look(const std::vector<PartitionReport>& committed) {
  std::vector<PartitionStatus> statuses = deps_.consumer.statuses();
  for (const PartitionStatus& s : statuses) {
    const PartitionStart& partition = deps_.partitions[s.assignment];
    auto& metrics = deps_.metrics.partition(deps_.plan.source.name, partition.id.topic, partition.id.partition);
    const PartitionGauge& gauge = deps_.gauges[s.assignment];
    if (s.log_end >= 0) {
      const auto lag = std::max<int64_t>(0, s.log_end - std::max(gauge.next_offset.load(), s.next_fetch_offset == s.log_end && gauge.caught_up ? s.log_end : 0));
      metrics.consumer_lag.set(static_cast<double>(lag));
      metrics.committed_lag.set(static_cast<double>(std::max<int64_t>(0, s.log_end - committed[s.assignment].position.next_offset)));
    }
    const int64_t watermark = gauge.watermark_us;
    if (watermark != INT64_MIN) metrics.watermark_timestamp_seconds.set(static_cast<double>(watermark) / 1e6);
    const int64_t newest = gauge.newest_record_us;
    if (gauge.caught_up) {
      metrics.consumer_lag_seconds.set(0);
    } else if (newest != INT64_MIN) {
      metrics.consumer_lag_seconds.set(std::max(0.0, static_cast<double>(deps_.clock.now().us - newest) / 1e6));
    }
  }
  return statuses;
}

bool PartitionWatch::reads_backlog() const {
  return may_drift() && std::ranges::any_of(deps_.gauges, has_more);
}

void PartitionWatch::hold_back() {
  if (!may_drift()) return;
  int64_t slowest = INT64_MAX;
  for (const PartitionGauge& g : deps_.gauges) {
    if (has_more(g) && g.watermark_us != INT64_MIN) slowest = std::min<int64_t>(slowest, g.watermark_us);
  }
  std::vector<uint32_t> ahead;
  std::vector<uint32_t> resume;
  for (uint32_t p = 0; p < deps_.gauges.size(); ++p) {
    const bool paused = std::ranges::find(paused_, p) != paused_.end();
    const int64_t most = paused ? deps_.plan.max_drift.us / 2 : deps_.plan.max_drift.us;
    const bool far = slowest != INT64_MAX && deps_.gauges[p].watermark_us > saturating_add(slowest, most);
    if (far && !paused) ahead.push_back(p);
    if (!far && paused) resume.push_back(p);
  }
  if (!ahead.empty() && deps_.consumer.pause(ahead)) paused_.insert(paused_.end(), ahead.begin(), ahead.end());
  if (!resume.empty() && deps_.consumer.resume(resume)) {
    std::erase_if(paused_, [&](uint32_t p) { return std::ranges::find(resume, p) != resume.end(); });
  }
}

}  // namespace tidemark
