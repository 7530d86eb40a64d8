// What a session lane does beyond the rows that the oracle knows: who refused a late row, what lies in the store, what is
// put together from there, the order of what fires, and the ends of the line of time.
#include "operators/windows/session_window_lane.h"

#include <fmt/format.h>

#include "tests/catch.h"
#include "tests/operators/windows/lane_calls.h"

namespace tidemark {
namespace {

constexpr SessionShape kGapOf10{{10}, std::nullopt};

struct Session {
  std::string key;
  int64_t start;
  int64_t end;
  int64_t count;
  bool operator==(const Session&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Session& s) {
  return out << s.key << " [" << s.start << ", " << s.end << "): " << s.count;
}

std::vector<Session> sessions_of(const Kept& kept) {
  std::vector<Session> sessions;
  for (const auto& b : kept.batches) {
    for (uint32_t i = 0; i < b->rows; ++i) {
      const auto& c = b->columns;
      sessions.push_back({std::string(c[0].strings[i]), c[1].ints[i], c[2].ints[i], c[3].ints[i]});
    }
  }
  return sessions;
}

std::vector<Session> advance(WindowLane& lane, Time to) {
  Kept out;
  REQUIRE(lane.advance(to, out).has_value());
  return sessions_of(out);
}

using Sessions = std::vector<Session>;
using Lines = std::vector<std::string>;

// "KEY [START, END): COUNT rev REVISION", and whether that is final or withdrawn, as it was said.
struct Said final : ResultEmitter {
  Lines lines;
  void emit(std::unique_ptr<Batch> b) override {
    const auto& c = b->columns;
    for (uint32_t i = 0; i < b->rows; ++i) {
      lines.push_back(fmt::format("{} [{}, {}): {} rev {}{}{}", c[0].strings[i], c[1].ints[i], c[2].ints[i], c[3].ints[i],
                                  c[14].ints[i], c[15].bools[i] ? " final" : "", c[13].bools[i] ? " withdrawn" : ""));
    }
  }
};

Lines said_at(WindowLane& lane, Time to) {
  Said said;
  REQUIRE(lane.advance(to, said).has_value());
  REQUIRE_FALSE(lane.has_more());
  return said.lines;
}

}  // namespace

TEST_CASE("a session fires when the watermark reaches its end, and not before") {
  const auto test = make_test_plan(kGapOf10);
  const auto lane = make_lane(*test);
  REQUIRE(add(*lane, *test, {row_at(1, "a"), row_at(7, "b"), row_at(9, "a"), row_at(20, "c")}).empty());
  CHECK(advance(*lane, {16}).empty());
  CHECK(advance(*lane, {17}) == Sessions{{"b", 7, 17, 1}});
  CHECK(advance(*lane, {18}).empty());
  CHECK(advance(*lane, {25}) == Sessions{{"a", 1, 19, 2}});
  CHECK(advance(*lane, {30}) == Sessions{{"c", 20, 30, 1}});
  CHECK(lane->keys() == 0);
  CHECK(lane->memory_bytes() == 0);
}

TEST_CASE("a row at the very end of a session that fired is another session, and none can reach back") {
  const auto test = make_test_plan(kGapOf10);
  const auto lane = make_lane(*test);
  add(*lane, *test, {row_at(5)});
  CHECK(advance(*lane, {15}) == Sessions{{"k", 5, 15, 1}});
  REQUIRE(add(*lane, *test, {row_at(15)}).empty());
  const auto refused = add(*lane, *test, {row_at(14)});
  REQUIRE(refused.size() == 1);
  CHECK(refused[0].reason == LateReason::kIdle);
  CHECK(refused[0].watermark == Time{15});
  CHECK(advance(*lane, Time::max()) == Sessions{{"k", 15, 25, 1}});
}

TEST_CASE("a row behind its own partition's watermark is late, though the lane would take it") {
  const auto test = make_test_plan(kGapOf10);
  const auto lane = make_lane(*test);
  TestRow behind = row_at(20);
  behind.watermark = {21};
  TestRow at = row_at(21);
  at.watermark = {21};
  const auto refused = add(*lane, *test, {behind, at});
  REQUIRE(refused.size() == 1);
  CHECK(refused[0].reason == LateReason::kLate);
  CHECK(refused[0].watermark == Time{21});
  CHECK(lane->counters().late == 1);
  CHECK(lane->counters().counted == 1);
}

TEST_CASE("a partition far ahead of the lane starts sessions that one behind it bridges") {
  const auto test = make_test_plan(kGapOf10);
  const auto lane = make_lane(*test);
  TestRow ahead = row_at(58);
  ahead.watermark = {58};
  TestRow further = row_at(75);
  further.watermark = {58};
  add(*lane, *test, {ahead, further});
  CHECK(advance(*lane, {40}).empty());
  TestRow slow = row_at(67);
  slow.watermark = {40};
  REQUIRE(add(*lane, *test, {slow, row_at(50)}).empty());
  CHECK(advance(*lane, Time::max()) == Sessions{{"k", 50, 85, 4}});
}

TEST_CASE("a record between two sessions in the store makes them one, and nothing is read for it") {
  const auto test = make_test_plan(kGapOf10);
  TestStore store(test->plan);
  auto lane = make_lane(*test);
  add(*lane, *test, {row_at(5), row_at(21), row_at(5, "other"), row_at(21, "other")});
  write(*lane, store.store());
  lane->shed(0);
  CHECK(lane->keys() == 0);
  add(*lane, *test, {row_at(13)});
  CHECK(lane->keys() == 1);
  SECTION("at once") {}
  SECTION("after a restart that finds it stored") {
    write(*lane, store.store());
    lane = make_lane(*test, kStep, store.store().view());
  }
  auto fired = advance(*lane, {100});
  std::ranges::sort(fired, {}, [](const Session& s) { return std::pair(s.end, s.start); });
  CHECK(fired == Sessions{{"other", 5, 15, 1}, {"k", 5, 31, 3}, {"other", 21, 31, 1}});
}

TEST_CASE("what fired or was joined before a restart is neither fired nor joined again") {
  const auto test = make_test_plan(kGapOf10);
  TestStore store(test->plan);
  auto lane = make_lane(*test);
  add(*lane, *test, {row_at(1, "short"), row_at(3, "long"), row_at(9, "last"), row_at(12, "long")});
  CHECK(advance(*lane, {14}) == Sessions{{"short", 1, 11, 1}});  // and `long` has been joined
  write(*lane, store.store());
  lane = make_lane(*test, kStep, store.store().view());
  CHECK(lane->watermark() == Time{14});
  CHECK(advance(*lane, Time::max()) == Sessions{{"last", 9, 19, 1}, {"long", 3, 22, 2}});
}

TEST_CASE("an endless session takes no more room than a short one") {
  const auto test = make_test_plan(kGapOf10);
  TestStore store(test->plan);
  const auto lane = make_lane(*test);
  for (int64_t t = 0; t < 2000; t += 5) {
    add(*lane, *test, {row_at(t)});
    REQUIRE(advance(*lane, {t}).empty());
    REQUIRE(lane->keys() <= 3);
    if (t % 35 == 0) {
      write(*lane, store.store());
      lane->shed(0);
      REQUIRE(stored_entries(store.store(), 0, kStep) <= 3);
    }
  }
  CHECK(advance(*lane, Time::max()) == Sessions{{"k", 0, 2005, 400}});
}

TEST_CASE("max cuts at its multiples from the epoch, in any order of rows") {
  const auto test = make_test_plan(SessionShape{{10}, Duration{25}});
  for (const bool turned : {false, true}) {
    const auto lane = make_lane(*test);
    std::vector<TestRow> rows;
    for (int64_t t = 18; t <= 54; t += 6) rows.push_back(row_at(t));
    if (turned) std::ranges::reverse(rows);
    add(*lane, *test, rows);
    CHECK(advance(*lane, {49}) == Sessions{{"k", 18, 25, 2}});
    CHECK(advance(*lane, {50}) == Sessions{{"k", 30, 50, 4}});
    CHECK(advance(*lane, Time::max()) == Sessions{{"k", 54, 64, 1}});
  }
}

TEST_CASE("a result bears the newest Kafka time of its session, and none later than its end") {
  const auto test = make_test_plan(SessionShape{Duration::seconds(10), std::nullopt});
  const auto lane = make_lane(*test);
  TestRow early = row_at(1'000'000, "a");
  early.kafka_time = {3'000'000};
  TestRow second = row_at(2'000'000, "a");
  second.kafka_time = {2'500'000};
  TestRow future = row_at(1'000'000, "b");
  future.kafka_time = {99'000'000};
  TestRow none = row_at(1'000'000, "c");
  none.kafka_time = Time::min();
  add(*lane, *test, {early, second, future, none});
  Kept out;
  REQUIRE(lane->advance(Time::max(), out).has_value());
  std::map<std::string, Time> stamps;
  for (const auto& b : out.batches) {
    for (uint32_t i = 0; i < b->rows; ++i) stamps[std::string(b->columns[0].strings[i])] = b->kafka_times[i];
  }
  CHECK(stamps == std::map<std::string, Time>{{"a", {3'000'000}}, {"b", {10'999'000}}, {"c", {10'999'000}}});
}

TEST_CASE("sessions larger than memory fire from the store in order of their ends, in several passes") {
  const bool cut = GENERATE(false, true);
  const auto test = make_test_plan(SessionShape{{1'000'000}, cut ? std::optional(Duration{1'000'000}) : std::nullopt});
  TestStore store(test->plan);
  const auto lane = make_lane(*test);
  constexpr int kKeys = 60'000;
  CHECK(size_t{kKeys} * test->plan.state_size > size_t{16} << 20);  // more than one pass gathers
  for (int round = 0; round < 3; ++round) {
    for (int begin = 0; begin < kKeys; begin += 4000) {
      std::vector<TestRow> rows;
      for (int i = begin; i < begin + 4000; ++i) {
        // Every other session goes on in the next segment.
        const bool goes_on = round == 2 && i % 2 == 1;
        rows.push_back(row_at((i * 7919LL) % 900'000 + (goes_on ? 950'000 : round), fmt::format("user-{:07}", i)));
      }
      add(*lane, *test, rows);
    }
    if (round == 1) continue;  // this and the next go together
    write(*lane, store.store());
    lane->shed(0);
    CHECK(lane->memory_bytes() < 1024);
  }
  struct ByEnd final : ResultEmitter {
    size_t rows = 0;
    int64_t counts = 0;
    int64_t last_end = 0;
    bool in_order = true;
    void emit(std::unique_ptr<Batch> b) override {
      rows += b->rows;
      for (uint32_t i = 0; i < b->rows; ++i) {
        counts += b->columns[3].ints[i];
        in_order = in_order && last_end <= b->columns[2].ints[i];
        last_end = b->columns[2].ints[i];
      }
    }
    bool wants_pause() override { return true; }
  } out;
  while (lane->watermark() < Time::max()) REQUIRE(lane->advance(Time::max(), out).has_value());
  CHECK(out.counts == 3 * kKeys);
  CHECK(out.rows > kKeys - 1);
  CHECK(out.in_order);
  CHECK(lane->memory_bytes() == 0);
}

TEST_CASE("copies that are shed amid firing are read again") {
  const auto test = make_test_plan(kGapOf10);
  TestStore store(test->plan);
  const auto lane = make_lane(*test);
  std::vector<TestRow> rows;
  for (int64_t t = 0; t < 10; ++t) rows.push_back(row_at(t, fmt::format("key-{}", t)));
  add(*lane, *test, rows);
  write(*lane, store.store());
  for (int64_t t = 0; t < 10; ++t) {
    CHECK(advance(*lane, {t + 10}) == Sessions{{fmt::format("key-{}", t), t, t + 10, 1}});
    lane->shed(0);
    if (t % 3 == 0) write(*lane, store.store());
  }
  CHECK(lane->keys() == 0);
  write(*lane, store.store());
  CHECK(stored_entries(store.store(), 0, kStep) == 0);
}

TEST_CASE("a leap over an empty stretch does not visit its segments") {
  const auto test = make_test_plan(kGapOf10);
  const auto lane = make_lane(*test);
  add(*lane, *test, {row_at(0), row_at(3'000'000'000'000'000)});
  CHECK(advance(*lane, Time::max()).size() == 2);
}

TEST_CASE("sessions at both ends of time fire once each") {
  const auto test = make_test_plan(SessionShape{{10}, Duration{25}});
  const auto lane = make_lane(*test);
  add(*lane, *test, {row_at(Time::min().us + 1, "first"), row_at(Time::max().us - 1, "last"), row_at(Time::max().us, "last")});
  // The first one is cut: a multiple of 25 lies 8 behind the beginning of time.
  CHECK(advance(*lane, {Time::max().us - 1}) == Sessions{{"first", Time::min().us + 1, Time::min().us + 8, 1}});
  CHECK(advance(*lane, Time::max()) == Sessions{{"last", Time::max().us - 1, Time::max().us, 2}});
  CHECK(lane->keys() == 0);
}

TEST_CASE("session states that cannot be read are an error, never a wrong row") {
  const auto test = make_test_plan(kGapOf10);
  TestStore store(test->plan);
  const auto lane = make_lane(*test);
  add(*lane, *test, {row_at(5), row_at(12)});
  write(*lane, store.store());
  const int64_t damaged_segment = GENERATE(10, 20);
  WriteSet damage(0, store.store().view()->generation(0) + 1);
  const KeyRange range = slice_range(0, kStep, {damaged_segment}, {damaged_segment});
  damage.put(store.store().view()->scan(range.begin, range.end).key(), "no state");
  REQUIRE(store.store().apply(std::move(damage)).has_value());
  const auto restored = make_lane(*test, kStep, store.store().view());
  Kept out;
  const Status fired = restored->advance(Time::max(), out);
  REQUIRE_FALSE(fired.has_value());
  CHECK(fired.error().fault == Fault::kExternal);
  CHECK(out.rows() == 0);
}

TEST_CASE("on_change speaks once for a key and batch, and withdraws what is no session any more") {
  const auto test = make_test_plan(kGapOf10, {}, EmitWhen::kOnChange);
  const auto lane = make_lane(*test);
  add(*lane, *test, {row_at(5), row_at(7), row_at(25)});
  CHECK(lane->has_more());
  CHECK(said_at(*lane, {0}) == Lines{"k [5, 17): 2 rev 1", "k [25, 35): 1 rev 1"});
  CHECK(said_at(*lane, {1}).empty());
  add(*lane, *test, {row_at(6)});
  CHECK(said_at(*lane, {1}) == Lines{"k [5, 17): 3 rev 2"});
  add(*lane, *test, {row_at(16)});
  CHECK(said_at(*lane, {1}) ==
        Lines{"k [5, 17): 0 rev 3 final withdrawn", "k [25, 35): 0 rev 2 final withdrawn", "k [5, 35): 5 rev 4"});
  CHECK(said_at(*lane, {34}).empty());
  CHECK(said_at(*lane, {35}) == Lines{"k [5, 35): 5 rev 5 final"});
  CHECK(lane->memory_bytes() == 0);
}

TEST_CASE("what was said is remembered in the store, and withdrawn after a restart") {
  const auto test = make_test_plan(kGapOf10, {}, EmitWhen::kOnChange);
  TestStore store(test->plan);
  auto lane = make_lane(*test);
  add(*lane, *test, {row_at(5), row_at(5, "other"), row_at(25)});
  CHECK(said_at(*lane, {0}).size() == 3);
  write(*lane, store.store());
  SECTION("in the store alone") { lane->shed(0); }
  SECTION("after a restart") { lane = make_lane(*test, kStep, store.store().view()); }
  CHECK(said_at(*lane, {1}).empty());
  add(*lane, *test, {row_at(14)});
  CHECK(said_at(*lane, {1}) == Lines{"k [5, 15): 0 rev 2 final withdrawn", "k [5, 24): 2 rev 3"});
  CHECK(said_at(*lane, {24}) == Lines{"other [5, 15): 1 rev 2 final", "k [5, 24): 2 rev 4 final"});
  CHECK(said_at(*lane, {35}) == Lines{"k [25, 35): 1 rev 2 final"});
}

TEST_CASE("with lateness a session speaks at its end, again when late records change it, and last when none can come") {
  const auto test = make_test_plan(kGapOf10, {20});
  const auto lane = make_lane(*test);
  add(*lane, *test, {row_at(5), row_at(40)});
  CHECK(said_at(*lane, {14}).empty());
  CHECK(said_at(*lane, {15}) == Lines{"k [5, 15): 1 rev 1"});
  REQUIRE(add(*lane, *test, {row_at(6), row_at(5, "late")}).empty());
  CHECK(said_at(*lane, {15}) == Lines{"k [5, 15): 0 rev 2 final withdrawn", "late [5, 15): 1 rev 1"});
  CHECK(said_at(*lane, {16}) == Lines{"k [5, 16): 2 rev 3"});
  REQUIRE(add(*lane, *test, {row_at(-4)}).empty());
  CHECK(said_at(*lane, {17}) == Lines{"k [5, 16): 0 rev 4 final withdrawn", "k [-4, 16): 3 rev 5"});
  CHECK(add(*lane, *test, {row_at(-4)}).size() == 1);
  CHECK(said_at(*lane, {34}).empty());
  CHECK(said_at(*lane, {35}) == Lines{"late [5, 15): 1 rev 2 final"});
  CHECK(said_at(*lane, {36}) == Lines{"k [-4, 16): 3 rev 6 final"});
  CHECK(said_at(*lane, Time::max()) == Lines{"k [40, 50): 1 rev 1 final"});
}

TEST_CASE("a late record may bridge sessions that have spoken") {
  const auto test = make_test_plan(kGapOf10, {100});
  const auto lane = make_lane(*test);
  add(*lane, *test, {row_at(5), row_at(22), row_at(60)});
  CHECK(said_at(*lane, {40}) == Lines{"k [5, 15): 1 rev 1", "k [22, 32): 1 rev 1"});
  add(*lane, *test, {row_at(14)});
  CHECK(said_at(*lane, {40}) ==
        Lines{"k [5, 15): 0 rev 2 final withdrawn", "k [22, 32): 0 rev 2 final withdrawn", "k [5, 32): 3 rev 3"});
  CHECK(said_at(*lane, {132}) == Lines{"k [5, 32): 3 rev 4 final", "k [60, 70): 1 rev 1"});
}

TEST_CASE("every period sessions that changed speak, and the others do not") {
  const auto test = make_test_plan(kGapOf10, {}, EmitWhen::kEvery, {8});
  const auto lane = make_lane(*test);
  add(*lane, *test, {row_at(1), row_at(1, "other")});
  CHECK(said_at(*lane, {1}).size() == 2);
  add(*lane, *test, {row_at(5)});
  CHECK(said_at(*lane, {7}).empty());
  CHECK(said_at(*lane, {8}) == Lines{"k [1, 11): 0 rev 2 final withdrawn", "k [1, 15): 2 rev 3"});
  add(*lane, *test, {row_at(9)});
  CHECK(said_at(*lane, {15}) == Lines{"other [1, 11): 1 rev 2 final"});
  CHECK(said_at(*lane, {16}) == Lines{"k [1, 15): 0 rev 4 final withdrawn", "k [1, 19): 3 rev 5"});
  CHECK(said_at(*lane, {19}) == Lines{"k [1, 19): 3 rev 6 final"});
}

TEST_CASE("rounds pause, and what memory has forgotten is asked of the store") {
  const auto test = make_test_plan(kGapOf10, {}, EmitWhen::kOnChange);
  TestStore store(test->plan);
  const auto lane = make_lane(*test);
  std::vector<TestRow> rows;
  for (int i = 0; i < 2000; ++i) rows.push_back(row_at(i % 10, fmt::format("key-{}", i)));
  add(*lane, *test, rows);
  const bool forget = GENERATE(false, true);
  if (forget) {
    write(*lane, store.store());
    lane->shed(0);
    CHECK(lane->memory_bytes() < 4096);
  }
  struct Pausing final : ResultEmitter {
    size_t rows = 0;
    void emit(std::unique_ptr<Batch> b) override { rows += b->rows; }
    bool wants_pause() override { return true; }
  } pausing;
  size_t calls = 0;
  while (lane->has_more()) {
    REQUIRE(lane->advance({0}, pausing).has_value());
    ++calls;
  }
  CHECK(pausing.rows == 2000);
  CHECK(calls == (forget ? 1 : 8));
  CHECK(said_at(*lane, {19}).size() == 2000);
}

}  // namespace tidemark
