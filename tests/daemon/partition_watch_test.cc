// Which partitions are held back, and until when, by how far workers say they are.
#include "daemon/partition_watch.h"

#include "tests/catch.h"
#include "tests/daemon/small_plans.h"
#include "tests/daemon/still_consumer.h"

namespace tidemark {
namespace {

constexpr const char* kWindow = R"(
steps:
  - name: per_user
    window:
      tumbling: 1m
      by: [user]
      aggregates: {n: count()}
)";
constexpr const char* kNoWindow = "";

using Numbers = std::vector<uint32_t>;

struct PausingConsumer final : StillConsumer {
  std::vector<std::pair<bool, Numbers>> calls;  // pause or resume
  Status pause(const Numbers& partitions) override { return calls.emplace_back(true, partitions), Status{}; }
  Status resume(const Numbers& partitions) override { return calls.emplace_back(false, partitions), Status{}; }
  std::vector<std::pair<bool, Numbers>> take() { return std::exchange(calls, {}); }
};

struct Scene {
  const Plan plan;
  SystemClock clock;
  PausingConsumer consumer;
  MetricRegistry registry;
  PipelineMetrics metrics{registry, "p"};
  std::vector<PartitionStart> partitions{{{"events", 0}, {}, false, {}}, {{"events", 1}, {}, false, {}}, {{"events", 2}, {}, false, {}}};
  std::vector<PartitionGauge> gauges = std::vector<PartitionGauge>(3);
  PartitionWatch watch{{plan, clock, consumer, metrics, partitions, gauges}};

  explicit Scene(const char* steps = kWindow) : plan(small_plan(steps)) {}
  void stand(std::initializer_list<int64_t> seconds) {
    size_t at = 0;
    for (const int64_t s : seconds) gauges[at++].watermark_us = s * 1'000'000;
  }
  auto after(std::initializer_list<int64_t> seconds) {
    stand(seconds);
    watch.hold_back();
    return consumer.take();
  }
};

using Calls = std::vector<std::pair<bool, Numbers>>;

}  // namespace

TEST_CASE("a partition far ahead of the slowest is paused once, and resumed when it is halfway caught up with") {
  Scene scene;
  CHECK(scene.after({100, 160, 130}) == Calls{});
  CHECK(scene.after({100, 161, 130}) == Calls{{true, {1}}});
  CHECK(scene.after({100, 161, 170}) == Calls{{true, {2}}});
  CHECK(scene.after({125, 161, 170}) == Calls{});
  CHECK(scene.after({131, 161, 170}) == Calls{{false, {1}}});
  CHECK(scene.after({140, 161, 170}) == Calls{{false, {2}}});
  CHECK(scene.after({140, 161, 170}) == Calls{});
}

TEST_CASE("what has nothing more to give holds nobody back") {
  Scene scene;
  CHECK(scene.after({100, 300, 310}) == Calls{{true, {1, 2}}});
  scene.gauges[0].caught_up = true;
  CHECK(scene.after({100, 300, 310}) == Calls{{false, {1, 2}}});
  scene.gauges[0].caught_up = false;
  scene.gauges[0].idle = true;
  CHECK(scene.after({100, 300, 310}) == Calls{});
}

TEST_CASE("a backlog is read as long as some partition has more, where partitions can drift") {
  Scene scene;
  CHECK(scene.watch.reads_backlog());
  for (PartitionGauge& gauge : scene.gauges) gauge.caught_up = true;
  CHECK_FALSE(scene.watch.reads_backlog());
  scene.gauges[2].caught_up = false;
  CHECK(scene.watch.reads_backlog());
  CHECK_FALSE(Scene(kNoWindow).watch.reads_backlog());
  CHECK(Scene(kNoWindow).after({0, 1'000'000, 0}) == Calls{});
}

}  // namespace tidemark
