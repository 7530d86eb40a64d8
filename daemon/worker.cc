// The worker's loop: what is done in which order, and how its two sides meet at a barrier. Rows are handled by the sides.
#include "daemon/worker.h"

#include <utility>

#include "base/thread_name.h"

namespace tidemark {

Worker::Worker(uint32_t index, WorkerShared& shared, Logger logger)
    : core_(index, shared, std::move(logger)),
      channels_(index, *shared.consumer),
      routing_(core_),
      stage_(*shared.plan, routing_),
      lanes_(core_, channels_, routing_, stage_),
      source_(core_, channels_, routing_, stage_, lanes_) {}

Worker::~Worker() {
  request_stop();
  join();
}

void Worker::connect(const std::vector<std::unique_ptr<Worker>>& workers) {
  std::vector<WorkerChannels*> peers;
  for (const auto& worker : workers) peers.push_back(&worker->channels_);
  channels_.connect(std::move(peers), core_.shared.plan->levels, core_.shared.channel_bytes);
}

void Worker::start(uint64_t first_epoch) {
  core_.first_epoch = first_epoch;
  core_.epoch = first_epoch;
  core_.flushed_epoch = first_epoch - 1;
  core_.sinks.set_epoch(first_epoch);
  wanted_barrier_ = first_epoch - 1;
  source_.start(first_epoch);
  lanes_.start(first_epoch);
  thread_ = std::thread([this] { run(); });
}

void Worker::request_stop() {
  core_.stop = true;
  wake();
}

void Worker::join() {
  if (thread_.joinable()) thread_.join();
}

void Worker::request_barrier(uint64_t epoch) {
  wanted_barrier_ = epoch;
  wake();
}

void Worker::wake() { core_.shared.consumer->wake(core_.index); }

void Worker::run() {
  name_this_thread("worker");
  lanes_.warm();
  source_.note_ends();
  while (!core_.stop) {
    const Duration begin = core_.shared.clock->elapsed();
    core_.note_progress();
    if (turn()) core_.gauges.busy_us += (core_.shared.clock->elapsed() - begin).us;
    source_.publish_gauges();
    lanes_.publish_gauges();
    note_end();
  }
  (*core_.shared.progress_us)[core_.index] = 0;
}

bool Worker::turn() {
  if (core_.failed) return core_.wait_for_others(), false;
  bool busy = false;
  lanes_.take_written();
  source_.take_statuses();
  core_.sinks.flush();
  if (core_.sinks.failure()) return core_.fail(*core_.sinks.failure()), false;
  busy |= channels_.flush();
  if (wanted_barrier_ > source_.sent_barrier()) source_.begin_barrier(source_.sent_barrier() + 1);
  busy |= lanes_.read_channels();
  if (source_.sent_barrier() == core_.epoch && lanes_.align()) {
    align();
    busy = true;  // what came behind the barriers of others may be taken now
  }
  core_.report_flushed();
  lanes_.expect_barrier(wanted_barrier_ >= core_.epoch);
  const bool all_fired = lanes_.advance();
  core_.gauges.firing = !all_fired;
  if (!all_fired && !busy && lanes_.waits_for_barrier()) core_.wait_for_others();
  if (!all_fired) return true;  // the rest of the windows comes before more input
  if (source_.may_read()) return source_.read(!busy) || busy;
  if (!busy) core_.wait_for_others();
  return busy;
}

void Worker::align() {
  core_.shared.frozen += 1;
  WorkerReport report;
  report.epoch = core_.epoch;
  report.partitions = source_.take_positions();
  report.tally = {stage_.counters(), lanes_.counters(), core_.sinks.counters(), core_.sinks.refused(),
                  routing_.partitioning_violations()};
  report.hot_keys = routing_.take_hot_keys();
  report.newest_records = core_.sinks.take_newest_records();
  report.lanes = lanes_.take_reports();
  lanes_.publish_gauges();
  core_.epoch += 1;
  core_.sinks.set_epoch(core_.epoch);
  lanes_.begin_epoch();
  core_.shared.events->on_aligned(core_.index, std::move(report));
}

void Worker::note_end() {
  if (ended_ || !core_.shared.until_end) return;
  if (!source_.all_at_end() || !(core_.shared.keep_open || lanes_.all_closed())) return;
  ended_ = true;
  core_.shared.events->on_ended(core_.index);
}

}  // namespace tidemark
