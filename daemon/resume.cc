#include "daemon/resume.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/bytes.h"
#include "base/check.h"

namespace tidemark {
namespace {

constexpr Duration kAsk = Duration::seconds(10);

std::string hex(uint64_t n) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(n));
  return text;
}

// Without keyed state a source partition restores alone.
std::string unit_name(const Plan& plan, const TopicPartition& id) {
  if (plan.lane_choice == Lanes::kByKey) return "all";
  if (!plan.windows.empty()) return "lane-" + std::to_string(id.partition);
  const std::string name = "partition-" + std::to_string(id.partition) + "-" + id.topic;
  return name.size() <= CheckpointName::kMaxUnit ? name : "partition-" + std::to_string(id.partition) + "-" + hex(checksum64(id.topic));
}

std::vector<TopicPartitions> count_partitions(const std::vector<TopicPartition>& existing) {
  std::map<std::string, int32_t> counts;
  for (const TopicPartition& p : existing) counts[p.topic] += 1;
  std::vector<TopicPartitions> topics;
  for (const auto& [topic, partitions] : counts) topics.push_back({topic, partitions});
  return topics;
}

// What Kafka says about the owned partitions.
Result<std::vector<PartitionFacts>> observe_partitions(KafkaConsumer& consumer, const std::vector<TopicPartition>& owned) {
  auto committed = consumer.committed(owned, kAsk);
  if (!committed) return std::unexpected(committed.error());
  std::map<TopicPartition, CommittedOffset> by_id;
  for (PartitionOffset& c : *committed) {
    if (c.offset >= 0) by_id[c.where] = {c.offset, std::move(c.metadata)};
  }
  std::vector<PartitionFacts> facts;
  for (const TopicPartition& id : owned) {
    const auto bounds = consumer.log_bounds(id, kAsk);
    if (!bounds) return std::unexpected(bounds.error());
    PartitionFacts& f = facts.emplace_back();
    f.id = id;
    f.log_start = bounds->start;
    f.log_end = bounds->end;
    if (const auto c = by_id.find(id); c != by_id.end()) f.committed = c->second;
  }
  return facts;
}

Result<std::vector<CheckpointFacts>> observe_checkpoints(CheckpointStorage& storage, const std::string& unit,
                                                         const std::vector<PartitionFacts>& partitions, bool accept_loss) {
  auto names = storage.list(unit);
  if (!names) return std::unexpected(names.error());
  std::map<CheckpointName, std::optional<uint64_t>> wanted;  // to load, with the checksum that the commit names
  for (const OffsetMetadata& m : named_checkpoints(partitions)) wanted[m.name] = m.manifest_checksum;
  std::set<CheckpointName> all(names->begin(), names->end());
  for (const auto& [name, checksum] : wanted) all.insert(name);
  std::vector<CheckpointFacts> facts;
  for (const CheckpointName& name : all) {
    CheckpointFacts& f = facts.emplace_back();
    f.name = name;
    const auto want = wanted.find(name);
    if (want == wanted.end() && !accept_loss) continue;
    auto loaded = storage.load(name, want == wanted.end() ? std::nullopt : want->second);
    if (!loaded && loaded.error().problem == LoadProblem::kUnreachable) return external_error(loaded.error().message);
    if (loaded) {
      f.loaded = std::move(*loaded);
    } else {
      f.failure = loaded.error();
    }
  }
  return facts;
}

Result<int64_t> start_offset(const Plan& plan, KafkaConsumer& consumer, const PartitionFacts& facts) {
  const auto& at = plan.source.start.at;
  if (std::holds_alternative<StartLatest>(at)) return facts.log_end;
  if (const auto* t = std::get_if<StartTimestamp>(&at)) return consumer.offset_at(facts.id, t->time, kAsk);
  return facts.log_start;
}

// The merge function of a unit's store: finds the window step that a state key belongs to.
MergeFunction merge_for(std::shared_ptr<const std::map<uint16_t, const WindowPlan*>> steps) {
  return [steps](std::string_view key, std::string& accumulator, std::string_view operand) {
    const auto decoded = decode_state_key(key);
    if (!decoded) return false;
    const auto step = steps->find(decoded->header.step);
    if (step == steps->end()) return false;
    return merge_window_states(*step->second, accumulator, operand);
  };
}

class Resumer {
 public:
  Resumer(const ResumeDeps& deps, const ResumeOptions& options) : deps_(deps), options_(options) {}

  Status resume_unit(RecoveryUnit& unit, const std::vector<PartitionFacts>& all);
  Resumed out;
  bool all_ended = true;

