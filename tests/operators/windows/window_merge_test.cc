// Bringing tables together: the same rows whether tables are joined, hashed together or sorted, and whether what
// consecutive windows share is kept or not.
#include "operators/windows/window_merge.h"

#include <deque>
#include <map>
#include <random>

#include "operators/key_codec.h"
#include "operators/windows/sliding_total.h"
#include "tests/catch.h"
#include "tests/operators/windows/lane_harness.h"

namespace tidemark {
namespace {

using Counts = std::map<std::string, int64_t>;

struct CountsKept final : ResultEmitter {
  Counts counts;
  void emit(std::unique_ptr<Batch> batch) override {
    for (uint32_t i = 0; i < batch->rows; ++i) {
      REQUIRE(counts.emplace(batch->columns[0].strings[i], batch->columns[3].ints[i]).second);
    }
  }
};

// Counts `rows` keys out of `distinct`, also in `expected`.
HotTable random_table(std::mt19937_64& rng, const StateBlock& block, size_t rows, uint64_t distinct, Counts& expected) {
  HotTable table(block.blank());
  for (size_t i = 0; i < rows; ++i) {
    const std::string name = "key-" + std::to_string(rng() % distinct);
    const std::string key = '\1' + name;
    ++*reinterpret_cast<uint64_t*>(table.find_or_insert(key, hash_key(key)));  // count() is the first state
    ++expected[name];
  }
  return table;
}

Counts written(const TestPlan& test, const StateBlock& block, std::vector<const HotTable*> tables) {
  CountsKept out;
  WindowCounters counters;
  ResultWriter writer(test.plan, out, counters);
  writer.begin({Time{0}, Time{1000}});
  REQUIRE(write_window({std::move(tables), {}}, nullptr, block, writer).has_value());
  writer.finish();
  return out.counts;
}

}  // namespace

TEST_CASE("tables give the same rows however many and however large they are") {
  const auto test = make_test_plan(AlignedShape{{1000}, {1000}, {0}});
  const StateBlock block(test->plan);
  std::mt19937_64 rng(1);
  struct Shape {
    size_t tables, rows;
    uint64_t distinct;
  };
  // One; joined; hashed together; too large for that, joined; and too many as well, sorted.
  for (const Shape& s : {Shape{1, 100, 50}, Shape{2, 5000, 4000}, Shape{4, 3000, 1000000}, Shape{9, 30, 20},
                         Shape{6, 20'000, 15'000}, Shape{20, 5'000, 6'000}}) {
    INFO(s.tables << " tables of " << s.rows << " rows");
    Counts expected;
    std::deque<HotTable> tables;
    std::vector<const HotTable*> sources;
    for (size_t t = 0; t < s.tables; ++t) {
      sources.push_back(&tables.emplace_back(random_table(rng, block, t == 2 ? 0 : s.rows, s.distinct, expected)));
    }
    REQUIRE(written(*test, block, sources) == expected);
  }
}

TEST_CASE("a running total holds each slice of a window once, whatever comes and goes") {
  const auto test = make_test_plan(AlignedShape{{1000}, {1000}, {0}});
  const StateBlock block(test->plan);
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    INFO("seed " << seed);
    std::mt19937_64 rng(seed);
    SlidingTotal total(block);
    std::deque<Counts> counts;  // of the slices of the window
    std::deque<std::vector<HotTable>> tables;
    std::deque<Time> starts;
    int64_t now = 0;
    for (int window = 0; window < 80; ++window) {
      for (uint64_t gone = rng() % 3; gone-- > 0 && !starts.empty();) {
        starts.pop_front(), tables.pop_front(), counts.pop_front();
      }
      if (rng() % 20 == 0) starts.clear(), tables.clear(), counts.clear();
      for (uint64_t come = rng() % 4; come-- > 0;) {
        starts.push_back({now += 1 + static_cast<int64_t>(rng() % 5)});
        counts.emplace_back();
        tables.emplace_back();
        for (uint64_t n = rng() % 3; n-- > 0;) tables.back().push_back(random_table(rng, block, rng() % 8, 10, counts.back()));
      }
      if (rng() % 30 == 0) total.clear();
      std::vector<SlidingTotal::Member> members;
      Counts expected;
      for (size_t i = 0; i < starts.size(); ++i) {
        members.push_back({starts[i], {}});
        for (const HotTable& table : tables[i]) members.back().tables.push_back(&table);
        for (const auto& [key, n] : counts[i]) expected[key] += n;
      }
      std::vector<const HotTable*> sources;
      total.collect(members, sources);
      REQUIRE(written(*test, block, sources) == expected);
    }
    total.clear();
    CHECK(total.bytes() == 0);
  }
}

TEST_CASE("a running total keeps a window of many slices in few tables") {
  const auto test = make_test_plan(AlignedShape{{1000}, {1000}, {0}});
  const StateBlock block(test->plan);
  std::mt19937_64 rng(1);
  Counts all;
  std::deque<HotTable> tables;
  SlidingTotal total(block);
  for (int64_t window = 0; window < 300; ++window) {
    tables.push_back(random_table(rng, block, 5, 5, all));
    if (tables.size() > 60) tables.pop_front();
    std::vector<SlidingTotal::Member> members;
    for (size_t i = 0; i < tables.size(); ++i) members.push_back({{window - static_cast<int64_t>(tables.size() - i)}, {&tables[i]}});
    std::vector<const HotTable*> sources;
    total.collect(members, sources);
    REQUIRE(sources.size() <= 5);
    REQUIRE(total.bytes() <= 30 * tables.back().bytes());  // sixty slices; each suffix may hold all keys
  }
}

}  // namespace tidemark
