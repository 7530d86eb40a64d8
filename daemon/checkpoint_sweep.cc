// The group's commits are asked for anew before anything is deleted; where they cannot be read, nothing is. A deletion
// that fails holds nothing up: a later sweep finds what is left.
#include "daemon/checkpoint_sweep.h"

#include "daemon/transaction_timeout.h"
#include "state/decisions.h"

namespace tidemark {
namespace {

constexpr Duration kAsk = Duration::seconds(10);

}  // namespace

// What the group's commits name now, over all that we own; nothing when they could not be read.
std::optional<std::set<CheckpointName>> CheckpointSweep::names_in_commits() {
  deps_.silence.asked(deps_.clock.elapsed());
  const auto committed = deps_.consumer.committed(deps_.owned, kAsk);
  if (!committed) return std::nullopt;
  deps_.silence.answered();
  std::set<CheckpointName> names;
  for (const PartitionOffset& offset : *committed) {
    if (const auto metadata = parse_offset_metadata(offset.metadata)) names.insert(metadata->name);
  }
  return names;
}

void CheckpointSweep::delete_replaced(const std::vector<std::pair<RecoveryUnit*, CheckpointName>>& replaced,
                                      RateLimited& warnings) {
  if (replaced.empty()) return;
  const auto named = names_in_commits();
  for (const auto& [unit, name] : replaced) {
    if (!may_delete(name, {unit->committed->manifest.name, true, named})) continue;
    deps_.crash_points.reached("delete_before");
    if (Status removed = deps_.storage.remove(name); !removed) {
      warnings.warn("checkpoint_not_deleted", {{"name", to_string(name)}, {"error", removed.error().message}});
    }
    deps_.crash_points.reached("delete_after");
  }
}

void CheckpointSweep::sweep_leftovers(const std::vector<std::unique_ptr<RecoveryUnit>>& units) {
  const auto named = names_in_commits();
  if (!named) return;
  for (const auto& unit : units) {
    if (!unit->committed) continue;
    LeftoverFacts facts;
    facts.now = deps_.clock.now();
    facts.longest_transaction_timeout = kLongestTransaction;
    facts.owns_all_covered = true;
    facts.has_committed = true;
    if (const auto leftovers = deps_.storage.leftovers(unit->name)) {
      for (const Leftover& leftover : *leftovers) {
        facts.modified = leftover.modified;
        if (may_sweep(facts)) (void)deps_.storage.remove_leftover(leftover);
      }
    }
    if (const auto names = deps_.storage.list(unit->name)) {
      for (const CheckpointName& name : *names) {
        if (may_delete(name, {unit->committed->manifest.name, true, named})) (void)deps_.storage.remove(name);
      }
    }
  }
}

}  // namespace tidemark
