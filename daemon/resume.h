// Resume: from the group's committed offsets and the checkpoints in storage to restored recovery units and positions.
// It observes and carries out; what to do is decided by the pure functions of state/decisions.h.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "base/log.h"
#include "daemon/recovery_unit.h"
#include "daemon/worker_shared.h"
#include "operators/plan/plan.h"
#include "state/decisions.h"

namespace tidemark {

struct ResumeOptions {
  RunMode mode = RunMode::kForever;
  bool reset_state = false;
  bool accept_loss = false;
  // --until-end: where the logs ended when this run first saw them, filled in here; null otherwise.
  std::map<TopicPartition, int64_t>* ends = nullptr;
};

// What an attempt begins with.
struct Resumed {
  std::vector<PartitionStart> partitions;
  std::vector<std::unique_ptr<RecoveryUnit>> units;
  std::vector<LaneStart> lanes;
  std::vector<TopicPartitions> topics;  // partition counts now
  uint64_t last_epoch = 0;              // the highest that any checkpoint in storage bears
  bool must_commit_start = false;       // some unit is new: commit its positions before a record is read
  bool nothing_to_do = false;           // an ended run without news
  std::vector<std::pair<TopicPartition, int64_t>> lost;  // records that were passed over
};

// Everything that a resume touches. All outlive the result.
struct ResumeDeps {
  const Plan& plan;
  KafkaConsumer& consumer;
  CheckpointStorage& storage;
  Files& files;
  std::shared_ptr<const StoreMemory> memory;
  std::string live_dir;  // exists; one folder a unit
  const Logger& logger;
};

// The units that the owned partitions make up, nothing restored yet.
std::vector<std::unique_ptr<RecoveryUnit>> divide_into_units(const Plan& plan, const std::vector<TopicPartition>& owned,
                                                             const std::string& live_dir);

// `existing` are all partitions there are. User errors are refusals, with facts and ways out; external ones may be tried
// again.
Result<Resumed> resume(const ResumeDeps& deps, const ResumeOptions& options, const std::vector<TopicPartition>& owned,
                       const std::vector<TopicPartition>& existing);

}  // namespace tidemark
