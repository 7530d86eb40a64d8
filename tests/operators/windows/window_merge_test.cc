// Bringing tables together: the same rows whether tables are joined, hashed together or sorted, and whether what
// consecutive windows share is kept or not.
#include "operators/windows/window_merge.h"

#include <bit>
#include <deque>
#include <limits>
#include <map>
#include <random>

#include "operators/aggregates/numeric_sums.h"
#include "operators/key_codec.h"
#include "operators/windows/sliding_total.h"
#include "tests/catch.h"
#include "tests/operators/windows/lane_harness.h"

namespace tidemark {
namespace {

// By key: how many rows there were, and the bits of the sum of their amounts.
struct Total {
  int64_t rows = 0;
  double amount = -0.0;
  friend bool operator==(const Total& a, const Total& b) {
    return a.rows == b.rows && std::bit_cast<uint64_t>(a.amount) == std::bit_cast<uint64_t>(b.amount);
  }
};
using Totals = std::map<std::string, Total>;

struct TotalsKept final : ResultEmitter {
  Totals totals;
  void emit(std::unique_ptr<Batch> batch) override {
    for (uint32_t i = 0; i < batch->rows; ++i) {
      REQUIRE(batch->columns[5].valid[i]);
      const Total total{batch->columns[3].ints[i], batch->columns[5].doubles[i]};
      REQUIRE(totals.emplace(batch->columns[0].strings[i], total).second);
    }
  }
};

// What can be added up in any order without an error.
const std::vector<double> kUsual = {1.5, -2.25, 0.0, 77.0};
const std::vector<double> kOdd = {1.5, -2.25, 0.0, -0.0, -0.0, std::numeric_limits<double>::infinity()};

// `rows` rows with keys out of `distinct`, also in `expected`.
HotTable random_table(std::mt19937_64& rng, const TestPlan& test, const StateBlock& block, size_t rows, uint64_t distinct,
                      Totals& expected, std::span<const double> amounts = kUsual) {
  HotTable table(block.blank());
  for (size_t i = 0; i < rows; ++i) {
    const std::string name = "key-" + std::to_string(rng() % distinct);
    const std::string key = '\1' + name;
    const double amount = amounts[rng() % amounts.size()];
    std::byte* const states = table.find_or_insert(key, hash_key(key));
    ++*reinterpret_cast<uint64_t*>(states + test.plan.aggregates[0].state_offset);  // of count()
    auto& sum = *reinterpret_cast<DoubleSum*>(states + test.plan.aggregates[2].state_offset);
    sum.sum.add(amount, table.heap());
    ++sum.count;
    Total& total = expected[name];
    ++total.rows;
    total.amount += amount;
  }
  return table;
}

Totals written(const TestPlan& test, const StateBlock& block, std::vector<const HotTable*> tables) {
  TotalsKept out;
  WindowCounters counters;
  ResultWriter writer(test.plan, out, counters);
  writer.begin({Time{0}, Time{1000}});
  REQUIRE(write_window({std::move(tables), {}}, nullptr, block, writer).has_value());
  writer.finish();
  return out.totals;
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
    Totals expected;
    std::deque<HotTable> tables;
    std::vector<const HotTable*> sources;
    for (size_t t = 0; t < s.tables; ++t) {
      sources.push_back(&tables.emplace_back(random_table(rng, *test, block, t == 2 ? 0 : s.rows, s.distinct, expected)));
    }
    REQUIRE(written(*test, block, sources) == expected);
  }
}

namespace {

struct ComingSlice {
  Time start;
  Totals totals;
  std::deque<HotTable> tables;

