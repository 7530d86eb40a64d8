// CheckpointSweep: deletes what no commit needs any more: checkpoints that a newer one replaced, and leftovers of crashes.
// What may go is decided by the pure functions of state/decisions.h; when to look is its owner's business.
#pragma once

#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/crash_point.h"
#include "daemon/recovery_unit.h"
#include "daemon/stop_signal.h"
#include "operators/sources/kafka_consumer.h"
#include "state/checkpoint_storage.h"

namespace tidemark {

// Coordinator thread only.
class CheckpointSweep {
 public:
  // All outlive it. `owned`: every partition that the units cover.
  struct Deps {
    CheckpointStorage& storage;
    KafkaConsumer& consumer;
    KafkaSilence& silence;
    const Clock& clock;
    const CrashPoints& crash_points;
    std::vector<TopicPartition> owned;
  };
  explicit CheckpointSweep(Deps deps) : deps_(std::move(deps)) {}

  // Only right after a commit, which the group accepted from this member: it owns what the checkpoints cover.
  void delete_replaced(const std::vector<std::pair<RecoveryUnit*, CheckpointName>>& replaced, RateLimited& warnings);
  // What no commit names: left by a crash between manifest and commit, or by a failed deletion.
  void sweep_leftovers(const std::vector<std::unique_ptr<RecoveryUnit>>& units);

 private:
  std::optional<std::set<CheckpointName>> names_in_commits();

  Deps deps_;
};

}  // namespace tidemark
