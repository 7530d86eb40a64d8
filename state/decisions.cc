// A fact that nobody could observe speaks against deleting. State is compared step by step, by the steps' names, and
// each refusal lists all changes and the ways out.
#include "state/decisions.h"

#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>

namespace tidemark {
namespace {

// Read after our own commit, so that no partition may still need an older one.
bool unneeded(const CheckpointName& candidate, const DeletionFacts& facts) {
  if (!facts.owns_all_covered || !facts.own_newest_committed || !facts.named_by_commits) return false;
  return candidate != *facts.own_newest_committed && !facts.named_by_commits->contains(candidate);
}

std::string describe(const std::vector<SignatureField>& key) {
  std::vector<std::string> fields;
  for (const SignatureField& field : key) fields.push_back(field.name + " " + field.type);
  return fmt::format("[{}]", fmt::join(fields, ", "));
}

template <class T>
const T* find_by(const std::vector<T>& list, std::string T::*name, const std::string& wanted) {
  const auto found = std::find_if(list.begin(), list.end(), [&](const T& one) { return one.*name == wanted; });
  return found == list.end() ? nullptr : &*found;
}

// Calls are named by their text.
std::string place_of(const SignatureAggregate& call) { return call.text == call.name ? "kept by itself" : call.text; }

void compare_aggregates(const StepSignature& kept, const StepSignature& wanted, std::vector<std::string>& changes) {
  const auto say = [&](std::string what) { changes.push_back(fmt::format("step {}: {}", kept.step, what)); };
  const size_t before = changes.size();
  for (const SignatureAggregate& old : kept.aggregates) {
    const SignatureAggregate* now = find_by(wanted.aggregates, &SignatureAggregate::name, old.name);
    if (now == nullptr) {
      say(fmt::format("aggregate {} ({}) is gone", old.name, old.text));
    } else if (now->type == old.type && now->text != old.text) {
      say(fmt::format("aggregate {} was {}, is now {}", old.name, place_of(old), place_of(*now)));
    } else if (*now != old) {
      say(fmt::format("aggregate {} was {} ({}), is now {} ({})", old.name, old.text, old.type, now->text, now->type));
    }
  }
  for (const SignatureAggregate& now : wanted.aggregates) {
    if (find_by(kept.aggregates, &SignatureAggregate::name, now.name) == nullptr) {
      say(fmt::format("aggregate {} ({}) is new", now.name, now.text));
    }
  }
  if (changes.size() == before && kept.aggregates != wanted.aggregates) say("the aggregates stand in another order");
}

void compare_steps(const StepSignature& kept, const StepSignature& wanted, std::vector<std::string>& changes) {
  const auto say = [&](std::string_view what, std::string_view was, std::string_view is) {
    if (was != is) changes.push_back(fmt::format("step {}: the {} was {}, is now {}", kept.step, what, was, is));
  };
  say("kind", kept.kind, wanted.kind);
  say("key", describe(kept.key), describe(wanted.key));
  say("window", kept.window, wanted.window);
  compare_aggregates(kept, wanted, changes);
}

void compare_lanes(const StateShape& kept, const StateShape& wanted, std::vector<std::string>& changes) {
  if (wanted.partitioned_by || kept.lanes == wanted.lanes) return;  // then each partition has a lane of its own
  changes.push_back(fmt::format("the state is cut into {} lanes, the plan wants {}", kept.lanes, wanted.lanes));
}

void compare_partitions(const StateShape& kept, const StateShape& wanted, std::vector<std::string>& changes) {
  if (!wanted.partitioned_by) return;
  for (const TopicPartitions& now : wanted.topics) {
    const TopicPartitions* was = find_by(kept.topics, &TopicPartitions::topic, now.topic);
    if (was == nullptr || was->partitions == now.partitions) continue;
    changes.push_back(fmt::format("topic {} had {} partitions, has {} now, and partitioned_by relies on their number",
                                  now.topic, was->partitions, now.partitions));
  }
}

}  // namespace

std::string to_string(const Refusal& refusal) {
  std::string text = refusal.reason;
  if (!refusal.facts.empty()) text += fmt::format(": {}", fmt::join(refusal.facts, "; "));
  return text + fmt::format(". Ways out: {}", fmt::join(refusal.ways_out, "; or "));
}

bool may_delete(const CheckpointName& candidate, const DeletionFacts& facts) {
  return unneeded(candidate, facts) && candidate.unit == facts.own_newest_committed->unit &&
         candidate.epoch < facts.own_newest_committed->epoch;
}

bool may_sweep(const LeftoverFacts& facts) {
  return facts.owns_all_covered && facts.has_committed &&
         facts.now - facts.modified > facts.longest_transaction_timeout;
}

bool may_snapshot(const EpochProgress& progress) {
  return !progress.snapshots_asked && progress.lanes_frozen == progress.lanes &&
         progress.partitions_noted == progress.partitions;
}

bool may_commit(const EpochProgress& progress) {
  return progress.snapshots_asked && progress.units_durable == progress.units &&
         progress.feeders_flushed == progress.feeders;
}

bool has_failed(const EpochProgress& progress) {
  return progress.units_failed > 0 && progress.units_durable + progress.units_failed == progress.units;
}

EpochPhase phase_of(const EpochProgress& progress) {
  if (!progress.snapshots_asked) return EpochPhase::kBarrier;
  if (progress.units_durable < progress.units) return EpochPhase::kCheckpoint;
  return progress.feeders_flushed < progress.feeders ? EpochPhase::kSinks : EpochPhase::kCommit;
}

StateShape shape_of(const Manifest& manifest) { return {manifest.lanes, false, manifest.topics, manifest.steps}; }

std::variant<Compatible, Refusal> decide_compatibility(std::string_view pipeline, const StateShape& kept,
                                                       const StateShape& wanted) {
  Compatible compatible;
  std::vector<std::string> step_changes;
  for (const StepSignature& step : kept.steps) {
    const StepSignature* now = find_by(wanted.steps, &StepSignature::step, step.step);
    if (now == nullptr) {
      compatible.dropped_steps.push_back(step.step);
    } else {
      compare_steps(step, *now, step_changes);
    }
  }
  for (const StepSignature& step : wanted.steps) {
    if (find_by(kept.steps, &StepSignature::step, step.step) == nullptr) compatible.new_steps.push_back(step.step);
  }
  std::vector<std::string> changes;
  bool topics_changed = false;  // Kafka takes no partitions back
  if (!kept.steps.empty()) {
    compare_lanes(kept, wanted, changes);
    const size_t before = changes.size();
    compare_partitions(kept, wanted, changes);
    topics_changed = changes.size() > before;
  }
  const bool by_a_new_name = changes.empty();
  changes.insert(changes.end(), step_changes.begin(), step_changes.end());
  if (changes.empty()) return compatible;
  Refusal refusal{fmt::format("pipeline {}: the state that was kept does not fit the plan", pipeline), changes, {}};
  if (!topics_changed) refusal.ways_out.push_back("put back what was changed");
  if (by_a_new_name)
    refusal.ways_out.push_back("give the changed step a new name: its old state is dropped, it begins empty");
  refusal.ways_out.push_back(
      "run once with --reset-state: all state of the pipeline is dropped and `start` decides where to read from");
  return refusal;
}

}  // namespace tidemark
