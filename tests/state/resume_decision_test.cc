// Where a unit resumes: the cases one by one, then every combination of small facts against the rules.
#include <algorithm>

#include "state/decisions.h"
#include "tests/catch.h"

namespace tidemark {
namespace {

constexpr uint64_t kChecksum = 77;

CheckpointName named(uint64_t epoch) { return {"all", epoch, std::string(32, static_cast<char>('0' + epoch % 10))}; }
std::string metadata(uint64_t epoch, bool ended = false) {
  return encode_offset_metadata({named(epoch), kChecksum, ended});
}
TopicPartition partition(int32_t n) { return {"t", n}; }

// Covers t[0] next 100 and t[1] next 200, ten less per epoch before 5.
CheckpointFacts whole(uint64_t epoch, bool ended = false) {
  StoredCheckpoint stored;
  stored.manifest_checksum = kChecksum;
  stored.manifest.name = named(epoch);
  stored.manifest.ended = ended;
  const int64_t back = 10 * (5 - static_cast<int64_t>(epoch));
  stored.manifest.partitions = {{partition(0), 100 - back}, {partition(1), 200 - back}};
  return {named(epoch), stored, std::nullopt};
}
CheckpointFacts broken(uint64_t epoch, LoadProblem problem) {
  return {named(epoch), std::nullopt, LoadFailure{problem, "a file is gone"}};
}

// An undisturbed group that committed checkpoint 5.
ResumeFacts undisturbed() {
  ResumeFacts facts;
  facts.pipeline = "p";
  facts.unit = "all";
  facts.partitions = {{partition(0), CommittedOffset{100, metadata(5)}, 0, 1'000},
                      {partition(1), CommittedOffset{200, metadata(5)}, 0, 1'000}};
  facts.checkpoints = {whole(4), whole(5)};
  return facts;
}

template <class T>
T decide(const ResumeFacts& facts) {
  const ResumeDecision decision = decide_resume(facts);
  if (const auto* refusal = std::get_if<Refusal>(&decision)) INFO(to_string(*refusal));
  REQUIRE(std::holds_alternative<T>(decision));
  return std::get<T>(decision);
}
std::string refused(const ResumeFacts& facts) { return to_string(decide<Refusal>(facts)); }

TEST_CASE("a partition without a commit came later when the pipeline is past its start anywhere, or knew of fewer partitions") {
  const Begun first_start{CheckpointName::kStartEpoch, {}};
  const Begun knew_both{CheckpointName::kStartEpoch, {{"t", 2}}};
  const Begun knew_one{CheckpointName::kStartEpoch, {{"t", 1}}};
  const Begun knew_another{CheckpointName::kStartEpoch, {{"s", 9}}};
  const Begun past{1, {}};
  const Begun past_and_knew{7, {{"t", 2}}};
  const std::vector<std::pair<Begun, bool>> kinds = {{first_start, false}, {knew_both, false}, {knew_one, true},
                                                     {knew_another, true}, {past, true},       {past_and_knew, true}};
  for (unsigned some = 0; some < 1u << kinds.size(); ++some) {
    std::vector<Begun> elsewhere;
    bool later = false;
    for (size_t i = 0; i < kinds.size(); ++i) {
      if (!(some >> i & 1)) continue;
      elsewhere.push_back(kinds[i].first);
      later |= kinds[i].second;
    }
    CHECK(was_found_later(partition(1), elsewhere) == later);
  }
  CHECK_FALSE(was_found_later(partition(0), {knew_one}));
}

TEST_CASE("an undisturbed group goes on exactly") {
  const auto restore = decide<Restore>(undisturbed());
  CHECK(restore.name == named(5));
  REQUIRE(restore.positions.size() == 2);
  CHECK(restore.positions[0].offset == 100);
  CHECK(restore.positions[1].offset == 200);
  CHECK(restore.positions[1].from == Position::From::kOffset);
}

TEST_CASE("checkpoints that no commit names are of no account, newer ones neither") {
  ResumeFacts facts = undisturbed();
  facts.checkpoints.push_back(whole(6));
  facts.checkpoints.push_back(broken(7, LoadProblem::kDamaged));
  CHECK(decide<Restore>(facts).name == named(5));
}

TEST_CASE("nothing committed and no state: the very first start") {
  ResumeFacts facts = undisturbed();
  for (PartitionFacts& one : facts.partitions) one.committed.reset();
  facts.checkpoints.clear();
  const auto fresh = decide<FreshStart>(facts);
  CHECK_FALSE(fresh.state_was_reset);
  REQUIRE(fresh.positions.size() == 2);
  CHECK(fresh.positions[0].from == Position::From::kStartOption);
  facts.checkpoints = {whole(CheckpointName::kStartEpoch)};  // a crash before the very first commit
  CHECK_FALSE(decide<FreshStart>(facts).state_was_reset);
}

TEST_CASE("--reset-state begins anew whatever there is") {
  ResumeFacts facts = undisturbed();
  facts.reset_state = true;
  CHECK(decide<FreshStart>(facts).state_was_reset);
  facts.partitions[0].committed->metadata = "foreign";
  facts.checkpoints = {broken(5, LoadProblem::kDamaged)};
  CHECK(decide<FreshStart>(facts).state_was_reset);
}

TEST_CASE("no commit although checkpoints exist") {
  ResumeFacts facts = undisturbed();
  for (PartitionFacts& one : facts.partitions) one.committed.reset();
  facts.checkpoints[1].loaded.reset();  // listed only
  CHECK_THAT(refused(facts),
             Contains("no committed offsets") && Contains("--reset-state") && Contains("--accept-loss"));
  facts.accept_loss = true;
  facts.checkpoints = {whole(4), whole(5), broken(6, LoadProblem::kDamaged)};
  const auto gap = decide<RestoreWithGap>(facts);
  CHECK(gap.name == named(5));
  CHECK(gap.positions[0].offset == 100);
  CHECK(gap.losses.size() == 1);
  facts.checkpoints = {broken(5, LoadProblem::kDamaged)};
  CHECK_THAT(refused(facts), Contains("--reset-state") && !Contains("--accept-loss"));
}

TEST_CASE("commits without our metadata") {
  ResumeFacts facts = undisturbed();
  for (PartitionFacts& one : facts.partitions) one.committed->metadata.clear();
  CHECK_THAT(refused(facts), Contains("none that Tidemark wrote"));
  facts.checkpoints.clear();
  CHECK_THAT(refused(facts), Contains("--reset-state") && !Contains("--accept-loss"));

  facts = undisturbed();
  facts.partitions[1].committed->metadata = "someone else's";
  CHECK_THAT(refused(facts), Contains("t[1]: offset 200 is committed without Tidemark's metadata"));
  facts.accept_loss = true;
  CHECK(decide<RestoreWithGap>(facts).positions[1].lost == 0);
}

TEST_CASE("an offset that differs from the manifest's") {
  ResumeFacts facts = undisturbed();
  facts.partitions[0].committed = CommittedOffset{150, ""};
  CHECK_THAT(refused(facts),
             Contains("t[0]: offset 150") && Contains("goes on at 100") && Contains("50 records of t[0] are lost"));
  facts.accept_loss = true;
  CHECK(decide<RestoreWithGap>(facts).positions[0].offset == 150);
  CHECK(decide<RestoreWithGap>(facts).positions[0].lost == 50);
  facts.partitions[0].committed = CommittedOffset{60, metadata(5)};
  CHECK_THAT(refused(facts), Contains("would count twice") && Contains("set the group's offset of t[0] back to 100"));
}

TEST_CASE("a committed offset outside the log") {
  ResumeFacts facts = undisturbed();
  facts.partitions[0].log_start = 130;
  facts.partitions[1].log_end = 180;
  CHECK_THAT(refused(facts), Contains("t[0]: offset 100 is to be read next, but the log begins at 130") &&
                                 Contains("t[1]: offset 200 is to be read next, but the log ends at 180"));
  facts.accept_loss = true;
  const auto gap = decide<RestoreWithGap>(facts);
  CHECK(gap.positions[0].offset == 130);
  CHECK(gap.positions[0].lost == 30);
  CHECK(gap.positions[1].offset == 180);
  CHECK(gap.positions[1].lost == 20);
  CHECK(gap.losses.size() == 2);
  facts = undisturbed();
  facts.partitions[0].log_start = 100;
  facts.partitions[1].log_end = 200;
  CHECK(decide<Restore>(facts).positions[1].offset == 200);
}

TEST_CASE("a damaged named checkpoint is replaced by an older one only when told so") {
  for (const LoadProblem problem : {LoadProblem::kDamaged, LoadProblem::kMissing}) {
    ResumeFacts facts = undisturbed();
    facts.checkpoints = {whole(3), whole(4), broken(5, problem), whole(6)};
    CHECK_THAT(refused(facts), Contains("missing or damaged: a file is gone") &&
                                   Contains("--accept-loss goes on from checkpoint all/4-") && Contains("twice"));
    facts.accept_loss = true;
    const auto gap = decide<RestoreWithGap>(facts);
    CHECK(gap.name == named(4));
    CHECK(gap.positions[0].offset == 90);
    facts.checkpoints = {broken(5, problem), whole(6)};
    CHECK_THAT(refused(facts), Contains("--reset-state") && !Contains("--accept-loss"));
  }
  ResumeFacts facts = undisturbed();
  facts.checkpoints = {};
  CHECK_THAT(refused(facts), Contains("it was not found") && Contains("--state-dir"));
  facts = undisturbed();
  facts.checkpoints[1].loaded->manifest_checksum = kChecksum + 1;
  CHECK_THAT(refused(facts), Contains("not the one that was committed"));
  facts.checkpoints[1] = broken(5, LoadProblem::kUnreachable);
  facts.accept_loss = true;
  CHECK_THAT(refused(facts), Contains("cannot be read now"));
}

TEST_CASE("state and commits of a newer format are refused, and nothing older is taken in their place") {
  for (const bool accept_loss : {false, true}) {
    ResumeFacts facts = undisturbed();
    facts.accept_loss = accept_loss;
    facts.checkpoints = {whole(3), whole(4), broken(5, LoadProblem::kNewer)};
    CHECK_THAT(refused(facts), Contains("the committed checkpoint was written by a newer Tidemark: a file is gone") &&
                                   Contains("start the version of Tidemark that wrote it, or a newer one") && Contains("--reset-state") &&
                                   !Contains("--accept-loss") && !Contains("damaged"));
    facts = undisturbed();
    facts.accept_loss = accept_loss;
    facts.partitions[1].committed->metadata = "tidemark/2 something else altogether";
    CHECK_THAT(refused(facts), Contains("t[1]: offset 200 was committed by a newer Tidemark, with metadata of format 2") &&
                                   Contains("or a newer one") && !Contains("--accept-loss"));
    facts.partitions[1].committed->metadata = "tidemark/x";
    facts.accept_loss = false;
    CHECK_THAT(refused(facts), !Contains("newer"));
  }
}

TEST_CASE("partitions of one unit that name different checkpoints") {
  ResumeFacts facts = undisturbed();
  facts.partitions[0].committed = CommittedOffset{90, metadata(4)};
  CHECK_THAT(refused(facts), Contains("name different checkpoints: all/4-") && Contains("all/5-"));
  facts.accept_loss = true;
  const auto gap = decide<RestoreWithGap>(facts);
  CHECK(gap.name == named(4));
  CHECK(gap.positions[1].offset == 190);
}

TEST_CASE("a partition found later starts at its beginning") {
  ResumeFacts facts = undisturbed();
  facts.partitions.push_back({partition(2), std::nullopt, 7, 50});
  const auto restore = decide<Restore>(facts);
  REQUIRE(restore.positions.size() == 3);
  CHECK(restore.positions[2].from == Position::From::kLogStart);
  CHECK(restore.positions[2].offset == 7);
  CHECK(restore.positions[2].found_later);
  facts.partitions[2].committed = CommittedOffset{20, metadata(5)};
  CHECK_THAT(refused(facts), Contains("does not cover this partition"));
  facts.partitions[2].committed = CommittedOffset{20, "foreign"};
  facts.accept_loss = true;
  CHECK(decide<RestoreWithGap>(facts).positions[2].lost == 13);
}

TEST_CASE("a covered partition without a commit, and one that is gone") {
  ResumeFacts facts = undisturbed();
  facts.partitions[1].committed.reset();
  CHECK_THAT(refused(facts), Contains("t[1]: no offset is committed, although the checkpoint covers"));
  facts.accept_loss = true;
  CHECK(decide<RestoreWithGap>(facts).positions[1].offset == 200);
  facts = undisturbed();
  facts.partitions.pop_back();
  CHECK_THAT(refused(facts), Contains("t[1]: the checkpoint covers this partition, but it is no longer there"));
  facts.accept_loss = true;
  CHECK(decide<RestoreWithGap>(facts).positions.size() == 1);
}

TEST_CASE("keyed state is never read as that of another unit, whatever else fits") {
  ResumeFacts facts = undisturbed();
  facts.keyed = true;
  facts.checkpoints[1].loaded->manifest.steps = {{"per_user", "window", {}, "tumbling 1m", {}}};
  CHECK(decide<Restore>(facts).name == named(5));
  facts.unit = "lane-0";
  CHECK(refused(facts).find("`partitioned_by` was added or taken away") != std::string::npos);
  facts.accept_loss = true;
  CHECK(refused(facts).find("--accept-loss") == std::string::npos);
  facts.accept_loss = false;
  facts.keyed = false;  // no window is left: there is nothing to read
  CHECK(decide<Restore>(facts).name == named(5));
  facts.keyed = true;
  facts.checkpoints[1].loaded->manifest.steps.clear();  // there was none
  CHECK(decide<Restore>(facts).name == named(5));
  facts.reset_state = true;
  CHECK(decide<FreshStart>(facts).state_was_reset);
}

TEST_CASE("an ended run is not gone on with") {
  ResumeFacts facts = undisturbed();
  facts.checkpoints = {whole(5, true)};
  for (PartitionFacts& one : facts.partitions) one.committed->metadata = metadata(5, true);
  CHECK_THAT(refused(facts), Contains("--until-end") && Contains("--reset-state"));
  facts.partitions[0].log_end = 100;
  facts.partitions[1].log_end = 200;
  CHECK_THAT(refused(facts), Contains("nothing new has come"));
  facts.mode = RunMode::kUntilEnd;
  CHECK(decide<AlreadyEnded>(facts).name == named(5));
  facts.partitions.push_back({partition(2), std::nullopt, 0, 0});
  CHECK(decide<AlreadyEnded>(facts).name == named(5));
  facts.partitions[2].log_end = 1;
  CHECK_THAT(refused(facts), Contains("records have come"));
}

// All that one partition and one checkpoint can show, small enough to be crossed with each other.
std::vector<std::optional<CommittedOffset>> possible_commits(int64_t next) {
  return {std::nullopt,
          CommittedOffset{next, metadata(5)},
          CommittedOffset{next - 10, metadata(5)},
          CommittedOffset{next + 10, metadata(5)},
          CommittedOffset{next - 10, metadata(4)},
          CommittedOffset{next, "foreign"},
          CommittedOffset{next + 10, ""}};
}
std::vector<CheckpointFacts> possible_checkpoints(uint64_t epoch) {
  CheckpointFacts other_bytes = whole(epoch);
  other_bytes.loaded->manifest_checksum = 1;
  return {whole(epoch),
          other_bytes,
          whole(epoch, true),
          broken(epoch, LoadProblem::kDamaged),
          broken(epoch, LoadProblem::kMissing),
          broken(epoch, LoadProblem::kUnreachable),
          broken(epoch, LoadProblem::kNewer),
          CheckpointFacts{named(epoch), std::nullopt, std::nullopt}};
}
// Whether nothing at all speaks against going on from checkpoint 5, or from 4.
bool is_undisturbed(const ResumeFacts& facts, uint64_t epoch) {
  const auto it = std::find_if(facts.checkpoints.begin(), facts.checkpoints.end(),
                               [&](const CheckpointFacts& c) { return c.name == named(epoch); });
  if (it == facts.checkpoints.end() || !it->loaded || it->loaded->manifest_checksum != kChecksum) return false;
  if (it->loaded->manifest.ended) return false;
  for (size_t i = 0; i < facts.partitions.size(); ++i) {
    const PartitionFacts& one = facts.partitions[i];
    const int64_t next = it->loaded->manifest.partitions[i].next_offset;
    if (!one.committed || one.committed->metadata != metadata(epoch) || one.committed->offset != next) return false;
    if (next < one.log_start || next > one.log_end) return false;
  }
  return true;
}

void check_rules(const ResumeFacts& facts) {
  const ResumeDecision decision = decide_resume(facts);
  const auto covers_all = [&](const std::vector<Position>& positions) {
    REQUIRE(positions.size() == facts.partitions.size());
    for (size_t i = 0; i < positions.size(); ++i) REQUIRE(positions[i].id == facts.partitions[i].id);
  };
  const bool none = std::none_of(facts.partitions.begin(), facts.partitions.end(),
                                 [](const auto& p) { return p.committed.has_value(); });
  REQUIRE(std::holds_alternative<FreshStart>(decision) == (facts.reset_state || (none && facts.checkpoints.empty())));
  const bool clean = !facts.reset_state && (is_undisturbed(facts, 5) || is_undisturbed(facts, 4));
  REQUIRE(std::holds_alternative<Restore>(decision) == clean);
  if (const auto* fresh = std::get_if<FreshStart>(&decision)) covers_all(fresh->positions);
  if (const auto* restore = std::get_if<Restore>(&decision)) covers_all(restore->positions);
  if (const auto* gap = std::get_if<RestoreWithGap>(&decision)) {
    REQUIRE(facts.accept_loss);
    REQUIRE_FALSE(gap->losses.empty());
    covers_all(gap->positions);
    for (size_t i = 0; i < gap->positions.size(); ++i) {
      REQUIRE(gap->positions[i].lost >= 0);
      REQUIRE(gap->positions[i].offset >= facts.partitions[i].log_start);
      REQUIRE(gap->positions[i].offset <= facts.partitions[i].log_end);
    }
    const auto used = std::find_if(facts.checkpoints.begin(), facts.checkpoints.end(),
                                   [&](const auto& c) { return c.name == gap->name; });
    REQUIRE((used != facts.checkpoints.end() && used->loaded));
  }
  if (const auto* refusal = std::get_if<Refusal>(&decision)) {
    REQUIRE_FALSE(refusal->facts.empty());
    REQUIRE_FALSE(refusal->reason.empty());
    REQUIRE_THAT(to_string(*refusal), Contains("--reset-state"));
    // What was promised as the way out of --accept-loss has to hold when it is taken with everything loaded.
    const bool promised = to_string(*refusal).find("--accept-loss goes on") != std::string::npos;
    if (facts.accept_loss) REQUIRE_FALSE(promised);
  }
  if (std::holds_alternative<AlreadyEnded>(decision)) REQUIRE(facts.mode != RunMode::kForever);
}

TEST_CASE("every combination of commits, logs, checkpoints and flags keeps the rules") {
  const std::pair<int64_t, int64_t> logs[] = {{0, 1'000}, {150, 1'000}, {0, 80}};
  int combinations = 0;
  for (const auto& first : possible_commits(100)) {
    for (const auto& second : possible_commits(200)) {
      for (const auto& [start, end] : logs) {
        for (int five = 0; five < 8; ++five) {
          for (int four = 0; four < 8; ++four) {
            for (int flags = 0; flags < 12; ++flags) {
              ResumeFacts facts;
              facts.pipeline = "p";
              facts.unit = "all";
              facts.partitions = {{partition(0), first, start, end}, {partition(1), second, 0, 1'000}};
              if (four < 7) facts.checkpoints.push_back(possible_checkpoints(4)[static_cast<size_t>(four)]);
              if (five < 7) facts.checkpoints.push_back(possible_checkpoints(5)[static_cast<size_t>(five)]);
              facts.reset_state = flags % 2 == 1;
              facts.accept_loss = flags / 2 % 2 == 1;
              facts.mode = static_cast<RunMode>(flags / 4);
              check_rules(facts);
              ++combinations;
            }
          }
        }
      }
    }
  }
  CHECK(combinations == 7 * 7 * 3 * 64 * 12);
}

}  // namespace
}  // namespace tidemark
