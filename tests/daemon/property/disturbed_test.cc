// Single disturbances of a running pipeline, on the fake Kafka: a disk that hangs, another member in its place, and an
// operator who lets it rest.
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <thread>

#include "tests/catch.h"
#include "tests/daemon/property/cases.h"
#include "tests/daemon/property/compare.h"
#include "tests/daemon/property/run.h"

using namespace tidemark;
using namespace tidemark::property;

namespace {

// A disk on which something happens when a manifest is renamed into place, once.
class WatchedFiles final : public MortalFiles {
 public:
  WatchedFiles(Life& life, std::function<void()> at_rename) : MortalFiles(life), at_rename_(std::move(at_rename)) {}
  Status rename(const std::string& from, const std::string& to) override {
    if (!happened_.exchange(true)) at_rename_();
    return MortalFiles::rename(from, to);
  }

 private:
  std::function<void()> at_rename_;
  std::atomic<bool> happened_{false};
};

FakeBroker broker_of(const Case& one) { return FakeBroker(one.logs, one.log_ends, one.sink_partitions); }

// Exactly once and with something to read.
Case some_case() {
  for (uint64_t seed = 1;; ++seed) {
    Case one = make_case(seed);
    if (!one.at_least_once && one.log_ends.front() > 0) return one;
  }
}

bool says(const std::vector<std::string>& log, const std::string& what) {
  return std::ranges::any_of(log, [&](const std::string& line) { return line.find(what) != std::string::npos; });
}

}  // namespace

TEST_CASE("a member that another replaced before the first commit ends as fenced, and writes nothing") {
  const Case one = some_case();
  FakeBroker broker = broker_of(one);
  const StateDir dir;
  LifePlan plan;
  plan.mode = RunMode::kForever;
  plan.files = [&](Life& life) { return std::make_unique<WatchedFiles>(life, [&] { broker.join(); }); };
  const LifeEnd end = live(one, Shape{}, plan, broker, dir);
  CHECK(end.exit_code == 1);
  CHECK(end.error.find("fenced") != std::string::npos);
  CHECK(broker.committed_rows().empty());
}

TEST_CASE("a member that another replaced while it ran ends as fenced when it rewinds") {
  const Case one = some_case();
  FakeBroker broker = broker_of(one);
  const StateDir dir;
  const std::vector<TopicPartition>& partitions = broker.partitions();
  std::jthread successor([&] {
    while (broker.committed(partitions).front().offset < 0) std::this_thread::yield();
    broker.join();
  });
  LifePlan plan;
  plan.mode = RunMode::kForever;
  plan.weather.abort_wanted = 100;
  plan.weather.spared = 2;  // the start's
  const LifeEnd end = live(one, Shape{}, plan, broker, dir);
  CHECK(end.exit_code == 1);
  CHECK(end.error.find("fenced") != std::string::npos);
}

TEST_CASE("a disk that hangs shows: a line says what the checkpoint waits for, and the pipeline is not live") {
  const Case one = some_case();
  FakeBroker broker = broker_of(one);
  const StateDir dir;
  std::atomic<bool> released{false};
  std::atomic<bool> hung{false};
  LifePlan plan;
  plan.mode = RunMode::kUntilEnd;
  plan.files = [&](Life& life) {
    return std::make_unique<WatchedFiles>(life, [&] {
      hung = true;
      while (!released) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    });
  };
  bool lively_at_first = false;
  bool stuck_at_last = false;
  plan.meanwhile = [&](const Pipeline& pipeline, Duration lived) {
    if (!hung) lively_at_first |= pipeline.live(Duration::seconds(60));
    if (lived < Duration::seconds(5)) return;  // 100 s of the pipeline's clock
    stuck_at_last |= !released && !pipeline.live(Duration::seconds(10));
    released = true;
  };
  const LifeEnd end = live(one, Shape{}, plan, broker, dir);
  CHECK(end.exit_code == 0);
  CHECK(lively_at_first);
  CHECK(stuck_at_last);
  CHECK(says(end.log, "checkpoint_waits"));
  CHECK(says(end.log, "waits_for=\"manifest of "));
}

TEST_CASE("a paused pipeline is alive, reads and commits nothing more, and goes on exactly when it is told to") {
  const Case one = some_case();
  FakeBroker broker = broker_of(one);
  const StateDir dir;
  const auto committed = [&] {
    std::vector<int64_t> offsets;
    for (const PartitionOffset& at : broker.committed(broker.partitions())) offsets.push_back(at.offset);
    return offsets;
  };
  LifePlan plan;
  plan.batch_rows = 1;
  plan.weather.longest_run = 1;
  plan.deeds = {{0, PipelineAction::kPause}, {1'000'000, PipelineAction::kResume}};
  std::optional<std::vector<int64_t>> at_pause;
  int looks = 0;
  plan.meanwhile = [&](const Pipeline& pipeline, Duration) {
    if (pipeline.state() != PipelineState::kPaused) return;
    looks += 1;
    if (!at_pause) at_pause = committed();
    CHECK(committed() == *at_pause);
    CHECK_FALSE(pipeline.ready());
    CHECK(pipeline.live(Duration::millis(1)));
  };
  const LifeEnd end = live(one, Shape{}, plan, broker, dir);
  CHECK(end.exit_code == 0);
  CHECK(looks > 3);
  CHECK(end.status["wanted"] == "running");
  CHECK(compare_output(one, expect(one), broker.committed_rows(), false) == std::vector<std::string>{});
}

TEST_CASE("a drained pipeline stays so until its process ends, and the next start goes on exactly") {
  const Case one = some_case();
  FakeBroker broker = broker_of(one);
  const StateDir dir;
  LifePlan plan;
  plan.mode = RunMode::kForever;
  plan.deeds = {{5'000, PipelineAction::kDrain}};
  const LifeEnd drained = live(one, Shape{}, plan, broker, dir);
  CHECK(drained.exit_code == 0);
  CHECK(drained.status["wanted"] == "drained");
  CHECK(drained.metrics.find("tidemark_pipeline_state{pipeline=\"prop\",state=\"ended\"} 1") != std::string::npos);
  CHECK_FALSE(broker.has_open_transaction());
  const LifeEnd end = live(one, Shape{}, LifePlan{}, broker, dir);
  CHECK(end.exit_code == 0);
  CHECK(compare_output(one, expect(one), broker.committed_rows(), false) == std::vector<std::string>{});
}