 private:
  Status carry_out(RecoveryUnit& unit, const ResumeDecision& decision, const std::vector<PartitionFacts>& facts,
                   std::vector<CheckpointFacts>& checkpoints);
  Status place(RecoveryUnit& unit, const std::vector<Position>& positions, const std::vector<PartitionFacts>& facts,
               const Manifest* manifest);
  Status open_store(RecoveryUnit& unit, const Manifest* manifest);
  Status check_shape(const Manifest& manifest, Compatible& compatible) const;
  Status make_lanes(RecoveryUnit& unit, bool restored);

  const ResumeDeps& deps_;
  const ResumeOptions& options_;
};

Status Resumer::resume_unit(RecoveryUnit& unit, const std::vector<PartitionFacts>& all) {
  ResumeFacts facts;
  facts.pipeline = deps_.plan.name;
  facts.unit = unit.name;
  facts.reset_state = options_.reset_state;
  facts.accept_loss = options_.accept_loss;
  facts.mode = options_.mode;
  for (uint32_t p : unit.partitions) facts.partitions.push_back(all[p]);
  auto checkpoints = observe_checkpoints(deps_.storage, unit.name, facts.partitions, options_.accept_loss);
  if (!checkpoints) return std::unexpected(checkpoints.error());
  facts.checkpoints = std::move(*checkpoints);
  for (const CheckpointFacts& c : facts.checkpoints) out.last_epoch = std::max(out.last_epoch, c.name.epoch);
  const ResumeDecision decision = decide_resume(facts);
  return carry_out(unit, decision, facts.partitions, facts.checkpoints);
}

Status Resumer::carry_out(RecoveryUnit& unit, const ResumeDecision& decision, const std::vector<PartitionFacts>& facts,
                          std::vector<CheckpointFacts>& checkpoints) {
  if (const auto* refusal = std::get_if<Refusal>(&decision)) return user_error(to_string(*refusal));
  if (std::holds_alternative<AlreadyEnded>(decision)) return {};
  all_ended = false;
  if (const auto* fresh = std::get_if<FreshStart>(&decision)) {
    if (fresh->state_was_reset) deps_.logger.warn("state_reset", {{"unit", unit.name}});
    out.must_commit_start = true;
    return place(unit, fresh->positions, facts, nullptr);
  }
  const auto* gap = std::get_if<RestoreWithGap>(&decision);
  const CheckpointName& name = gap ? gap->name : std::get<Restore>(decision).name;
  if (gap) {
    out.must_commit_start = true;  // where we go on from here is not what the commit says
    for (const std::string& loss : gap->losses) deps_.logger.warn("loss_accepted", {{"unit", unit.name}, {"what", loss}});
  }
  const auto found = std::ranges::find(checkpoints, name, &CheckpointFacts::name);
  CHECK_OR_DIE(found != checkpoints.end() && found->loaded, "only a loaded checkpoint can be chosen");
  unit.committed = std::move(*found->loaded);
  return place(unit, gap ? gap->positions : std::get<Restore>(decision).positions, facts, &unit.committed->manifest);
}

Status Resumer::place(RecoveryUnit& unit, const std::vector<Position>& positions, const std::vector<PartitionFacts>& facts,
                      const Manifest* manifest) {
  for (const Position& position : positions) {
    const auto at = std::ranges::find(facts, position.id, &PartitionFacts::id);
    PartitionStart& start = *std::ranges::find(out.partitions, position.id, &PartitionStart::id);
    switch (position.from) {
      case Position::From::kStartOption: {
        const auto offset = start_offset(deps_.plan, deps_.consumer, *at);
        if (!offset) return std::unexpected(offset.error());
        start.position.next_offset = *offset;
        break;
      }
      case Position::From::kLogStart: start.position.next_offset = at->log_start; break;
      case Position::From::kOffset: start.position.next_offset = position.offset; break;
    }
    if (position.lost > 0) out.lost.emplace_back(position.id, position.lost);
    if (options_.mode != RunMode::kForever) start.end_offset = at->log_end;
    if (!manifest) continue;
    const auto covered = std::ranges::find(manifest->partitions, position.id, &CoveredPartition::id);
    if (covered == manifest->partitions.end()) continue;
    start.position.max_event_time = covered->max_event_time;
    start.idle = covered->idle;
  }
  return open_store(unit, manifest);
}

Status Resumer::check_shape(const Manifest& manifest, Compatible& compatible) const {
  StateShape wanted{deps_.plan.lanes, deps_.plan.partitioned_by, out.topics, deps_.plan.signatures};
  auto verdict = decide_compatibility(deps_.plan.name, shape_of(manifest), wanted);
  if (const auto* refusal = std::get_if<Refusal>(&verdict)) return user_error(to_string(*refusal));
  compatible = std::get<Compatible>(std::move(verdict));
  return {};
}

