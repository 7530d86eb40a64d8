// RecoveryUnit: what restores together: its lanes' store and the checkpoints of it. StateWriter: the one thread of a
// pipeline that applies frozen generations to the stores and turns them into durable checkpoints, in order of epochs.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "daemon/checkpoint_trace.h"
#include "daemon/crash_point.h"
#include "operators/windows/window_lane.h"
#include "state/checkpoint_storage.h"
#include "state/key_weights.h"
#include "state/keyed_store.h"

namespace tidemark {

// Owned by the attempt; the store is used by the state writer only, its views by lanes.
struct RecoveryUnit {
  std::string name;                   // "all", or "lane-7"
  std::unique_ptr<KeyedStore> store;  // none where the plan keeps no keyed state
  std::string live_dir;               // of the store
  std::vector<uint32_t> partitions;   // indices into the attempt's partitions
  std::vector<uint16_t> lanes;
  std::map<uint16_t, size_t> windows;  // by the number of their step in the store: ordinals
  KeyWeights weights;                  // of what its generations write; used by the state writer only
  std::optional<StoredCheckpoint> committed;  // what the last commit names
};

// A durable checkpoint of one unit, not yet committed.
struct WrittenCheckpoint {
  Manifest manifest;
  uint64_t checksum = 0;
  uint64_t bytes = 0;  // in its files
};

// Thread-safe. Jobs of one epoch are done before those of the next; within an epoch, generations before the snapshot.
class StateWriter {
 public:
  // Called on the writer's thread.
  using Written = std::function<void(uint64_t generation, std::shared_ptr<const View> view)>;
  using Stored = std::function<void(Result<WrittenCheckpoint>)>;
  using Failed = std::function<void(const Error&)>;

  // What it works with; all outlive it.
  struct Deps {
    CheckpointStorage& storage;
    Files& files;
    const Clock& clock;
    const CrashPoints& crash_points;
    // clock.elapsed() when the present step began; 0: nothing to do.
    std::atomic<int64_t>& step_began_us;
    bool keeps_steps = false;  // for take_steps()
  };
  // `scratch_dir` is for checkpoints in the making; it exists. `failed` is told when a store broke.
  StateWriter(Deps deps, std::string scratch_dir, Failed failed);
  ~StateWriter();  // drops what has not been begun
  StateWriter(const StateWriter&) = delete;
  StateWriter& operator=(const StateWriter&) = delete;

  void write(RecoveryUnit& unit, uint64_t epoch, std::unique_ptr<FrozenGeneration> generation, Written written);
  // All generations of `epoch` have been handed over for this unit: take its snapshot and store it under the manifest,
  // whose files are filled in here. Generations of later epochs wait until all `units` of the epoch are through.
  void store(RecoveryUnit& unit, uint64_t epoch, Manifest manifest, Stored stored);
  // No more snapshots of `epoch` will be asked for: later generations may be applied.
  void close_epoch(uint64_t epoch);

  // What it is at: `freeze` (writing what was frozen), `snapshot` or `manifest`, and of which unit; nothing: it waits.
  std::optional<std::string> doing() const;
  // Which keys make up most of what was written since it was asked last, by window ordinal.
  std::map<size_t, HotKeys> take_weights();
  // What was done for `epoch`, or for earlier ones, since it was asked last.
  std::vector<TimedStep> take_steps(uint64_t epoch);

 private:
  struct Job {
    uint64_t epoch = 0;
    RecoveryUnit* unit = nullptr;
    std::unique_ptr<FrozenGeneration> generation;  // or a snapshot
    Written written;
    Manifest manifest;
    Stored stored;
  };
  void run();
  void begin_step(const char* step, const Job& job);
  void end_step(uint64_t epoch, SpanAttributes attributes, const Status& done);
  void rest();
  void note_weights(RecoveryUnit& unit);
  std::vector<Job> next_jobs(std::unique_lock<std::mutex>& lock);
  void write_generations(std::vector<Job>& jobs);
  Status take_snapshot(RecoveryUnit& unit, const std::string& dir, WrittenCheckpoint& written);
  Result<WrittenCheckpoint> store_checkpoint(Job& job);

  Deps deps_;
  const std::string scratch_dir_;
  Failed failed_;
  TimedStep step_;  // the present one; of the writer's thread

  mutable std::mutex mutex_;  // guards all below; not held while a job runs
  std::condition_variable wake_;
  std::map<uint64_t, std::deque<Job>> jobs_;  // by epoch
  uint64_t open_epoch_ = 0;                   // jobs of this epoch and earlier ones may run
  std::string doing_;                         // empty: waits
  std::map<size_t, HotKeys> weights_;         // by window ordinal
  std::map<uint64_t, std::deque<TimedStep>> steps_;  // that are over, by epoch
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace tidemark
