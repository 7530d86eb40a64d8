// Where a unit resumes: first which checkpoint is the ground, then what each partition's commit and log say about it.
// Every deviation is a problem; all are collected, so that a refusal shows the whole picture at once.
#include <fmt/core.h>

#include <algorithm>

#include "state/decisions.h"

namespace tidemark {
namespace {

constexpr const char* kNewerProgram = "start the version of Tidemark that wrote it, or a newer one";
constexpr const char* kResetState = "--reset-state drops all state of this pipeline and begins where `start` says";

// What stands between the facts and a plain Restore.
struct Problems {
  std::vector<std::string> reasons;    // each with its facts
  bool acceptable = true;              // --accept-loss may pass over all of them
  std::vector<std::string> accepting;  // what --accept-loss would do
  std::vector<std::string> other_ways;

  void add(std::string reason, std::string accepted) {
    reasons.push_back(std::move(reason));
    accepting.push_back(std::move(accepted));
  }
  void add_final(std::string reason) {
    reasons.push_back(std::move(reason));
    acceptable = false;
  }
};

// The checkpoint to build on; `named` when the commits name it and it is what they say.
struct Ground {
  const StoredCheckpoint* checkpoint = nullptr;
  bool named = false;
};

std::optional<OffsetMetadata> our_metadata(const PartitionFacts& partition) {
  if (!partition.committed) return std::nullopt;
  return parse_offset_metadata(partition.committed->metadata);
}

const CheckpointFacts* find_checkpoint(const ResumeFacts& facts, const CheckpointName& name) {
  for (const CheckpointFacts& one : facts.checkpoints) {
    if (one.name == name) return &one;
  }
  return nullptr;
}

// The newest checkpoint with an epoch of at most `epoch` that is whole, or may be as long as nobody has tried.
const CheckpointFacts* newest_usable(const ResumeFacts& facts, uint64_t epoch) {
  const CheckpointFacts* best = nullptr;
  for (const CheckpointFacts& one : facts.checkpoints) {
    if (one.failure || (facts.accept_loss && !one.loaded) || one.name.epoch > epoch) continue;
    if (best == nullptr || best->name < one.name) best = &one;
  }
  return best;
}

// Adds the problem, with --accept-loss as a way out only where there is something to go on from.
Ground fall_back(const CheckpointFacts* other, std::string reason, std::string_view what, Problems& problems) {
  if (other == nullptr) {
    problems.add_final(reason + "; there is no other whole checkpoint to go on from");
    return {};
  }
  problems.add(std::move(reason),
               fmt::format("--accept-loss goes on from checkpoint {}: {}", to_string(other->name), what));
  return {other->loaded ? &*other->loaded : nullptr, false};
}

// Without a commit of ours: only --accept-loss may build on what lies in storage.
Ground ground_without_name(const ResumeFacts& facts, bool any_commit, Problems& problems) {
  const std::string reason = any_commit ? "the group has committed offsets, but none that Tidemark wrote"
                                        : fmt::format(
                                              "{} checkpoints exist, but the group has no committed offsets "
                                              "(they expire, by default 7 days after the group has stopped)",
                                              facts.checkpoints.size());
  return fall_back(newest_usable(facts, UINT64_MAX), reason, "rows written after it may be missing or come twice",
                   problems);
}

// Commits that only a newer program can read are no foreign ones: nothing here may go on without them.
void name_commits_of_newer_programs(const ResumeFacts& facts, Problems& problems) {
  for (const PartitionFacts& partition : facts.partitions) {
    const auto newer = partition.committed ? newer_offset_metadata_version(partition.committed->metadata) : std::nullopt;
    if (!newer) continue;
    problems.add_final(fmt::format("{}: offset {} was committed by a newer Tidemark, with metadata of format {}",
                                   to_string(partition.id), partition.committed->offset, *newer));
    problems.other_ways = {kNewerProgram};
  }
}

// Partitions of one unit are committed together, so one name is what an undisturbed group shows.
Ground ground_of_many(const ResumeFacts& facts, const std::vector<OffsetMetadata>& named, Problems& problems) {
  const auto oldest =
      std::min_element(named.begin(), named.end(),
                       [](const OffsetMetadata& a, const OffsetMetadata& b) { return a.name.epoch < b.name.epoch; });
  std::string reason = "the committed offsets of one recovery unit name different checkpoints:";
  for (const OffsetMetadata& one : named) reason += " " + to_string(one.name);
  return fall_back(newest_usable(facts, oldest->name.epoch), reason, "rows written after it come twice", problems);
}

Ground ground_of_one(const ResumeFacts& facts, const OffsetMetadata& named, Problems& problems) {
  const CheckpointFacts* checkpoint = find_checkpoint(facts, named.name);
  std::string why = "it was not found";
  if (checkpoint != nullptr && checkpoint->loaded) {
    if (checkpoint->loaded->manifest_checksum == named.manifest_checksum) return {&*checkpoint->loaded, true};
    why = "its manifest is not the one that was committed";
  } else if (checkpoint != nullptr && checkpoint->failure) {
    why = checkpoint->failure->message;
    if (checkpoint->failure->problem == LoadProblem::kUnreachable) {
      problems.add_final(fmt::format("the committed checkpoint {} cannot be read now: {}", to_string(named.name), why));
      problems.other_ways.push_back("see to the storage and start again");
      return {};
    }
    if (checkpoint->failure->problem == LoadProblem::kNewer) {
      problems.add_final(fmt::format("the committed checkpoint was written by a newer Tidemark: {}", why));
      problems.other_ways.push_back(kNewerProgram);
      return {};
    }
  }
  problems.other_ways.push_back("look whether --state-dir or its volume is the right one");
  // Not itself, and never a newer one: that was not committed.
  const uint64_t older = named.name.epoch == 0 ? 0 : named.name.epoch - 1;
  const CheckpointFacts* other = named.name.epoch == 0 ? nullptr : newest_usable(facts, older);
  return fall_back(other,
                   fmt::format("the committed checkpoint {} is missing or damaged: {}", to_string(named.name), why),
                   "it is older, rows written after it come twice", problems);
}

const CoveredPartition* find_covered(const Manifest& manifest, const TopicPartition& id) {
  for (const CoveredPartition& covered : manifest.partitions) {
    if (covered.id == id) return &covered;
  }
  return nullptr;
}

Position at_offset(const PartitionFacts& partition, int64_t offset) {
  return {partition.id, Position::From::kOffset, offset, 0, false};
}

Position at_beginning(const PartitionFacts& partition) {
  return {partition.id, Position::From::kLogStart, partition.log_start, 0, true};
}

// A position outside the log has no records to read: the gap is named and counted.
void keep_inside_log(const PartitionFacts& partition, Position& position, Problems& problems) {
  const std::string id = to_string(partition.id);
  const int64_t wanted = position.offset;
  if (wanted < partition.log_start) {
    position.lost += partition.log_start - wanted;
    position.offset = partition.log_start;
    problems.add(
        fmt::format("{}: offset {} is to be read next, but the log begins at {}", id, wanted, partition.log_start),
        fmt::format("--accept-loss goes on at {}: {} records of {} are lost", partition.log_start,
                    partition.log_start - wanted, id));
  } else if (wanted > partition.log_end) {
    position.lost += wanted - partition.log_end;
    position.offset = partition.log_end;
    problems.add(fmt::format("{}: offset {} is to be read next, but the log ends at {} (was the topic made anew?)", id,
                             wanted, partition.log_end),
                 fmt::format("--accept-loss goes on at {}, what lies before it in the log of {} is not read "
                             "({} offsets are counted as lost)",
                             partition.log_end, id, wanted - partition.log_end));
  }
}

// The commit of a partition that the named checkpoint does not cover: nobody knows what was read of it.
Position position_of_uncovered(const PartitionFacts& partition, bool ours, Problems& problems) {
  const std::string id = to_string(partition.id);
  const int64_t offset = partition.committed->offset;
  Position position = at_offset(partition, offset);
  position.lost = std::max<int64_t>(0, std::min(offset, partition.log_end) - partition.log_start);
  problems.add(
      fmt::format("{}: offset {} is committed {}, and the checkpoint does not cover this partition", id, offset,
                  ours ? "by Tidemark" : "without Tidemark's metadata"),
      fmt::format("--accept-loss goes on at {}: up to {} records of {} are passed over", offset, position.lost, id));
  return position;
}

// A commit that does not agree with the checkpoint it should belong to.
Position position_of_disagreement(const PartitionFacts& partition, const CoveredPartition& covered, bool ours,
                                  Problems& problems) {
  const std::string id = to_string(partition.id);
  const int64_t committed = partition.committed->offset;
  const int64_t next = covered.next_offset;
  const std::string_view how = ours ? "is committed by Tidemark"
                                    : "is committed without Tidemark's metadata (by other tools?)";
  const std::string what = fmt::format("{}: offset {} {}, the checkpoint goes on at {}", id, committed, how, next);
  if (committed < next) {
    problems.add_final(what + "; records in between are in the state already and would count twice");
    problems.other_ways.push_back(
        fmt::format("set the group's offset of {} back to {} and use --accept-loss", id, next));
    return at_offset(partition, next);
  }
  Position position = at_offset(partition, committed);
  position.lost = committed - next;
  problems.add(what, committed == next ? fmt::format("--accept-loss goes on at {}, nothing is lost", next)
                                       : fmt::format("--accept-loss goes on at {}: {} records of {} are lost",
                                                     committed, position.lost, id));
  return position;
}

Position position_of(const PartitionFacts& partition, const Ground& ground, Problems& problems) {
  const CoveredPartition* covered = find_covered(ground.checkpoint->manifest, partition.id);
  const std::optional<OffsetMetadata> ours = our_metadata(partition);
  if (covered == nullptr) {
    if (!partition.committed || !ground.named) return at_beginning(partition);
    Position position = position_of_uncovered(partition, ours.has_value(), problems);
    keep_inside_log(partition, position, problems);
    return position;
  }
  Position position = at_offset(partition, covered->next_offset);
  if (ground.named && !partition.committed) {
    problems.add(fmt::format("{}: no offset is committed, although the checkpoint covers this partition",
                             to_string(partition.id)),
                 fmt::format("--accept-loss goes on where the checkpoint says, at {}", covered->next_offset));
  } else if (ground.named && (!ours || partition.committed->offset != covered->next_offset)) {
    position = position_of_disagreement(partition, *covered, ours.has_value(), problems);
  }
  keep_inside_log(partition, position, problems);
  return position;
}

void name_partitions_that_went(const ResumeFacts& facts, const Manifest& manifest, Problems& problems) {
  for (const CoveredPartition& covered : manifest.partitions) {
    const bool there = std::any_of(facts.partitions.begin(), facts.partitions.end(),
                                   [&](const PartitionFacts& p) { return p.id == covered.id; });
    if (there) continue;
    problems.add(
        fmt::format("{}: the checkpoint covers this partition, but it is no longer there", to_string(covered.id)),
        fmt::format("--accept-loss goes on without {}", to_string(covered.id)));
  }
}

bool anything_new(const ResumeFacts& facts, const Manifest& manifest) {
  return std::any_of(facts.partitions.begin(), facts.partitions.end(), [&](const PartitionFacts& partition) {
    const CoveredPartition* covered = find_covered(manifest, partition.id);
    return covered == nullptr ? partition.log_end > partition.log_start : partition.log_end > covered->next_offset;
  });
}

ResumeDecision decide_ended(const ResumeFacts& facts, const Manifest& manifest) {
  const bool news = anything_new(facts, manifest);
  if (facts.mode != RunMode::kForever && !news) return AlreadyEnded{manifest.name};
  Refusal refusal{fmt::format("pipeline {}: it ran with --until-end and closed every window", facts.pipeline), {}, {}};
  refusal.facts.push_back(news ? "records have come since, whose windows may have been closed"
                               : "nothing new has come since");
  refusal.ways_out = {kResetState, "give the pipeline another name",
                      "use --until-end=keep-open for runs that are to be continued"};
  return refusal;
}

Refusal refuse(const ResumeFacts& facts, Problems problems) {
  Refusal refusal{
      fmt::format("pipeline {}, unit {}: it cannot resume without loss or repetition", facts.pipeline, facts.unit),
      std::move(problems.reasons), std::move(problems.other_ways)};
  if (problems.acceptable) {
    refusal.ways_out.insert(refusal.ways_out.end(), problems.accepting.begin(), problems.accepting.end());
  }
  refusal.ways_out.push_back(kResetState);
  return refusal;
}

// Keyed state lies in lanes, by key or by partition as `partitioned_by` says: one is never read as the other.
Refusal refuse_other_unit(const ResumeFacts& facts, const Manifest& manifest) {
  return {fmt::format("pipeline {}, unit {}: the committed state was kept in unit {}: `partitioned_by` "
                      "was added or taken away, and keys lie in other lanes now",
                      facts.pipeline, facts.unit, manifest.name.unit),
          {to_string(manifest.name)},
          {"put `partitioned_by` back as it was", kResetState, "give the pipeline another name"}};
}

FreshStart fresh_start(const ResumeFacts& facts, bool state_was_reset) {
  FreshStart fresh{state_was_reset, {}};
  for (const PartitionFacts& partition : facts.partitions) {
    fresh.positions.push_back({partition.id, Position::From::kStartOption, 0, 0, false});
  }
  return fresh;
}

}  // namespace

bool was_found_later(const TopicPartition& id, const std::vector<Begun>& elsewhere) {
  return std::ranges::any_of(elsewhere, [&](const Begun& begun) {
    if (begun.epoch != CheckpointName::kStartEpoch) return true;
    if (begun.topics.empty()) return false;
    const auto known = std::ranges::find(begun.topics, id.topic, &TopicPartitions::topic);
    return known == begun.topics.end() || known->partitions <= id.partition;
  });
}

std::vector<OffsetMetadata> named_checkpoints(const std::vector<PartitionFacts>& partitions) {
  std::vector<OffsetMetadata> named;
  for (const PartitionFacts& partition : partitions) {
    auto ours = our_metadata(partition);
    if (ours && std::find(named.begin(), named.end(), *ours) == named.end()) named.push_back(std::move(*ours));
  }
  return named;
}

ResumeDecision decide_resume(const ResumeFacts& facts) {
  const bool any_commit = std::any_of(facts.partitions.begin(), facts.partitions.end(),
                                      [](const PartitionFacts& p) { return p.committed.has_value(); });
  // A start checkpoint without a commit is what a crash before the very first commit leaves: nothing was read.
  const bool any_state = std::any_of(facts.checkpoints.begin(), facts.checkpoints.end(), [](const CheckpointFacts& c) {
    return c.name.epoch != CheckpointName::kStartEpoch;
  });
  if (facts.reset_state) return fresh_start(facts, any_commit || any_state);
  if (!any_commit && !any_state) return fresh_start(facts, false);

  Problems problems;
  name_commits_of_newer_programs(facts, problems);
  if (!problems.reasons.empty()) return refuse(facts, std::move(problems));
  const std::vector<OffsetMetadata> named = named_checkpoints(facts.partitions);
  const Ground ground = named.empty()       ? ground_without_name(facts, any_commit, problems)
                        : named.size() == 1 ? ground_of_one(facts, named[0], problems)
                                            : ground_of_many(facts, named, problems);
  if (ground.checkpoint == nullptr) return refuse(facts, std::move(problems));
  const Manifest& manifest = ground.checkpoint->manifest;
  if (facts.keyed && !manifest.steps.empty() && manifest.name.unit != facts.unit) return refuse_other_unit(facts, manifest);
  if (ground.named && (manifest.ended || named[0].ended)) return decide_ended(facts, manifest);

  std::vector<Position> positions;
  for (const PartitionFacts& partition : facts.partitions)
    positions.push_back(position_of(partition, ground, problems));
  name_partitions_that_went(facts, manifest, problems);
  if (problems.reasons.empty()) return Restore{manifest.name, std::move(positions)};
  if (!facts.accept_loss || !problems.acceptable) return refuse(facts, std::move(problems));
  RestoreWithGap restore{manifest.name, std::move(positions), {}};
  for (size_t i = 0; i < problems.reasons.size(); ++i) {
    restore.losses.push_back(problems.reasons[i] + "; " + problems.accepting[i]);
  }
  return restore;
}

}  // namespace tidemark