Status Resumer::open_store(RecoveryUnit& unit, const Manifest* manifest) {
  Compatible compatible;
  if (manifest) {
    if (Status shape = check_shape(*manifest, compatible); !shape) return shape;
  }
  if (deps_.plan.windows.empty()) return {};
  const bool has_files = manifest && !manifest->files.empty();
  if (Status cleared = deps_.files.remove_tree(unit.live_dir); !cleared) return cleared;
  if (has_files) {
    if (Status restored = deps_.storage.restore(*manifest, unit.live_dir); !restored) return restored;
  }
  auto steps = std::make_shared<std::map<uint16_t, const WindowPlan*>>();
  StoreOptions options;
  options.memory = deps_.memory;
  options.merge = merge_for(steps);
  auto store = KeyedStore::open(unit.live_dir, std::move(options));
  if (!store) return std::unexpected(store.error());
  unit.store = std::move(*store);
  for (const std::string& dropped : compatible.dropped_steps) {
    deps_.logger.warn("state_dropped", {{"unit", unit.name}, {"step", dropped}});
    if (Status done = unit.store->drop_step(dropped, static_cast<uint16_t>(deps_.plan.lanes)); !done) return done;
  }
  for (size_t w : deps_.plan.windows) {
    const WindowPlan& window = deps_.plan.steps[w].window()->window;
    const auto id = unit.store->step_id(window.step_name);
    if (!id) return std::unexpected(id.error());
    (*steps)[*id] = &window;
  }
  if (Status started = unit.store->start_compaction(); !started) return started;
  return make_lanes(unit, has_files);
}

Status Resumer::make_lanes(RecoveryUnit& unit, bool restored) {
  for (uint16_t lane : unit.lanes) {
    LaneStart start{lane, &unit, {}};
    for (size_t w : deps_.plan.windows) {
      const WindowPlan& plan = deps_.plan.steps[w].window()->window;
      const auto id = unit.store->step_id(plan.step_name);
      if (!id) return std::unexpected(id.error());
      auto window = make_window_lane(plan, *id, lane, restored ? unit.store->view() : nullptr);
      if (!window) return std::unexpected(window.error());
      start.windows.push_back(std::move(*window));
    }
    out.lanes.push_back(std::move(start));
  }
  return {};
}

}  // namespace

std::vector<std::unique_ptr<RecoveryUnit>> divide_into_units(const Plan& plan, const std::vector<TopicPartition>& owned,
                                                             const std::string& live_dir) {
  std::map<std::string, std::unique_ptr<RecoveryUnit>> units;
  for (uint32_t p = 0; p < owned.size(); ++p) {
    const std::string name = unit_name(plan, owned[p]);
    std::unique_ptr<RecoveryUnit>& unit = units[name];
    if (!unit) {
      unit = std::make_unique<RecoveryUnit>();
      unit->name = name;
      unit->live_dir = live_dir + "/" + name;
      if (!plan.windows.empty() && plan.lane_choice == Lanes::kByPartition) unit->lanes = {static_cast<uint16_t>(owned[p].partition)};
    }
    unit->partitions.push_back(p);
  }
  std::vector<std::unique_ptr<RecoveryUnit>> all;
  for (auto& [name, unit] : units) all.push_back(std::move(unit));
  if (plan.lane_choice == Lanes::kByKey && !all.empty()) {
    for (uint32_t lane = 0; lane < plan.lanes; ++lane) all[0]->lanes.push_back(static_cast<uint16_t>(lane));
  }
  return all;
}

Result<Resumed> resume(const ResumeDeps& deps, const ResumeOptions& options, const std::vector<TopicPartition>& owned,
                       const std::vector<TopicPartition>& existing) {
  Resumer resumer(deps, options);
  Resumed& out = resumer.out;
  out.topics = count_partitions(existing);
  auto facts = observe_partitions(deps.consumer, owned);
  if (!facts) return std::unexpected(facts.error());
  for (const TopicPartition& id : owned) out.partitions.push_back({id, {}, false, std::nullopt});
  out.units = divide_into_units(deps.plan, owned, deps.live_dir);
  for (const auto& unit : out.units) {
    if (Status done = resumer.resume_unit(*unit, *facts); !done) return std::unexpected(done.error());
  }
  out.nothing_to_do = !out.units.empty() && resumer.all_ended;
  return std::move(out);
}

}  // namespace tidemark
