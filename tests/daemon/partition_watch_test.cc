// Which partitions are held back, and until when, by how far workers say they are; and what is told of lag and time.
#include "daemon/partition_watch.h"

#include <cmath>

#include "base/metric_names.h"
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
  std::vector<PartitionStatus> now;
  std::vector<PartitionStatus> statuses() override { return now; }
};

struct Scene {
  Plan plan;
  SystemClock clock;
  PausingConsumer consumer;
  MetricRegistry registry;
  PipelineMetrics metrics{registry, "p"};
  std::vector<PartitionStart> partitions{{{"events", 0}, 0, {}, false, {}}, {{"events", 1}, 0, {}, false, {}}, {{"events", 2}, 0, {}, false, {}}};
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
  std::optional<double> gauge(const MetricSpec& spec, int partition) const {
    return registry.gauge_value(spec, {"p", "events", std::to_string(partition)});
  }
  // By partition; -1 where there is no such series.
  std::vector<double> all(const MetricSpec& spec) const {
    std::vector<double> values;
    for (int p = 0; p < 3; ++p) values.push_back(gauge(spec, p).value_or(-1));
    return values;
  }
};

using Values = std::vector<double>;

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

TEST_CASE("sources that wait for different delays are held back by what they have read, not by their watermarks") {
  Scene scene;
  scene.plan.sources.resize(2);
  scene.plan.sources[0].event_time.max_delay = Duration::seconds(0);
  scene.plan.sources[1].event_time.max_delay = Duration::minutes(10);
  scene.partitions[1].source = 1;
  CHECK(scene.after({1000, 400, 1000}) == Calls{});
  CHECK(scene.after({1000, 461, 1000}) == Calls{{true, {1}}});
  CHECK(scene.after({1061, 400, 1000}) == Calls{{true, {0}}, {false, {1}}});
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

TEST_CASE("lag, position and commit are told by partition, in records and in seconds") {
  Scene scene;
  const int64_t now_us = scene.clock.now().us;
  std::vector<CommittedStand> committed = {{70, Time{now_us - 60'000'000}}, {100, Time{now_us}}, {0, Time::min()}};
  scene.gauges[0].next_offset = 90;
  scene.gauges[0].newest_record_us = now_us - 20'000'000;
  scene.gauges[1].next_offset = 98;  // two transaction markers lie behind the last record
  scene.gauges[1].caught_up = true;
  scene.consumer.now = {{0, 90, 100, true, false}, {1, 100, 100, true, false}, {2, -1, -1, false, false}};
  scene.watch.look(committed);
  CHECK(scene.all(metric::kConsumerLag) == Values{10, 0, -1});
  CHECK(scene.all(metric::kCommittedLag) == Values{30, 0, -1});
  CHECK(scene.all(metric::kPositionOffset) == Values{90, 98, 0});
  CHECK(scene.all(metric::kCommittedOffset) == Values{70, 100, 0});
  CHECK(scene.all(metric::kLogEndOffset) == Values{100, 100, -1});
  CHECK(std::abs(*scene.gauge(metric::kConsumerLagSeconds, 0) - 20) < 5);
  CHECK(std::abs(*scene.gauge(metric::kCommittedLagSeconds, 0) - 60) < 5);
  CHECK(scene.gauge(metric::kConsumerLagSeconds, 1) == 0);
  CHECK(scene.gauge(metric::kCommittedLagSeconds, 1) == 0);
  CHECK_FALSE(scene.gauge(metric::kConsumerLagSeconds, 2));
  CHECK_FALSE(scene.gauge(metric::kCommittedLagSeconds, 2));
}

TEST_CASE("one partition is told to hold the watermark: the live one that is furthest behind") {
  Scene scene;
  const std::vector<CommittedStand> committed(3);
  const auto holders = [&] {
    scene.watch.look(committed);
    return scene.all(metric::kWatermarkHolder);
  };
  scene.stand({100, 300, 200});
  CHECK(holders() == Values{1, 0, 0});
  scene.gauges[0].idle = true;
  CHECK(holders() == Values{0, 0, 1});
  CHECK(scene.all(metric::kPartitionIdle) == Values{1, 0, 0});
  scene.gauges[2].at_end = true;
  CHECK(holders() == Values{0, 1, 0});
  scene.gauges[0].idle = false;
  scene.gauges[0].watermark_us = INT64_MIN;  // no record yet: the others wait for its first
  CHECK(holders() == Values{1, 0, 0});
  for (PartitionGauge& gauge : scene.gauges) gauge.idle = true;
  CHECK(holders() == Values{0, 0, 0});
  Scene unkeyed(kNoWindow);
  unkeyed.watch.look(committed);
  CHECK(unkeyed.all(metric::kWatermarkHolder) == Values{-1, -1, -1});
}

TEST_CASE("who is held back for being too far ahead is told") {
  Scene scene;
  (void)scene.after({100, 161, 130});
  scene.watch.look(std::vector<CommittedStand>(3));
  CHECK(scene.all(metric::kPartitionPaused) == Values{0, 1, 0});
}

}  // namespace tidemark
