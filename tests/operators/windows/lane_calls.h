// Calls of a single lane, for tests that look at one thing: rows in, a generation written, result rows kept or counted.
// What the rows ought to be is each test's own.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "operators/windows/window_lane.h"
#include "tests/catch.h"
#include "tests/operators/windows/lane_harness.h"

namespace tidemark {

struct Kept final : ResultEmitter {
  std::vector<std::unique_ptr<Batch>> batches;
  void emit(std::unique_ptr<Batch> b) override { batches.push_back(std::move(b)); }
  size_t rows() const {
    size_t n = 0;
    for (const auto& b : batches) n += b->rows;
    return n;
  }
};

struct Counted final : ResultEmitter {
  size_t rows = 0;
  int64_t counts = 0;
  size_t batches = 0;
  std::string last_key;
  bool ascending = true;
  void emit(std::unique_ptr<Batch> b) override {
    ++batches;
    rows += b->rows;
    for (uint32_t i = 0; i < b->rows; ++i) {
      counts += b->columns[3].ints[i];
      ascending = ascending && last_key < b->columns[0].strings[i];
      last_key = b->columns[0].strings[i];
    }
  }
};

inline TestRow row_at(int64_t us, std::string key = "k") {
  TestRow row;
  row.event_time = {us};
  row.kafka_time = {us};
  row.key = std::move(key);
  row.number = 1;
  return row;
}

inline constexpr uint16_t kStep = 7;

inline std::unique_ptr<WindowLane> make_lane(const TestPlan& test, uint16_t step = kStep,
                                             std::shared_ptr<const StoreView> view = nullptr) {
  auto made = make_window_lane(test.plan, step, 0, std::move(view));
  REQUIRE(made.has_value());
  return std::move(*made);
}

inline std::vector<LateRow> add(WindowLane& lane, const TestPlan& test, const std::vector<TestRow>& rows) {
  const auto batch = make_batch(test, rows);
  std::vector<uint32_t> all(rows.size());
  for (uint32_t i = 0; i < all.size(); ++i) all[i] = i;
  std::vector<LateRow> late;
  lane.add(*batch, all, late);
  return late;
}

inline void write(WindowLane& lane, KeyedStore& store) {
  const auto frozen = lane.freeze();
  REQUIRE(write(*frozen, store).has_value());
  lane.on_written(frozen->number(), store.view());
}

inline size_t stored_entries(KeyedStore& store, uint16_t lane, uint16_t step) {
  const KeyRange range = step_range(lane, step);
  size_t n = 0;
  for (Scan scan = store.view()->scan(range.begin, range.end); scan.valid(); scan.next()) ++n;
  return n - 1;  // one is the lane's metadata
}

}  // namespace tidemark
