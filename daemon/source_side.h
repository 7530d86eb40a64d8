// SourceSide: the half of a worker that reads: drains its partitions, decodes, runs the steps before a window, and sends
// batches, partition time and barriers to the lanes. Knows lanes only as takers of events.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/arena.h"
#include "daemon/batch_pool.h"
#include "daemon/worker_channels.h"
#include "daemon/lane_side.h"
#include "daemon/mailbox.h"
#include "daemon/row_routing.h"
#include "daemon/worker_core.h"
#include "operators/windows/watermark.h"

namespace tidemark {

// On the worker's thread, except post_statuses(). What it is given outlives it.
class SourceSide final : private MessageHandler, private ReaderEvents {
 public:
  SourceSide(WorkerCore& core, WorkerChannels& channels, RowRouting& routing, Stage& stage, LaneSide& lanes);

  // Before start(). `partition` is the attempt's number.
  Status add_partition(uint32_t partition);
  void start(uint64_t first_epoch);
  // Any thread: fresh news of where partitions stand.
  void post_statuses(std::vector<PartitionStatus> statuses) { statuses_.post(std::move(statuses)); }

  void take_statuses();
  // Not while lanes have still to align, nor while what was read last has not found room; nor, where steps on this side ask
  // lanes of other workers, before those have frozen them.
  bool may_read() const;
  // Handles what has been fetched; true when there was anything. If not, and it may, waits a little for something to
  // come, or for a wake-up, one that came before the call included.
  bool read(bool may_wait);
  // Notes where every partition stands and sends Barrier{epoch}, the one after sent_barrier().
  void begin_barrier(uint64_t epoch);
  uint64_t sent_barrier() const { return sent_barrier_; }
  // Where partitions stood at the last barrier.
  std::vector<PartitionReport> take_positions() { return std::move(at_barrier_); }
  // Sends the time of partitions that are at the end of what is to be read.
  void note_ends();
  bool all_at_end() const;
  void publish_gauges();

 private:
  struct Reader {
    uint32_t partition;
    const PlannedSource* source;
    PartitionReader reader;
    IdleTracker idleness;
    std::shared_ptr<Batch> batch;
    bool idle = false;
    bool woke = false;    // lanes have not been told yet
    bool at_end = false;  // --until-end
    std::optional<int64_t> end_offset;
  };

  bool on_message(const KafkaMessage& message) override;
  void add_headers(Arena& arena, RawRecord& record) override;
  void refused(const SourceRecord& record, Reason reason, const std::string& message) override;

  // What was handled since the last call.
  size_t drain(Duration timeout);
  void finish_batch(Reader& reader);
  void tell_time(const Reader& reader);
  void note_end(Reader& reader);
  void observe(Reader& reader, const PartitionStatus& status, Duration now);
  void wake_reader(Reader& reader);

  WorkerCore& core_;
  WorkerChannels& channels_;
  RowRouting& routing_;
  Stage& stage_;
  LaneSide& lanes_;
  const bool shares_lanes_;  // steps on this side ask lanes of other workers
  std::optional<Duration> looked_away_;  // when the source was last read, by clock.elapsed()
  std::vector<std::unique_ptr<Decoder>> decoders_;  // by source; null: none of its partitions is read here
  BatchPool pool_;
  std::vector<std::unique_ptr<Reader>> readers_;
  std::vector<Reader*> reader_by_partition_;  // by the attempt's partition number; null: somebody else's
  const KafkaMessage* current_ = nullptr;     // the message in hand
  size_t handled_ = 0;                        // messages in this drain
  Arena scratch_;
  uint64_t sent_barrier_ = 0;
  std::vector<PartitionReport> at_barrier_;
  Mailbox<std::vector<PartitionStatus>> statuses_;
};

}  // namespace tidemark
