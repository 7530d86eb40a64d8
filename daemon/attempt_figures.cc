// What others see of an attempt: latencies, hot keys, gauges of its workers and stores, and the traces of its checkpoints.
#include <algorithm>

#include "base/counters.h"
#include "daemon/attempt.h"

namespace tidemark {
namespace {

constexpr uint64_t kManySamples = 1000;  // from here on older ones count less and less

void age(HotKeys& keys) {
  if (keys.total() >= kManySamples) keys.age();
}

}  // namespace

// The rows of a batch are visible from here on.
void Attempt::observe_latencies(const Epoch& epoch) {
  const Time now = deps_.clock.now();
  for (const WorkerReport& report : epoch.reports) {
    for (const Time newest : report.newest_records) {
      deps_.metrics.end_to_end_latency_seconds.observe((now - newest).to_seconds());
    }
  }
}

void Attempt::show_hot_keys(const Epoch& epoch) {
  HotKeysOfSteps& hot = status_.hot_keys;
  hot.by_rows.resize(deps_.plan.windows.size());
  hot.by_state.resize(deps_.plan.windows.size());
  std::map<size_t, HotKeys> weights = writer_->take_weights();
  for (size_t ordinal = 0; ordinal < hot.by_rows.size(); ++ordinal) {
    HotKeys& by_rows = hot.by_rows[ordinal];
    HotKeys& by_state = hot.by_state[ordinal];
    age(by_rows);
    for (const WorkerReport& report : epoch.reports) by_rows.add(report.hot_keys[ordinal]);
    age(by_state);
    by_state.add(weights[ordinal]);
    const std::string& step = deps_.plan.window_step(ordinal).name;
    if (tells_shares(by_rows)) deps_.metrics.show_hot_keys(step, by_rows);
    if (tells_shares(by_state)) deps_.metrics.show_heavy_keys(step, by_state);
  }
}

void Attempt::publish() {
  double busy = busy_before_, idle = idle_before_, blocked = blocked_before_;
  uint64_t keys = 0, hot = 0;
  for (const auto& worker : workers_) {
    busy += static_cast<double>(worker->gauges().busy_us) / 1e6;
    idle += static_cast<double>(worker->gauges().idle_us) / 1e6;
    blocked += static_cast<double>(worker->gauges().backpressured_us) / 1e6;
    keys += worker->gauges().keys;
    hot += worker->gauges().state_bytes;
  }
  publish_stores();
  deps_.metrics.lane_busy_seconds.raise_to(busy);
  deps_.metrics.lane_idle_seconds.raise_to(idle);
  deps_.metrics.lane_backpressured_seconds.raise_to(blocked);
  deps_.metrics.state_keys.set(static_cast<double>(keys));
  deps_.metrics.state_hot_bytes.set(static_cast<double>(hot));
  status_.keys = keys;
  Time slowest = Time::max();
  for (const auto& [lane, watermark] : lane_watermarks_) slowest = std::min(slowest, watermark);
  if (slowest != Time::max() && slowest != Time::min()) {
    deps_.metrics.watermark_lag_seconds.set((deps_.clock.now() - slowest).to_seconds());
  }
}

void Attempt::publish_stores() {
  StoreStats all;
  for (const auto& unit : resumed_.units) {
    if (unit->store) add_counters(all, unit->store->stats());
  }
  deps_.metrics.state_cold_bytes.set(static_cast<double>(all.disk_bytes));
  deps_.metrics.rocksdb_keys.set(static_cast<double>(all.approximate_keys));
  deps_.metrics.rocksdb_memtable_bytes.set(static_cast<double>(all.memtable_bytes));
  deps_.metrics.rocksdb_table_reader_bytes.set(static_cast<double>(all.table_reader_bytes));
  deps_.metrics.rocksdb_pending_compaction_bytes.set(static_cast<double>(all.pending_compaction_bytes));
}

// ---- Traces

void Attempt::begin_trace(TraceSink& to) {
  running_epoch_->trace = CheckpointTrace(to, deps_.clock, {{"tidemark.pipeline", deps_.plan.name},
                                                            {"tidemark.instance", options_.instance},
                                                            {"tidemark.epoch", static_cast<int64_t>(running_epoch_->number)}});
}

void Attempt::trace_phases() {
  const EpochProgress& progress = running_epoch_->progress;
  CheckpointTrace& trace = running_epoch_->trace;
  if (progress.feeders_flushed == progress.feeders) trace.end("sinks");
  if (progress.snapshots_asked && progress.units_durable == progress.units) trace.end("state");
}

// Once it is known how the checkpoint ended.
void Attempt::end_trace(const char* result, const std::optional<std::string>& error) {
  Epoch& epoch = *running_epoch_;
  if (!epoch.trace.on()) return;
  epoch.trace.set("tidemark.units", static_cast<int64_t>(epoch.progress.units), "state");
  epoch.trace.add(writer_->take_steps(epoch.number), "state");
  epoch.trace.finish(result, error);
}

// What this checkpoint made visible.
void Attempt::trace_rows(const Ledger& now) {
  CheckpointTrace& trace = running_epoch_->trace;
  if (!trace.on()) return;
  const uint64_t read = committed_ledger_ ? committed_ledger_->records_read() : 0;
  const uint64_t written = committed_ledger_ ? committed_ledger_->rows_written() : 0;
  trace.set("tidemark.records", static_cast<int64_t>(now.records_read() - read));
  trace.set("tidemark.rows", static_cast<int64_t>(now.rows_written() - written));
}

}  // namespace tidemark
