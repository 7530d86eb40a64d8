// Resuming several recovery units at once: what the commits and checkpoints of one say about another.
#include "daemon/resume.h"

#include <algorithm>

#include "tests/catch.h"
#include "tests/daemon/small_plans.h"
#include "tests/daemon/still_consumer.h"
#include "tests/state/store_fixture.h"

namespace tidemark {
namespace {

// Two partitions of a plan without windows. The first one's checkpoint, made when it was alone, goes on at 5.
struct Scene {
  const TopicPartition first{"events", 0};
  const TopicPartition second{"events", 1};
  Plan plan = small_plan();
  TempDir dir;
  LocalFiles files;
  LocalCheckpointStorage storage{files, dir / "checkpoints"};
  StillConsumer consumer;
  CapturingLogSink log;
  SystemClock clock;
  Logger logger{log, clock};
  std::map<TopicPartition, int64_t> ends;

  explicit Scene(bool ended, bool idle = false) {
    Manifest manifest;
    manifest.pipeline = "copies";
    manifest.name = CheckpointName::fresh("partition-0-events", 7);
    manifest.partitions.push_back({first, 5, Time{1'000}, idle});
    manifest.lanes = plan.lanes;
    manifest.topics = {{"events", 1}};
    manifest.ended = ended;
    const auto checksum = storage.store(manifest, "");
    REQUIRE(checksum);
    consumer.offsets = {{first, 5, encode_offset_metadata({manifest.name, *checksum, ended})}, {second, -1, ""}};
    consumer.logs = {{first, {0, 5}}, {second, {0, 0}}};
  }

  Result<Resumed> run(RunMode mode) {
    return run({mode, false, false, mode == RunMode::kForever ? nullptr : &ends}, {first, second});
  }
  Result<Resumed> run(const ResumeOptions& options, const std::vector<TopicPartition>& owned) {
    const ResumeDeps deps{plan, consumer, storage, files, nullptr, dir / "live", logger};
    return resume(deps, options, owned, {first, second});
  }
};

}  // namespace

TEST_CASE("a partition found later begins at its beginning, whatever `start` says") {
  Scene scene(false);
  scene.consumer.logs[scene.second] = {3, 9};
  const auto resumed = scene.run(RunMode::kForever);
  REQUIRE(resumed);
  CHECK(resumed->must_commit_start);
  CHECK(resumed->partitions[0].position.next_offset == 5);
  CHECK(resumed->partitions[1].position.next_offset == 3);
}

TEST_CASE("an instance with nothing but a partition found later asks what the group has committed for the others") {
  Scene scene(false);
  scene.consumer.logs[scene.second] = {3, 9};
  const auto begins_at = [&](const std::string& metadata_of_first, bool reset_state = false) {
    scene.consumer.offsets[0].metadata = metadata_of_first;
    const auto resumed = scene.run({RunMode::kForever, reset_state, false, nullptr}, {scene.second});
    REQUIRE(resumed);
    return resumed->partitions[0].position.next_offset;
  };
  const auto at = [](uint64_t epoch) { return encode_offset_metadata({CheckpointName::fresh("partition-0-events", epoch), 1, false}); };
  CHECK(begins_at(at(7)) == 3);
  CHECK(begins_at(at(CheckpointName::kStartEpoch)) == 9);
  CHECK(begins_at(at(7), true) == 9);
  CHECK(begins_at("somebody else's") == 9);
  scene.consumer.offsets[0].offset = -1;
  CHECK(begins_at("") == 9);
}

TEST_CASE("with partitioned_by, topics of unequal partition counts are refused") {
  Scene scene(false);
  scene.plan.partitioned_by = true;
  const ResumeDeps deps{scene.plan, scene.consumer, scene.storage, scene.files, nullptr, scene.dir / "live", scene.logger};
  const ResumeOptions options{RunMode::kForever, false, false, nullptr};
  const auto resumed = resume(deps, options, {scene.first}, {scene.first, scene.second, {"others", 0}});
  REQUIRE_FALSE(resumed);
  CHECK(resumed.error().fault == Fault::kUser);
  CHECK(resumed.error().message.find("events has 2, others has 1") != std::string::npos);
}

TEST_CASE("an ended unit keeps its place beside an empty partition that came since") {
  Scene scene(true);
  const auto resumed = scene.run(RunMode::kUntilEnd);
  REQUIRE(resumed);
  CHECK_FALSE(resumed->nothing_to_do);
  CHECK(resumed->partitions[0].position.next_offset == 5);
  CHECK(resumed->partitions[0].end_offset == 5);
}

TEST_CASE("an ended run is refused where a partition with records has come since") {
  Scene scene(true);
  scene.consumer.logs[scene.second] = {0, 2};
  const auto resumed = scene.run(RunMode::kUntilEnd);
  REQUIRE_FALSE(resumed);
  CHECK(resumed.error().fault == Fault::kUser);
}

TEST_CASE("a partition that was idle is not when it has records to read") {
  Scene quiet(false, true);
  CHECK(quiet.run(RunMode::kForever)->partitions[0].idle);
  Scene behind(false, true);
  behind.consumer.logs[behind.first] = {0, 6};
  CHECK_FALSE(behind.run(RunMode::kForever)->partitions[0].idle);
}

TEST_CASE("a bounded run keeps the ends that it saw first") {
  Scene scene(false);
  scene.consumer.logs[scene.first] = {0, 8};
  REQUIRE(scene.run(RunMode::kUntilEnd)->partitions[0].end_offset == 8);
  scene.consumer.logs[scene.first] = {0, 20};
  CHECK(scene.run(RunMode::kUntilEnd)->partitions[0].end_offset == 8);
}

}  // namespace tidemark
