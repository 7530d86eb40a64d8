// What WorkerCore does: telling others how the worker fares. Decides nothing about rows.
#include "daemon/worker_core.h"

namespace tidemark {
namespace {

constexpr Duration kBlockedWait = Duration::millis(1);

}  // namespace

void WorkerCore::fail(const Error& error) {
  failed = true;
  shared.events->on_failed(error);
}

void WorkerCore::note_progress() { (*shared.progress_us)[index] = shared.clock->elapsed().us; }

void WorkerCore::report_flushed() {
  if (flushed_epoch + 1 >= epoch || !sinks.flushed_through(epoch - 1)) return;
  flushed_epoch = epoch - 1;
  shared.events->on_flushed(index, flushed_epoch);
}

void WorkerCore::refuse(SinkInput to, const Batch& batch, uint32_t row, RecordRefusal why) {
  static const RawRecord kNothingKept;
  why.pipeline = shared.plan->name;
  why.topic = shared.plan->topics->name_of(batch.topic);
  why.partition = batch.partition;
  why.offset = batch.offsets[row];
  sinks.write_refused(to, {batch.raw.empty() ? kNothingKept : batch.raw[row], batch.kafka_times[row], why});
}

void WorkerCore::wait_for_others() {
  sleep_for(kBlockedWait);
  gauges.backpressured_us += kBlockedWait.us;
}

}  // namespace tidemark
