// How event time moves: in a partition, while one is quiet, and in a lane fed by several.
#include "operators/windows/watermark.h"

#include <random>

#include "operators/partition_clock.h"
#include "tests/catch.h"

namespace tidemark {
namespace {

constexpr Duration s(int64_t n) { return Duration::seconds(n); }
constexpr Time at(int64_t n) { return Time{} + s(n); }

}  // namespace

TEST_CASE("a partition's watermark is its newest time less the delay, and never goes back") {
  PartitionClock clock(s(5));
  CHECK(clock.watermark() == Time::min());
  clock.observe(at(10));
  CHECK(clock.watermark() == at(5));
  clock.observe(at(3));
  CHECK(clock.watermark() == at(5));
  CHECK(PartitionClock(s(5), at(20)).watermark() == at(15));
  PartitionClock early(s(5));
  early.observe({Time::min().us + 1});
  CHECK(early.watermark() == Time::min());
}

TEST_CASE("a partition is idle after answered fetches at its end for long enough, without a break") {
  using enum FetchObservation;
  IdleTracker tracker(s(30));
  tracker.observe(kAtEnd, s(100));
  tracker.observe(kAtEnd, s(129));
  CHECK_FALSE(tracker.idle());
  tracker.observe(kAtEnd, s(130));
  CHECK(tracker.idle());
  for (const FetchObservation broken : {kNotAtEnd, kUnknown}) {
    tracker.observe(broken, s(131));
    CHECK_FALSE(tracker.idle());
    tracker.observe(kAtEnd, s(140));
    tracker.observe(kAtEnd, s(169));
    CHECK_FALSE(tracker.idle());
    tracker.observe(kAtEnd, s(170));
    CHECK(tracker.idle());
  }
  // An unreachable partition does not become idle by waiting.
  IdleTracker unreachable(s(30));
  for (int64_t t = 0; t < 200; ++t) unreachable.observe(kUnknown, s(t));
  CHECK_FALSE(unreachable.idle());
  CHECK(IdleTracker(s(30), true).idle());
}

TEST_CASE("a lane goes with the slowest live partition and never back") {
  LaneWatermark lane(s(60));
  CHECK(lane.advance(s(0)) == Time::min());
  lane.add(1);
  lane.add(2);
  lane.update(1, at(50), false);
  CHECK(lane.advance(s(0)) == Time::min());
  lane.update(2, at(20), false);
  CHECK(lane.advance(s(0)) == at(20));
  lane.update(2, at(70), false);
  CHECK(lane.advance(s(0)) == at(50));
  lane.add(3);
  CHECK(lane.advance(s(0)) == at(50));
  lane.update(1, at(90), false);
  CHECK(lane.advance(s(0)) == at(50));
  lane.update(3, at(60), false);
  CHECK(lane.advance(s(0)) == at(60));
}

TEST_CASE("idle partitions are left out, and a lane of idle ones stands still, then closes with the clock") {
  LaneWatermark lane(s(60));
  lane.add(1, at(50));
  lane.add(2, at(20));
  CHECK(lane.advance(s(0)) == at(20));
  lane.update(2, at(20), true);
  CHECK(lane.advance(s(5)) == at(50));
  lane.update(1, at(50), true);
  CHECK(lane.advance(s(100)) == at(50));
  CHECK(lane.advance(s(160)) == at(50));
  CHECK(lane.advance(s(161)) == at(51));
  CHECK(lane.advance(s(190)) == at(80));
  // A record ends it; the lane does not go back, and the quiet time is counted anew.
  lane.update(1, at(55), false);
  CHECK(lane.advance(s(200)) == at(80));
  lane.update(1, at(55), true);
  CHECK(lane.advance(s(210)) == at(80));
  CHECK(lane.advance(s(270)) == at(80));
  CHECK(lane.advance(s(275)) == at(85));
}

TEST_CASE("without close_after_idle, and before any record, a quiet lane stands still") {
  LaneWatermark off(std::nullopt);
  off.add(1, at(50), true);
  off.advance(s(0));
  CHECK(off.advance(s(100'000)) == Time::min());
  LaneWatermark held(std::nullopt);
  held.add(1, at(50));
  CHECK(held.advance(s(0)) == at(50));
  held.update(1, at(50), true);
  CHECK(held.advance(s(1)) == at(50));
  CHECK(held.advance(s(100'000)) == at(50));
  LaneWatermark empty(s(1));
  empty.add(1, Time::min(), true);
  empty.advance(s(0));
  CHECK(empty.advance(s(1000)) == Time::min());
  LaneWatermark none(s(1));
  none.advance(s(0));
  CHECK(none.advance(s(1000)) == Time::min());
}

TEST_CASE("a partition that has ended is infinitely far, and when all have, time is at its end") {
  LaneWatermark lane(s(60));
  lane.add(1, at(50));
  lane.add(2, at(20));
  CHECK(lane.advance(s(0)) == at(20));
  lane.set_ended(2);
  CHECK(lane.advance(s(0)) == at(50));
  // One that is idle but has not ended still has records to come.
  lane.update(1, at(50), true);
  CHECK(lane.advance(s(1)) == at(50));
  lane.set_ended(1);
  CHECK(lane.advance(s(2)) == Time::max());
}

TEST_CASE("keeping the minimum and working it out anew give the same watermarks") {
  struct Naive {
    Time w = Time::min();
    bool idle = false;
  };
  std::mt19937_64 rng(11);
  for (int round = 0; round < 300; ++round) {
    LaneWatermark lane(std::nullopt);
    std::vector<Naive> naive(1 + rng() % 5);
    for (uint32_t p = 0; p < naive.size(); ++p) lane.add(p);
    Time expected = Time::min();
    for (int step = 0; step < 60; ++step) {
      const auto p = static_cast<uint32_t>(rng() % naive.size());
      naive[p].w = std::max(naive[p].w, at(static_cast<int64_t>(rng() % 100)));
      naive[p].idle = rng() % 3 == 0;
      lane.update(p, naive[p].w, naive[p].idle);
      Time minimum = Time::max();
      for (const Naive& n : naive) {
        if (!n.idle) minimum = std::min(minimum, n.w);
      }
      if (minimum != Time::max()) expected = std::max(expected, minimum);
      REQUIRE(lane.advance(s(step)) == expected);
    }
  }
}

}  // namespace tidemark
