// Every unit is observed and decided before any is carried out. What a checkpoint's files are worth is the storage's to
// verify, what the state in them means the lanes' to read.
#include "daemon/resume.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/bytes.h"
#include "base/check.h"

namespace tidemark {
namespace {

constexpr Duration kAsk = Duration::seconds(10);
constexpr size_t kLeastMemtable = size_t{1} << 20;

std::string hex(uint64_t n) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(n));
  return text;
}

// Without keyed state a source partition restores alone.
std::string unit_name(const Plan& plan, const TopicPartition& id) {
  if (plan.lane_choice == Lanes::kByKey) return "all";
  if (plan.keyed()) return "lane-" + std::to_string(id.partition);
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

// With a lane for each partition number, equal keys of all topics meet in one lane only where the numbers are equal.
Status check_equal_counts(const Plan& plan, const std::vector<TopicPartitions>& topics) {
  if (!plan.partitioned_by || topics.empty()) return {};
  for (const TopicPartitions& one : topics) {
    if (one.partitions == topics[0].partitions) continue;
    return user_error("pipeline " + plan.name + ": `partitioned_by` over several topics needs equal partition counts, since equal "
                      "keys must meet in one lane; " + topics[0].topic + " has " + std::to_string(topics[0].partitions) + ", " +
                      one.topic + " has " + std::to_string(one.partitions));
  }
  return {};
}

// A bounded run ends where the logs ended when it first saw them, whatever comes while it rewinds.
void keep_ends(std::map<TopicPartition, int64_t>& ends, std::vector<PartitionFacts>& facts) {
  for (PartitionFacts& f : facts) {
    const int64_t end = ends.emplace(f.id, f.log_end).first->second;
    f.log_end = std::max(f.log_start, std::min(f.log_end, end));
  }
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

Result<int64_t> start_offset(const PlannedSource& source, KafkaConsumer& consumer, const PartitionFacts& facts) {
  const auto& at = source.start.at;
  if (std::holds_alternative<StartLatest>(at)) return facts.log_end;
  if (const auto* t = std::get_if<StartTimestamp>(&at)) return consumer.offset_at(facts.id, t->time, kAsk);
  return facts.log_start;
}

// Keyed steps by their numbers in a store; those without a window are dedupes.
using KeyedSteps = std::map<uint16_t, const WindowPlan*>;

// The merge function of a unit's store: finds the step that a state key belongs to.
MergeFunction merge_for(std::shared_ptr<const KeyedSteps> steps) {
  return [steps](std::string_view key, std::string& accumulator, std::string_view operand) {
    const auto decoded = decode_state_key(key);
    if (!decoded) return false;
    const auto step = steps->find(decoded->header.step);
    if (step == steps->end()) return false;
    if (step->second == nullptr) return merge_first_seen(accumulator, operand);
    return merge_window_states(*step->second, accumulator, operand);
  };
}

// Whether keys are looked up one by one in the store: by what must know a key's state before it goes on.
bool looks_up_keys(const Plan& plan) {
  const auto looks_up = [&plan](size_t step) {
    const WindowPlan& window = plan.steps[step].window()->window;
    return window.revises() || std::holds_alternative<SessionShape>(window.shape);
  };
  return !plan.dedupes.empty() || std::ranges::any_of(plan.windows, looks_up);
}

class Resumer {
 public:
  Resumer(const ResumeDeps& deps, const ResumeOptions& options, const std::vector<TopicPartition>& existing)
      : deps_(deps), options_(options), existing_(existing) {}

  Status decide_unit(RecoveryUnit& unit, const std::vector<PartitionFacts>& all);
  // Once all units are decided.
  Status carry_out_all();
  Resumed out;

 private:
  struct Decided {
    RecoveryUnit* unit;
    std::vector<PartitionFacts> facts;
    std::vector<CheckpointFacts> checkpoints;
    ResumeDecision decision;
  };
  Status carry_out(Decided& decided);
  Status begin_anew(Decided& decided, FreshStart fresh);
  Status restore(Decided& decided, const std::vector<Position>& positions);
  bool is_over(const Decided& decided) const;
  Result<bool> found_later(const TopicPartition& id);
  Status observe_elsewhere();
  Status place(RecoveryUnit& unit, const std::vector<Position>& positions, const std::vector<PartitionFacts>& facts,
               const Manifest* manifest);
  Status open_store(RecoveryUnit& unit, const Manifest* manifest);
  Status check_shape(const Manifest& manifest, Compatible& compatible) const;
  Status make_lanes(RecoveryUnit& unit, bool restored);

  const ResumeDeps& deps_;
  const ResumeOptions& options_;
  const std::vector<TopicPartition>& existing_;
  std::vector<Decided> decided_;  // by unit
  std::optional<std::vector<Begun>> elsewhere_;  // once it was asked for
};

// The checkpoint that the decision builds on; null: none.
const StoredCheckpoint* ground_of(const ResumeDecision& decision, const std::vector<CheckpointFacts>& checkpoints) {
  const CheckpointName* name = nullptr;
  if (const auto* restore = std::get_if<Restore>(&decision)) name = &restore->name;
  if (const auto* gap = std::get_if<RestoreWithGap>(&decision)) name = &gap->name;
  if (const auto* ended = std::get_if<AlreadyEnded>(&decision)) name = &ended->name;
  if (!name) return nullptr;
  const auto found = std::ranges::find(checkpoints, *name, &CheckpointFacts::name);
  CHECK_OR_DIE(found != checkpoints.end() && found->loaded, "only a loaded checkpoint can be chosen");
  return &*found->loaded;
}

Status Resumer::decide_unit(RecoveryUnit& unit, const std::vector<PartitionFacts>& all) {
  ResumeFacts facts;
  facts.pipeline = deps_.plan.name;
  facts.unit = unit.name;
  facts.reset_state = options_.reset_state;
  facts.accept_loss = options_.accept_loss;
  facts.mode = options_.mode;
  facts.keyed = deps_.plan.keyed();
  for (uint32_t p : unit.partitions) facts.partitions.push_back(all[p]);
  auto checkpoints = observe_checkpoints(deps_.storage, unit.name, facts.partitions, options_.accept_loss);
  if (!checkpoints) return std::unexpected(checkpoints.error());
  facts.checkpoints = std::move(*checkpoints);
  for (const CheckpointFacts& c : facts.checkpoints) out.last_epoch = std::max(out.last_epoch, c.name.epoch);
  ResumeDecision decision = decide_resume(facts);
  if (const auto* refusal = std::get_if<Refusal>(&decision)) return user_error(to_string(*refusal));
  decided_.push_back({&unit, std::move(facts.partitions), std::move(facts.checkpoints), std::move(decision)});
  return {};
}

Status Resumer::carry_out_all() {
  const auto over = [this](const Decided& d) { return is_over(d); };
  out.nothing_to_do = !decided_.empty() && std::ranges::all_of(decided_, over);
  if (out.nothing_to_do) return {};
  const auto has_news = [](const Decided& d) {
    return std::holds_alternative<FreshStart>(d.decision) &&
           std::ranges::any_of(d.facts, [](const PartitionFacts& f) { return f.log_end > f.log_start; });
  };
  if (std::ranges::any_of(decided_, over) && std::ranges::any_of(decided_, has_news)) {
    return user_error("pipeline " + deps_.plan.name + ": it ran with --until-end, and a partition with records has come since. "
                      "Ways out: --reset-state; or give the pipeline another name");
  }
  for (Decided& decided : decided_) {
    if (Status done = carry_out(decided); !done) return done;
  }
  return {};
}

// An ended run that closed everything; one that died while it closed its windows has the others left to close.
bool Resumer::is_over(const Decided& decided) const {
  if (!std::holds_alternative<AlreadyEnded>(decided.decision)) return false;
  const Manifest& manifest = ground_of(decided.decision, decided.checkpoints)->manifest;
  return std::ranges::all_of(manifest.lane_watermarks, [](Time watermark) { return watermark == Time::max(); });
}

// From where our other units go on, and what the group has committed for the partitions of other instances.
Status Resumer::observe_elsewhere() {
  elsewhere_.emplace();
  for (const Decided& decided : decided_) {
    const StoredCheckpoint* ground = ground_of(decided.decision, decided.checkpoints);
    if (ground) elsewhere_->push_back({ground->manifest.name.epoch, ground->manifest.topics});
  }
  std::vector<TopicPartition> others;
  for (const TopicPartition& id : existing_) {
    if (std::ranges::find(out.partitions, id, &PartitionStart::id) == out.partitions.end()) others.push_back(id);
  }
  if (others.empty()) return {};
  const auto committed = deps_.consumer.committed(others, kAsk);
  if (!committed) return std::unexpected(committed.error());
  for (const PartitionOffset& c : *committed) {
    const auto metadata = c.offset < 0 ? std::nullopt : parse_offset_metadata(c.metadata);
    if (metadata) elsewhere_->push_back({metadata->name.epoch, {}});
  }
  return {};
}

Result<bool> Resumer::found_later(const TopicPartition& id) {
  if (options_.reset_state) return false;  // `start` decides anew
  if (std::holds_alternative<StartEarliest>(deps_.plan.sources[deps_.plan.source_of(id.topic)].start.at)) return false;  // the beginning, either way
  if (!elsewhere_) {
    if (Status observed = observe_elsewhere(); !observed) return std::unexpected(observed.error());
  }
  return was_found_later(id, *elsewhere_);
}

Status Resumer::carry_out(Decided& decided) {
  if (const auto* fresh = std::get_if<FreshStart>(&decided.decision)) return begin_anew(decided, *fresh);
  if (const auto* gap = std::get_if<RestoreWithGap>(&decided.decision)) {
    out.must_commit_start = true;  // where we go on from here is not what the commit says
    for (const std::string& loss : gap->losses) {
      deps_.logger.warn("loss_accepted", {{"unit", decided.unit->name}, {"what", loss}});
    }
    return restore(decided, gap->positions);
  }
  if (const auto* plain = std::get_if<Restore>(&decided.decision)) return restore(decided, plain->positions);
  const Manifest& manifest = ground_of(decided.decision, decided.checkpoints)->manifest;
  std::vector<Position> positions;
  for (const PartitionFacts& f : decided.facts) {
    const auto covered = std::ranges::find(manifest.partitions, f.id, &CoveredPartition::id);
    const bool is_new = covered == manifest.partitions.end();
    positions.push_back({f.id, Position::From::kOffset, is_new ? f.log_start : covered->next_offset, 0, is_new});
  }
  return restore(decided, positions);
}

Status Resumer::begin_anew(Decided& decided, FreshStart fresh) {
  if (fresh.state_was_reset) deps_.logger.warn("state_reset", {{"unit", decided.unit->name}});
  out.must_commit_start = true;
  for (Position& position : fresh.positions) {
    const auto later = found_later(position.id);
    if (!later) return std::unexpected(later.error());
    position.found_later = *later;
    if (*later) position.from = Position::From::kLogStart;
  }
  return place(*decided.unit, fresh.positions, decided.facts, nullptr);
}

Status Resumer::restore(Decided& decided, const std::vector<Position>& positions) {
  decided.unit->committed = *ground_of(decided.decision, decided.checkpoints);
  return place(*decided.unit, positions, decided.facts, &decided.unit->committed->manifest);
}

Status Resumer::place(RecoveryUnit& unit, const std::vector<Position>& positions, const std::vector<PartitionFacts>& facts,
                      const Manifest* manifest) {
  for (const Position& position : positions) {
    const auto at = std::ranges::find(facts, position.id, &PartitionFacts::id);
    PartitionStart& start = *std::ranges::find(out.partitions, position.id, &PartitionStart::id);
    switch (position.from) {
      case Position::From::kStartOption: {
        const auto offset = start_offset(deps_.plan.sources[start.source], deps_.consumer, *at);
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
    // With records to read it is not idle: else the others' backlog would move time past its own.
    start.idle = covered->idle && at->log_end <= start.position.next_offset;
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
  for (const std::string& dropped : compatible.dropped_steps) {
    deps_.logger.warn("state_dropped", {{"unit", unit.name}, {"step", dropped}});
  }
  if (!deps_.plan.keyed()) return {};
  const bool has_files = manifest && !manifest->files.empty();
  if (Status cleared = deps_.files.remove_tree(unit.live_dir); !cleared) return cleared;
  if (has_files) {
    if (Status restored = deps_.storage.restore(*manifest, unit.live_dir); !restored) return restored;
  }
  auto steps = std::make_shared<KeyedSteps>();
  StoreOptions options;
  options.memory = deps_.memory;
  // Twice this is where the store makes its writer wait, whatever its other memtables do.
  options.memtable_bytes = std::clamp(deps_.memory->memtable_bytes() / 2, kLeastMemtable, options.memtable_bytes);
  options.merge = merge_for(steps);
  options.point_reads = looks_up_keys(deps_.plan);
  auto store = KeyedStore::open(unit.live_dir, std::move(options));
  if (!store) return std::unexpected(store.error());
  unit.store = std::move(*store);
  for (const std::string& dropped : compatible.dropped_steps) {
    if (Status done = unit.store->drop_step(dropped, unit.lanes); !done) return done;
  }
  for (size_t w : deps_.plan.windows) {
    const WindowPlan& window = deps_.plan.steps[w].window()->window;
    const auto id = unit.store->step_id(window.step_name);
    if (!id) return std::unexpected(id.error());
    (*steps)[*id] = &window;
    unit.windows[*id] = window.ordinal;
  }
  for (size_t d : deps_.plan.dedupes) {
    const auto id = unit.store->step_id(deps_.plan.steps[d].name);
    if (!id) return std::unexpected(id.error());
    (*steps)[*id] = nullptr;
  }
  if (Status started = unit.store->start_compaction(); !started) return started;
  return make_lanes(unit, has_files);
}

Status Resumer::make_lanes(RecoveryUnit& unit, bool restored) {
  for (uint16_t lane : unit.lanes) {
    LaneStart start{lane, &unit, {}, {}};
    const std::shared_ptr<const View> view = restored ? unit.store->view() : nullptr;
    for (size_t d : deps_.plan.dedupes) {
      const DedupePlan& plan = deps_.plan.steps[d].dedupe()->dedupe;
      const auto id = unit.store->step_id(plan.step_name);
      if (!id) return std::unexpected(id.error());
      auto dedupe = make_dedupe_lane(plan, *id, lane, view);
      if (!dedupe) return std::unexpected(dedupe.error());
      start.dedupes.push_back(std::move(*dedupe));
    }
    for (size_t w : deps_.plan.windows) {
      const WindowPlan& plan = deps_.plan.steps[w].window()->window;
      const auto id = unit.store->step_id(plan.step_name);
      if (!id) return std::unexpected(id.error());
      auto window = make_window_lane(plan, *id, lane, view);
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
      if (plan.keyed() && plan.lane_choice == Lanes::kByPartition) unit->lanes = {static_cast<uint16_t>(owned[p].partition)};
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
  Resumer resumer(deps, options, existing);
  Resumed& out = resumer.out;
  out.topics = count_partitions(existing);
  if (Status equal = check_equal_counts(deps.plan, out.topics); !equal) return std::unexpected(equal.error());
  auto facts = observe_partitions(deps.consumer, owned);
  if (!facts) return std::unexpected(facts.error());
  if (options.ends) keep_ends(*options.ends, *facts);
  for (const TopicPartition& id : owned) out.partitions.push_back({id, deps.plan.source_of(id.topic), {}, false, std::nullopt});
  out.units = divide_into_units(deps.plan, owned, deps.live_dir);
  for (const auto& unit : out.units) {
    if (Status decided = resumer.decide_unit(*unit, *facts); !decided) return std::unexpected(decided.error());
  }
  if (Status done = resumer.carry_out_all(); !done) return std::unexpected(done.error());
  return std::move(out);
}

}  // namespace tidemark
