// WorkerCore: what both sides of one worker stand on: its number, the epoch that its rows belong to, its way to the sinks,
// its gauges, and whether it goes on. Knows neither partitions nor lanes.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/log.h"
#include "daemon/sinks.h"
#include "daemon/worker_shared.h"

namespace tidemark {

// On the worker's thread, except for `stop` and the gauges, which anyone may read. Outlives both sides.
struct WorkerCore {
  WorkerCore(uint32_t number, WorkerShared& shared_facts, Logger log)
      : index(number), shared(shared_facts), warnings(log, Duration::seconds(10)), sinks(*shared.sinks, std::move(log)) {}

  // Tells that the attempt is over; from here on nothing is done but waiting for the stop.
  void fail(const Error& error);
  // Shows that the thread is alive and gets on.
  void note_progress();
  // Tells once for each epoch before this one that its rows are all with the producers.
  void report_flushed();
  // Whether no more rows wait for the sinks than may: where they do, input waits, late rows and firing with it.
  bool may_write() const { return sinks.waiting_bytes() <= shared.sink_wait_bytes; }
  // Whether every worker has frozen its lanes for all epochs before this one.
  bool all_frozen() const { return shared.frozen >= (epoch - first_epoch) * shared.workers; }
  // Writes a row of a source batch to the sinks of that kind, as it was read; fills in what `why` does not say of it.
  void refuse(SinkInput to, const Batch& batch, uint32_t row, RecordRefusal why);
  // A short sleep because somebody else is slow.
  void wait_for_others();

  const uint32_t index;
  WorkerShared& shared;
  RateLimited warnings;
  SinkWriter sinks;
  WorkerGauges gauges;
  uint64_t first_epoch = 1;
  uint64_t epoch = 1;
  uint64_t flushed_epoch = 0;
  bool failed = false;
  std::atomic<bool> stop{false};
};

}  // namespace tidemark