  SlidingTotal::Member member() const {
    SlidingTotal::Member out{start, {}};
    for (const HotTable& table : tables) out.tables.push_back(&table);
    return out;
  }
  // As when copies of what is stored are brought together.
  void fold(const StateBlock& block) {
    HotTable folded(block.blank());
    for (const HotTable& table : tables) merge_table(table, block, folded);
    tables.clear();
    tables.push_back(std::move(folded));
  }
};

// The slices of a window by its number, each of one table.
std::vector<SlidingTotal::Member> members_of(const std::deque<HotTable>& tables, int64_t window) {
  std::vector<SlidingTotal::Member> members;
  for (size_t i = 0; i < tables.size(); ++i) {
    members.push_back({{window - static_cast<int64_t>(tables.size() - i)}, {&tables[i]}});
  }
  return members;
}

// Slices that come and go, and a running total that is mostly told which go.
void check_running_total(const TestPlan& test, std::span<const double> amounts, uint64_t seed) {
  const StateBlock block(test.plan);
  INFO("seed " << seed);
  std::mt19937_64 rng(seed);
  SlidingTotal total(block);
  std::deque<ComingSlice> slices;
  int64_t now = 0;
  for (int window = 0; window < 80; ++window) {
    for (uint64_t gone = rng() % 3; gone > 0 && !slices.empty(); --gone) {
      if (rng() % 4 == 0) slices.front().fold(block);
      if (rng() % 10 != 0) total.leave(std::vector{slices.front().member()});
      slices.pop_front();
    }
    if (rng() % 20 == 0) slices.clear();
    for (uint64_t come = rng() % 4; come > 0; --come) {
      ComingSlice& slice = slices.emplace_back();
      slice.start = {now += 1 + static_cast<int64_t>(rng() % 5)};
      for (uint64_t n = rng() % 3; n > 0; --n) {
        slice.tables.push_back(random_table(rng, test, block, rng() % 8, 10, slice.totals, amounts));
      }
    }
    if (rng() % 30 == 0) total.clear();
    std::vector<SlidingTotal::Member> members;
    Totals expected;
    for (const ComingSlice& slice : slices) {
      members.push_back(slice.member());
      for (const auto& [key, more] : slice.totals) {
        expected[key].rows += more.rows;
        expected[key].amount += more.amount;
      }
    }
    std::vector<const HotTable*> sources;
    total.collect(members, sources);
    REQUIRE(written(test, block, sources) == expected);
  }
  total.clear();
  CHECK(total.bytes() == 0);
}

}  // namespace

TEST_CASE("a running total holds each slice of a window once, whatever comes and goes") {
  const AlignedShape shape{{1000}, {1000}, {0}};
  const auto stacked = make_test_plan(shape);
  const auto taken_back = make_plan_of_sums(shape);
  REQUIRE_FALSE(StateBlock(stacked->plan).retracts());
  REQUIRE(StateBlock(taken_back->plan).retracts());
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    check_running_total(*stacked, kUsual, seed);
    check_running_total(*taken_back, kUsual, seed);
    check_running_total(*taken_back, kOdd, seed);  // which cannot be taken back
  }
}

TEST_CASE("a running total of what can be taken back is one table without what has gone") {
  const auto test = make_plan_of_sums(AlignedShape{{1000}, {1000}, {0}});
  const StateBlock block(test->plan);
  std::mt19937_64 rng(1);
  Totals all;
  std::deque<HotTable> tables;
  SlidingTotal total(block);
  for (int64_t window = 0; window < 100; ++window) {
    tables.push_back(random_table(rng, *test, block, 3, 1'000'000'000, all));  // no key comes twice
    const std::vector<SlidingTotal::Member> members = members_of(tables, window);
    std::vector<const HotTable*> sources;
    total.collect(members, sources);
    REQUIRE(sources.size() == 1);
    REQUIRE(sources[0]->size() == 3 * tables.size());
    if (tables.size() < 20) continue;
    total.leave(std::span(members).first(1));
    tables.pop_front();
  }
}

TEST_CASE("a running total keeps a window of many slices in few tables") {
  const auto test = make_test_plan(AlignedShape{{1000}, {1000}, {0}});
  const StateBlock block(test->plan);
  std::mt19937_64 rng(1);
  Totals all;
  std::deque<HotTable> tables;
  SlidingTotal total(block);
  for (int64_t window = 0; window < 300; ++window) {
    tables.push_back(random_table(rng, *test, block, 5, 5, all));
    if (tables.size() > 60) tables.pop_front();
    const std::vector<SlidingTotal::Member> members = members_of(tables, window);
    std::vector<const HotTable*> sources;
    total.collect(members, sources);
    REQUIRE(sources.size() <= 5);
    REQUIRE(total.bytes() <= 30 * tables.back().bytes());  // sixty slices; each suffix may hold all keys
  }
}

}  // namespace tidemark
