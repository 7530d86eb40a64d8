// The decisions of checkpoint and commit as pure functions over observed facts: where to resume, what may be deleted,
// when an epoch may be committed, whether kept state fits the plan. They do no I/O; whoever calls them observed the
// facts and carries the decision out. The messages for people are made here.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/time.h"
#include "state/checkpoint_storage.h"
#include "state/manifest.h"

namespace tidemark {

// Why we do not go on, with what was seen and what a person can do; never empty.
struct Refusal {
  std::string reason;
  std::vector<std::string> facts;
  std::vector<std::string> ways_out;
};
// One message: the reason, the facts, the ways out.
std::string to_string(const Refusal& refusal);

// --- Resume
// -----------------------------------------------------------------------------------------------------------

// One committed offset as the group coordinator told it.
struct CommittedOffset {
  int64_t offset = 0;
  std::string metadata;  // as it was read; ours or not
};
// One source partition of the unit as it is now.
struct PartitionFacts {
  TopicPartition id;
  std::optional<CommittedOffset> committed;  // nothing = no commit
  int64_t log_start = 0;
  int64_t log_end = 0;  // the high watermark
};
// One checkpoint of the unit in storage. Those that a commit names must have been loaded; others are loaded when
// `accept_loss` is set, and are otherwise listed only. A load that was kUnreachable is tried again before deciding;
// asked nevertheless, the decision is a refusal.
struct CheckpointFacts {
  CheckpointName name;
  std::optional<StoredCheckpoint> loaded;
  std::optional<LoadFailure> failure;  // neither = not tried
};
enum class RunMode { kForever, kUntilEnd, kUntilEndKeepOpen };
struct ResumeFacts {
  std::string pipeline;
  std::string unit;
  std::vector<PartitionFacts> partitions;    // all that the unit owns now
  std::vector<CheckpointFacts> checkpoints;  // in storage, and every one that a commit names, found or not
  bool reset_state = false;
  bool accept_loss = false;
  bool keyed = false;  // the plan has keyed state
  RunMode mode = RunMode::kForever;
};

// Where a partition is to be read from.
struct Position {
  enum class From {
    kStartOption,  // where the pipeline's `start` says
    kLogStart,     // found later: its beginning
    kOffset,
  };
  TopicPartition id;
  From from = From::kStartOption;
  int64_t offset = 0;  // with kOffset, and with kLogStart the log's start as observed
  int64_t lost = 0;    // records that were never read and are passed over: for tidemark_records_lost_total
  bool found_later = false;
};
// No state: begin where `start` says, and commit that with an empty checkpoint before a record is read.
struct FreshStart {
  bool state_was_reset = false;  // --reset-state dropped what was there: a line in the log
  std::vector<Position> positions;
};
// Restore this checkpoint and read on from these positions.
struct Restore {
  CheckpointName name;
  std::vector<Position> positions;
};
// As Restore, but only because --accept-loss said so: log every line of `losses` and count what is lost.
struct RestoreWithGap {
  CheckpointName name;
  std::vector<Position> positions;
  std::vector<std::string> losses;
};
// An ended run, asked to run until the end again, with nothing new: exit 0.
struct AlreadyEnded {
  CheckpointName name;
};
using ResumeDecision = std::variant<FreshStart, Restore, RestoreWithGap, AlreadyEnded, Refusal>;

ResumeDecision decide_resume(const ResumeFacts& facts);

// The checkpoints whose load() decide_resume needs, from the commits alone: named by a partition, each once.
std::vector<OffsetMetadata> named_checkpoints(const std::vector<PartitionFacts>& partitions);

// Something that the pipeline goes on from elsewhere: a checkpoint of a unit of ours, or what the group has committed for
// a partition that another instance may own.
struct Begun {
  uint64_t epoch = 0;
  std::vector<TopicPartitions> topics;  // as it knew them; empty where that cannot be seen from here
};
// Whether a partition without a commit came after the pipeline's very first start: it is then read from its beginning,
// whatever `start` says, for nobody has read what came before us. Past its first epoch a pipeline has begun everywhere.
bool was_found_later(const TopicPartition& id, const std::vector<Begun>& elsewhere);

// --- Deletion
// ---------------------------------------------------------------------------------------------------------

struct DeletionFacts {
  // By our own newest successful commit in this run; nothing = none yet.
  std::optional<CheckpointName> own_newest_committed;
  // Do we own, in the group's present generation, every partition that the candidate covers?
  bool owns_all_covered = false;
  // What the committed metadata of every covered partition names, read after our commit; nothing = could not be read.
  std::optional<std::set<CheckpointName>> named_by_commits;
};
// A whole checkpoint that a newer commit has replaced.
bool may_delete(const CheckpointName& candidate, const DeletionFacts& facts);

struct LeftoverFacts {
  Time modified;
  Time now;
  Duration longest_transaction_timeout;  // of any instance that may have written it
  bool owns_all_covered = false;         // as in DeletionFacts, of the unit in whose folder it lies
  bool has_committed = false;            // we, in this run
};
// What has no manifest, so that no commit can name it: it goes once every transaction whose checkpoint it may be a part
// of has timed out.
bool may_sweep(const LeftoverFacts& facts);

// --- Completeness
// -----------------------------------------------------------------------------------------------------

// How far one epoch has come. All that its commit stands for is in these figures.
struct EpochProgress {
  uint32_t lanes = 0;
  uint32_t lanes_frozen = 0;  // what they hold is with the state writer, which applies it ahead of any later snapshot
  uint32_t partitions = 0;
  uint32_t partitions_noted = 0;  // next offsets known at the barrier
  uint32_t feeders = 0;           // tasks that feed sinks
  uint32_t feeders_flushed = 0;   // past the barrier on every input, all their rows handed over
  bool snapshots_asked = false;
  uint32_t units = 0;          // whose state changed: each needs a checkpoint
  uint32_t units_durable = 0;  // snapshot and manifest
  uint32_t units_failed = 0;
};
// All state and all positions of the epoch are known: ask for the snapshots and manifests, once.
bool may_snapshot(const EpochProgress& progress);
// Everything that the commit stands for is durable or with the producers: send offsets and commit.
bool may_commit(const EpochProgress& progress);
// Nothing is under way any more and something failed: this epoch is not committed, the next one takes its rows.
bool has_failed(const EpochProgress& progress);

// What an epoch waits for, in the order of the protocol.
enum class EpochPhase : uint8_t { kBarrier, kCheckpoint, kSinks, kCommit };
EpochPhase phase_of(const EpochProgress& progress);

// --- Compatibility
// ----------------------------------------------------------------------------------------------------

// The shape of state: as the manifest holds it, or as the plan wants it.
struct StateShape {
  uint32_t lanes = 0;
  bool partitioned_by = false;  // the plan's promise; of no meaning in the old shape
  std::vector<TopicPartitions> topics;
  std::vector<StepSignature> steps;
};
StateShape shape_of(const Manifest& manifest);

struct Compatible {
  std::vector<std::string> dropped_steps;  // have state but no step any more: drop it, name it in a log line
  std::vector<std::string> new_steps;      // begin empty
};
std::variant<Compatible, Refusal> decide_compatibility(std::string_view pipeline, const StateShape& kept,
                                                       const StateShape& wanted);

}  // namespace tidemark
