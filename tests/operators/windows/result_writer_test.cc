// What a result row is stamped with, and what its batch says of the records behind it.
#include "operators/windows/result_writer.h"

#include "operators/windows/state_block.h"
#include "tests/catch.h"
#include "tests/operators/windows/lane_harness.h"

namespace tidemark {
namespace {

struct Batches final : ResultEmitter {
  std::vector<std::unique_ptr<Batch>> all;
  void emit(std::unique_ptr<Batch> batch) override { all.push_back(std::move(batch)); }
};

}  // namespace

TEST_CASE("a batch of results knows its newest record, which their timestamps may not show") {
  const auto test = make_test_plan(AlignedShape{{1000}, {1000}, {0}});
  const StateBlock block(test->plan);
  Batches out;
  WindowCounters counters;
  ResultWriter writer(test->plan, out, counters);
  const auto window = [&](Time start, Time newest) {
    FiredWindow fired{start, start + Duration{1'000'000}};
    fired.newest_kafka_time = newest;
    writer.begin(fired);
    REQUIRE(writer.add("\1key", block.blank().data()));
  };
  window(Time{0}, Time{9'000'000});          // read long after its window ended
  window(Time{1'000'000}, Time{1'500'000});  // and within it
  writer.finish();
  REQUIRE(out.all.size() == 1);
  CHECK(out.all[0]->kafka_times == std::vector{Time{999'000}, Time{1'500'000}});
  CHECK(out.all[0]->newest_counted == Time{9'000'000});
  CHECK(counters.results == 2);

  window(Time{2'000'000}, Time::min());  // no record had a timestamp
  writer.finish();
  CHECK(out.all[1]->kafka_times == std::vector{Time{2'999'000}});
  CHECK(out.all[1]->newest_counted == Time::min());
}

}  // namespace tidemark
