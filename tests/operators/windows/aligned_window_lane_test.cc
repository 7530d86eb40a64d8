// What a window lane does beyond the rows that the oracle knows: who refused a late row, what lies in the store, how much
// memory it takes, and the ends of the line of time.
#include "operators/windows/aligned_window_lane.h"

#include <deque>

#include <fmt/format.h>

#include "base/bytes.h"
#include "operators/key_codec.h"
#include "tests/catch.h"
#include "tests/operators/windows/lane_calls.h"
#include "tests/operators/windows/naive_windows.h"

namespace tidemark {
namespace {

using Lines = std::vector<std::string>;

// "KEY END: COUNT rev REVISION", and whether that is final.
struct Said final : ResultEmitter {
  Lines lines;
  bool pauses = false;
  void emit(std::unique_ptr<Batch> b) override {
    for (uint32_t i = 0; i < b->rows; ++i) {
      lines.push_back(fmt::format("{} {}: {} rev {}{}", b->columns[0].strings[i], b->columns[2].ints[i], b->columns[3].ints[i],
                                  b->columns[13].ints[i], b->columns[14].bools[i] ? " final" : ""));
    }
  }
  bool wants_pause() override { return pauses; }
  // Sorted.
  Lines take() {
    std::ranges::sort(lines);
    return std::exchange(lines, {});
  }
};

}  // namespace

TEST_CASE("a row that only the lane's watermark refuses is idle, one that its partition refuses is late") {
  const auto test = make_test_plan(AlignedShape{{10}, {10}, {0}});
  const auto lane = make_lane(*test);
  Kept out;
  REQUIRE(lane->advance({30}, out).has_value());
  TestRow woken = row_at(25);
  woken.watermark = {15};
  TestRow late = row_at(25);
  late.watermark = {40};
  TestRow good = row_at(35);
  good.watermark = {39};
  const auto refused = add(*lane, *test, {woken, late, good});
  REQUIRE(refused.size() == 2);
  CHECK(refused[0].row == 0);
  CHECK(refused[0].reason == LateReason::kIdle);
  CHECK(refused[0].watermark == Time{30});
  CHECK(refused[1].reason == LateReason::kLate);
  CHECK(refused[1].watermark == Time{40});
  CHECK(lane->counters().idle_late == 1);
  CHECK(lane->counters().late == 1);
  CHECK(lane->counters().counted == 1);
}

TEST_CASE("a row of a woken partition counts in just those windows that the lane has not closed") {
  const auto test = make_test_plan(AlignedShape{{30}, {10}, {0}});
  const auto lane = make_lane(*test);
  Kept out;
  REQUIRE(lane->advance({40}, out).has_value());
  // Windows ending at 30, 40 and 50 contain it; two of them are closed.
  REQUIRE(add(*lane, *test, {row_at(25)}).empty());
  CHECK(lane->counters().updates_missed == 2);
  REQUIRE(lane->advance(Time::max(), out).has_value());
  REQUIRE(out.rows() == 1);
  CHECK(out.batches[0]->columns[2].ints[0] == 50);
}

TEST_CASE("a leap over an empty stretch does not visit its windows") {
  const auto test = make_test_plan(AlignedShape{{10}, {1}, {0}});
  const auto lane = make_lane(*test);
  Kept out;
  add(*lane, *test, {row_at(0), row_at(3'000'000'000'000'000)});
  REQUIRE(lane->advance(Time::max(), out).has_value());
  CHECK(out.rows() == 20);
  CHECK(lane->memory_bytes() == 0);
}

TEST_CASE("windows at both ends of time fire once each and close") {
  const auto test = make_test_plan(AlignedShape{{10}, {3}, {0}});
  const auto lane = make_lane(*test);
  Kept out;
  add(*lane, *test, {row_at(Time::min().us + 1), row_at(Time::max().us - 1)});
  REQUIRE(lane->advance(Time::max(), out).has_value());
  REQUIRE(out.rows() > 2);
  const Column& end = out.batches.back()->columns[2];
  CHECK(end.ints.back() == Time::max().us);
  CHECK(std::ranges::adjacent_find(end.ints, std::greater_equal{}) == end.ints.end());
  CHECK(lane->keys() == 0);
}

TEST_CASE("a result that cannot be given is null and counted") {
  const auto test = make_test_plan(AlignedShape{{10}, {10}, {0}});
  const auto lane = make_lane(*test);
  TestRow row = row_at(1);
  row.number = INT64_MAX;
  add(*lane, *test, {row, row});
  Kept out;
  REQUIRE(lane->advance(Time::max(), out).has_value());
  CHECK(lane->counters().result_errors == 1);
  CHECK(out.batches[0]->columns[4].valid[0] == 0);
  CHECK(out.batches[0]->columns[9].doubles[0] == 9223372036854775807.0);  // the average knows no such limit
}

TEST_CASE("with allowed lateness a window speaks when it closes, of each change behind that, and once for the last time") {
  const auto test = make_test_plan(AlignedShape{{10}, {10}, {0}});
  test->plan.allowed_lateness = {20};
  const auto lane = make_lane(*test);
  Said said;
  add(*lane, *test, {row_at(5, "a"), row_at(6, "b")});
  CHECK_FALSE(lane->has_more());  // a window that is not closed keeps silent
  REQUIRE(lane->advance({10}, said).has_value());
  CHECK(said.take() == Lines{"a 10: 1 rev 1", "b 10: 1 rev 1"});
  add(*lane, *test, {row_at(7, "b"), row_at(8, "b"), row_at(15, "c")});
  CHECK(lane->has_more());
  REQUIRE(lane->advance({10}, said).has_value());
  CHECK(said.take() == Lines{"b 10: 3 rev 2"});  // once for the batch, and not of the window that is still open
  CHECK_FALSE(lane->has_more());
  TestRow too_late = row_at(9, "b");
  too_late.watermark = {30};
  CHECK(add(*lane, *test, {too_late}).size() == 1);
  REQUIRE(lane->advance({30}, said).has_value());
  CHECK(said.take() == Lines{"a 10: 1 rev 4 final", "b 10: 3 rev 4 final", "c 20: 1 rev 3"});
  CHECK(add(*lane, *test, {row_at(9, "b")}).size() == 1);  // the lane's watermark has passed its last moment
  REQUIRE(lane->advance(Time::max(), said).has_value());
  CHECK(said.take() == Lines{"c 20: 1 rev 5 final"});
  CHECK(lane->memory_bytes() == 0);
}

TEST_CASE("on change a window speaks of the keys of a batch, each once, and of all when it is final") {
  const auto test = make_test_plan(AlignedShape{{10}, {10}, {0}});
  test->plan.emit = EmitWhen::kOnChange;
  const auto lane = make_lane(*test);
  Said said;
  add(*lane, *test, {row_at(1, "a"), row_at(2, "b"), row_at(3, "a"), row_at(12, "a")});
  REQUIRE(lane->advance({3}, said).has_value());
  CHECK(said.take() == Lines{"a 10: 2 rev 1", "a 20: 1 rev 2", "b 10: 1 rev 1"});
  add(*lane, *test, {row_at(4, "b")});
  REQUIRE(lane->advance({10}, said).has_value());
  CHECK(said.take() == Lines{"a 10: 2 rev 3 final", "b 10: 2 rev 3 final"});  // what closes the window speaks for the change
}

TEST_CASE("every so often a window speaks of what has changed, by event time, and is silent where nothing has") {
  const auto test = make_test_plan(AlignedShape{{100}, {100}, {0}});
  test->plan.emit = EmitWhen::kEvery;
  test->plan.every = {10};
  const auto lane = make_lane(*test);
  Said said;
  add(*lane, *test, {row_at(1, "a"), row_at(2, "b")});
  REQUIRE(lane->advance({9}, said).has_value());
  CHECK(said.take().empty());
  REQUIRE(lane->advance({11}, said).has_value());
  CHECK(said.take() == Lines{"a 100: 1 rev 1", "b 100: 1 rev 1"});
  REQUIRE(lane->advance({25}, said).has_value());
  CHECK(said.take().empty());
  add(*lane, *test, {row_at(26, "b"), row_at(27, "b")});
  REQUIRE(lane->advance({29}, said).has_value());
  CHECK(said.take().empty());
  REQUIRE(lane->advance({57}, said).has_value());
  CHECK(said.take() == Lines{"b 100: 3 rev 2"});
  REQUIRE(lane->advance({100}, said).has_value());
  CHECK(said.take() == Lines{"a 100: 1 rev 3 final", "b 100: 3 rev 3 final"});
}

TEST_CASE("of windows over many slices each speaks of what it has seen change") {
  const auto test = make_test_plan(AlignedShape{{30}, {10}, {0}});
  test->plan.emit = EmitWhen::kOnChange;
  const auto lane = make_lane(*test);
  Said said;
  add(*lane, *test, {row_at(5, "a")});
  REQUIRE(lane->advance({5}, said).has_value());
  CHECK(said.take() == Lines{"a 10: 1 rev 1", "a 20: 1 rev 2", "a 30: 1 rev 3"});
  add(*lane, *test, {row_at(15, "a"), row_at(25, "b")});
  REQUIRE(lane->advance({10}, said).has_value());
  CHECK(said.take() == Lines{"a 10: 1 rev 4 final", "a 20: 2 rev 5", "a 30: 2 rev 6", "a 40: 1 rev 7", "b 30: 1 rev 6",
                             "b 40: 1 rev 7", "b 50: 1 rev 8"});
}

TEST_CASE("changes that nobody has spoken of yet outlive a restart") {
  const auto test = make_test_plan(AlignedShape{{100}, {100}, {0}});
  test->plan.emit = EmitWhen::kEvery;
  test->plan.every = {10};
  TestStore store(test->plan);
  const auto lane = make_lane(*test);
  Said said;
  add(*lane, *test, {row_at(1, "a"), row_at(2, "b")});
  REQUIRE(lane->advance({8}, said).has_value());
  REQUIRE(lane->advance({12}, said).has_value());
  CHECK(said.take().size() == 2);
  write(*lane, store.store());
  const auto quiet = make_lane(*test, kStep, store.store().view());
  REQUIRE(quiet->advance({21}, said).has_value());
  CHECK(said.take().empty());  // nothing had changed
  add(*lane, *test, {row_at(13, "b")});
  write(*lane, store.store());
  const auto restored = make_lane(*test, kStep, store.store().view());
  REQUIRE(restored->advance({21}, said).has_value());
  CHECK(said.take() == Lines{"a 100: 1 rev 2", "b 100: 2 rev 2"});  // which key it was is not kept
  REQUIRE(restored->advance(Time::max(), said).has_value());
  CHECK(said.take() == Lines{"a 100: 1 rev 3 final", "b 100: 2 rev 3 final"});
}

TEST_CASE("what was to be said when a speech paused is said later, after a restart too") {
  const auto test = make_test_plan(AlignedShape{{30}, {10}, {0}});
  test->plan.emit = EmitWhen::kOnChange;
  TestStore store(test->plan);
  const auto lane = make_lane(*test);
  Said said;
  said.pauses = true;
  add(*lane, *test, {row_at(5, "a")});
  REQUIRE(lane->advance({5}, said).has_value());
  CHECK(said.take() == Lines{"a 10: 1 rev 1"});
  CHECK(lane->has_more());
  write(*lane, store.store());
  const auto restored = make_lane(*test, kStep, store.store().view());
  CHECK(restored->has_more());
  add(*lane, *test, {row_at(6, "a")});  // goes on beside what is being said
  said.pauses = false;
  REQUIRE(lane->advance({5}, said).has_value());
  CHECK(said.take() == Lines{"a 10: 2 rev 2", "a 20: 2 rev 3", "a 30: 2 rev 4"});
  REQUIRE(restored->advance({5}, said).has_value());
  CHECK(said.take() == Lines{"a 10: 1 rev 2", "a 20: 1 rev 3", "a 30: 1 rev 4"});
}

TEST_CASE("where memory is short the changed keys are forgotten, and the window speaks of all") {
  const auto test = make_test_plan(AlignedShape{{1'000'000}, {1'000'000}, {0}});
  test->plan.emit = EmitWhen::kEvery;
  test->plan.every = {100'000};
  TestStore store(test->plan);
  const auto lane = make_lane(*test);
  Said said;
  std::vector<TestRow> rows;
  for (int i = 0; i < 2000; ++i) rows.push_back(row_at(i, fmt::format("user-{:07}", i)));
  add(*lane, *test, rows);
  REQUIRE(lane->advance({1}, said).has_value());
  REQUIRE(lane->advance({100'000}, said).has_value());
  CHECK(said.take().size() == 2000);
  add(*lane, *test, {row_at(3, "one")});
  write(*lane, store.store());
  lane->shed(0);
  CHECK(lane->memory_bytes() < 1024);
  REQUIRE(lane->advance({200'000}, said).has_value());
  CHECK(said.take().size() == 2001);
  add(*lane, *test, {row_at(4, "one")});
  REQUIRE(lane->advance({300'000}, said).has_value());
  CHECK(said.take() == Lines{"one 1000000: 2 rev 3"});  // looked up in the store
}

TEST_CASE("copies of written generations are folded where keys are looked up all the time") {
  const auto test = make_test_plan(AlignedShape{{1'000'000}, {1'000'000}, {0}});
  test->plan.emit = EmitWhen::kOnChange;
  TestStore store(test->plan);
  const auto lane = make_lane(*test);
  Said said;
  for (int64_t i = 0; i < 40; ++i) {
    add(*lane, *test, {row_at(i, "a"), row_at(i, "k" + std::to_string(i))});
    REQUIRE(lane->advance({i}, said).has_value());
    CHECK(said.take() == Lines{fmt::format("a 1000000: {} rev {}", i + 1, i + 1), fmt::format("k{} 1000000: 1 rev {}", i, i + 1)});
    write(*lane, store.store());
  }
  CHECK(lane->keys() <= 41 + 2 * 8);
  CHECK(lane->keys() >= 41);
  CHECK(lane->dirty_bytes() == 0);
  REQUIRE(lane->advance(Time::max(), said).has_value());
  CHECK(said.take().size() == 41);
  CHECK(lane->keys() == 0);
  CHECK(lane->memory_bytes() == 0);
}

TEST_CASE("slices that expire before a freeze are never written, others are deleted after they were") {
  const auto test = make_test_plan(AlignedShape{{10}, {10}, {0}});
  TestStore store(test->plan);
  const auto lane = make_lane(*test);
  Kept out;
  add(*lane, *test, {row_at(5), row_at(15)});
  REQUIRE(lane->advance({10}, out).has_value());
  write(*lane, store.store());
  CHECK(stored_entries(store.store(), 0, kStep) == 1);
  REQUIRE(lane->advance({20}, out).has_value());
  add(*lane, *test, {row_at(25), row_at(26, "other")});
  write(*lane, store.store());
  CHECK(stored_entries(store.store(), 0, kStep) == 2);
  REQUIRE(lane->advance(Time::max(), out).has_value());
  write(*lane, store.store());
  CHECK(stored_entries(store.store(), 0, kStep) == 0);
  CHECK(out.rows() == 4);
}

TEST_CASE("two window steps share a lane's numbering of generations in the store") {
  const auto one = make_test_plan(AlignedShape{{10}, {10}, {0}});
  const auto two = make_test_plan(AlignedShape{{10}, {10}, {0}});
  TestStore store(one->plan);
  const auto first = make_lane(*one);
  const auto second = make_lane(*two, kStep + 1);
  Kept out;
  for (int64_t i = 0; i < 3; ++i) {
    add(*first, *one, {row_at(5)});
    add(*second, *two, {row_at(6)});
    write(*first, store.store());
    write(*second, store.store());
    first->shed(0);
  }
  REQUIRE(first->advance(Time::max(), out).has_value());
  REQUIRE(second->advance(Time::max(), out).has_value());
  REQUIRE(out.rows() == 2);
  for (const auto& b : out.batches) CHECK(b->columns[3].ints[0] == 3);
}

TEST_CASE("a window larger than memory fires from the store in key order, in whole batches") {
  const auto test = make_test_plan(AlignedShape{{1'000'000}, {1'000'000}, {0}});
  TestStore store(test->plan);
  const auto lane = make_lane(*test);
  constexpr int kKeys = 60'000;
  for (int round = 0; round < 3; ++round) {
    for (int begin = 0; begin < kKeys; begin += 4000) {
      std::vector<TestRow> rows;
      for (int i = begin; i < begin + 4000; ++i) rows.push_back(row_at(i, fmt::format("user-{:07}", (i * 7919) % kKeys)));
      add(*lane, *test, rows);
    }
    if (round == 2) break;  // the last generation stays in memory
    write(*lane, store.store());
    lane->shed(0);
    CHECK(lane->keys() == 0);
    CHECK(lane->memory_bytes() < 1024);
  }
  Counted out;
  REQUIRE(lane->advance(Time::max(), out).has_value());
  CHECK(out.rows == kKeys);
  CHECK(out.counts == 3 * kKeys);
  CHECK(out.batches == (kKeys + Batch::kMaxRows - 1) / Batch::kMaxRows);
  CHECK(out.ascending);
}

TEST_CASE("generations too large to hash together are merged in key order, nothing stored") {
  const auto test = make_test_plan(AlignedShape{{1'000'000}, {1'000'000}, {0}});
  TestStore store(test->plan);
  const auto lane = make_lane(*test);
  constexpr int kKeys = 60'000;
  std::deque<std::unique_ptr<FrozenGeneration>> unwritten;
  for (int round = 0; round < 3; ++round) {
    for (int begin = 0; begin < kKeys; begin += 4000) {
      std::vector<TestRow> rows;
      for (int i = begin; i < begin + 4000; ++i) rows.push_back(row_at(i, fmt::format("user-{:07}", i)));
      add(*lane, *test, rows);
    }
    unwritten.push_back(lane->freeze());
  }
  CHECK(lane->memory_bytes() > size_t{16} << 20);
  CHECK(lane->dirty_bytes() + 4096 > lane->memory_bytes());
  Counted out;
  REQUIRE(lane->advance(Time::max(), out).has_value());
  CHECK(out.rows == kKeys);
  CHECK(out.counts == 3 * kKeys);
  CHECK(out.ascending);
}

TEST_CASE("a quiet lane with few keys in many slices takes little memory") {
  const auto test = make_test_plan(AlignedShape{{60'000'000}, {1'000'000}, {0}});
  const auto lane = make_lane(*test);
  std::vector<TestRow> rows;
  for (int64_t slice = 0; slice < 60; ++slice) {
    for (const char* key : {"a", "b", "c"}) rows.push_back(row_at(slice * 1'000'000, key));
  }
  add(*lane, *test, rows);
  CHECK(lane->keys() == 180);
  // Four states to the first chunk of a table, and one page of a sketch for each key.
  CHECK(lane->memory_bytes() < 60 * (test->plan.state_size * 4 + 3 * 512 + 1024));
}

TEST_CASE("copies of written generations stay bounded in number") {
  const auto test = make_test_plan(AlignedShape{{1'000'000}, {1'000'000}, {0}});
  TestStore store(test->plan);
  const auto lane = make_lane(*test);
  uint64_t most = 0;
  for (int64_t i = 0; i < 40; ++i) {
    add(*lane, *test, {row_at(i)});
    write(*lane, store.store());
    most = std::max(most, lane->keys());
  }
  CHECK(most == 8);
  Counted out;
  REQUIRE(lane->advance(Time::max(), out).has_value());
  CHECK(out.counts == 40);
}

TEST_CASE("a lane's metadata keeps its bytes, comes back, and is refused when damaged") {
  LaneMetadata metadata{{77}, 6, {}, {{Time{10}, Time{20}, 1, Time{5}, true}, {Time{20}, Time{24}, -3, Time::min()}}};
  const std::string bytes = encode_lane_metadata(metadata);
  REQUIRE(bytes.size() == 1 + 8 + 8 + 1 + 2 * 33 + 8);
  CHECK(bytes.substr(0, 27) == std::string("\x02\x4d\0\0\0\0\0\0\0\x06\0\0\0\0\0\0\0\x02\x0a\0\0\0\0\0\0\0\x14", 27));
  CHECK(decode_lane_metadata(bytes).value() == metadata);
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 4);
    CHECK_FALSE(decode_lane_metadata(damaged).has_value());
    CHECK_FALSE(decode_lane_metadata(bytes.substr(0, i)).has_value());
  }
}

TEST_CASE("metadata of an unfinished window has a version of its own") {
  const LaneMetadata metadata{{77}, 6, LaneMetadata::Unfinished{-3, std::string("k\0y", 3)}, {{Time{10}, Time{20}, 1, Time{5}, true}}};
  const std::string bytes = encode_lane_metadata(metadata);
  REQUIRE(bytes.size() == 1 + 8 + 8 + 8 + 1 + 3 + 1 + 33 + 8);
  CHECK(bytes.substr(0, 30) ==
        std::string("\x03\x4d\0\0\0\0\0\0\0\x06\0\0\0\0\0\0\0\xfd\xff\xff\xff\xff\xff\xff\xff\x03k\0y\x01", 30));
  CHECK(decode_lane_metadata(bytes).value() == metadata);
  std::string next = bytes.substr(0, bytes.size() - 8);
  next[0] = 4;
  ByteWriter(next).fixed(checksum64(next));
  REQUIRE_FALSE(decode_lane_metadata(next).has_value());
  const Error refused = decode_lane_metadata(next).error();
  CHECK(refused.fault == Fault::kUser);
  CHECK(refused.message.find("has version 4, and this program reads 1 to 3") != std::string::npos);
}

TEST_CASE("metadata of version 1, without revisions and the ends of slices, is still read") {
  std::string bytes("\x01\x4d\0\0\0\0\0\0\0\x01", 10);
  bytes += std::string("\x0a\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x05\0\0\0\0\0\0\0", 24);
  ByteWriter(bytes).fixed(checksum64(bytes));
  CHECK(decode_lane_metadata(bytes).value() == LaneMetadata{{77}, 0, {}, {{Time{10}, std::nullopt, 1, Time{5}}}});
}

TEST_CASE("between the parts of a window no row counts in it, and what waits for its rows goes on waiting") {
  const auto test = make_test_plan(AlignedShape{{30}, {10}, {0}});
  TestStore store(test->plan);
  auto lane = make_lane(*test);
  struct Parts final : ResultEmitter {
    std::vector<std::pair<std::string, int64_t>> rows;  // key, window end
    void emit(std::unique_ptr<Batch> b) override {
      for (uint32_t i = 0; i < b->rows; ++i) rows.emplace_back(b->columns[0].strings[i], b->columns[2].ints[i]);
    }
    bool wants_pause() override { return true; }
    bool in_parts() const override { return true; }
    bool wants_part() override { return true; }
  } out;
  using Rows = decltype(out.rows);
  REQUIRE(add(*lane, *test, {row_at(5, "b"), row_at(6, "c"), row_at(7, "a")}).empty());
  REQUIRE(lane->advance({10}, out).has_value());
  CHECK(out.rows == Rows{{"a", 10}});
  CHECK(lane->watermark() == Time{9});
  CHECK(lane->has_more());
  // It counts in the windows behind that one only, and not with the key that is still to come.
  REQUIRE(add(*lane, *test, {row_at(8, "c"), row_at(9, "d")}).empty());
  CHECK(lane->counters().updates_missed == 2);
  write(*lane, store.store());
  lane = make_lane(*test, kStep, store.store().view());
  CHECK(lane->watermark() == Time{9});
  REQUIRE(lane->advance({10}, out).has_value());
  REQUIRE(lane->advance({10}, out).has_value());
  CHECK(out.rows == Rows{{"a", 10}, {"b", 10}, {"c", 10}});
  CHECK(lane->watermark() == Time{10});
  CHECK_FALSE(lane->has_more());
  out.rows.clear();
  while (lane->watermark() < Time{20}) REQUIRE(lane->advance({20}, out).has_value());
  CHECK(out.rows == Rows{{"a", 20}, {"b", 20}, {"c", 20}, {"d", 20}});
}

TEST_CASE("a lane whose time zone got new rules under an open window is refused") {
  const int64_t day = 86'400'000'000;
  const auto shape_at = [&](int64_t offset) {
    const std::vector<expr::ZoneChange> changes = {{INT64_MIN, 0}, {86'400 + 7'200, offset}};
    return CalendarShape{CalendarUnit::kDay, "Test/Zone", std::make_shared<const Calendar>(CalendarUnit::kDay, changes)};
  };
  const auto test = make_test_plan(shape_at(0));
  TestStore store(test->plan);
  const auto lane = make_lane(*test);
  add(*lane, *test, {row_at(day + 5)});
  write(*lane, store.store());
  Kept out;
  const auto restored = make_lane(*test, kStep, store.store().view());
  REQUIRE(restored->advance(Time::max(), out).has_value());
  REQUIRE(out.rows() == 1);
  CHECK(out.batches[0]->columns[2].ints[0] == 2 * day);
  const auto other = make_test_plan(shape_at(3'600));  // that day has 23 hours now
  const auto refused = make_window_lane(other->plan, kStep, 0, store.store().view());
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().fault == Fault::kUser);
  CHECK(refused.error().message.find("1970-01-03T00:00:00Z when its state was written is 1970-01-02T00:00:00Z to "
                                     "1970-01-02T23:00:00Z now") != std::string::npos);
}

TEST_CASE("a growing window takes on what it had: each slice is joined once") {
  const auto test = make_test_plan(CumulativeShape{{1000}, {100}, {0}});
  const auto lane = make_lane(*test);
  for (int64_t at = 50; at < 1000; at += 100) add(*lane, *test, {row_at(at), row_at(at, "other" + std::to_string(at))});
  Kept out;
  REQUIRE(lane->advance({1000}, out).has_value());
  CHECK(out.rows() == 2 + 3 + 4 + 5 + 6 + 7 + 8 + 9 + 10 + 11);
  CHECK(lane->memory_bytes() == 0);
}

TEST_CASE("states that cannot be read are an error, never a wrong row") {
  const auto test = make_test_plan(AlignedShape{{10}, {10}, {0}});
  TestStore store(test->plan);
  const auto lane = make_lane(*test);
  add(*lane, *test, {row_at(5)});
  write(*lane, store.store());
  lane->shed(0);
  WriteSet damage(0, store.store().view()->generation(0) + 1);
  const KeyRange range = slice_range(0, kStep, {10}, {10});
  damage.put(store.store().view()->scan(range.begin, range.end).key(), "no state");
  REQUIRE(store.store().apply(std::move(damage)).has_value());
  const auto restored = make_lane(*test, kStep, store.store().view());
  Kept out;
  const Status fired = restored->advance(Time::max(), out);
  REQUIRE_FALSE(fired.has_value());
  CHECK(fired.error().fault == Fault::kExternal);
  CHECK(out.rows() == 0);
  std::string accumulator = "no state";
  CHECK_FALSE(merge_window_states(test->plan, accumulator, "no state"));
}

}  // namespace tidemark
