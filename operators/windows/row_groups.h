// RowGroups: the rows of a batch by the part of a slice that they count in, and their way into its table: probed and updated
// a few hundred at a time, so that entries are still in the nearest cache when the aggregates come. Which part a row counts
// in is decided before.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "operators/windows/lane_slices.h"
#include "operators/windows/row_update.h"

namespace tidemark {

// Single-threaded; its memory is kept from batch to batch. Plan and slices outlive it.
class RowGroups {
 public:
  RowGroups(const WindowPlan& plan, LaneSlices& open) : ordinal_(plan.ordinal), open_(open), update_(plan) {}

  // The number that `part` has in this batch.
  int32_t number_of(SlicePart& part);
  void add(int32_t group, uint32_t row) { groups_[static_cast<size_t>(group)].rows.push_back(row); }

  // Brings all rows into their tables and is empty again. touch(states, rows) sees each entry that was found or made, before
  // the aggregates do; counted(part, keyed, rows) ends a part.
  template <class Touch, class Counted>
  void apply(const Batch& batch, Touch touch, Counted counted);

 private:
  static constexpr size_t kChunk = 512;
  struct Group {
    SlicePart* part = nullptr;
    std::vector<uint32_t> rows;
  };

  const size_t ordinal_;
  LaneSlices& open_;
  RowUpdate update_;
  std::vector<Group> groups_;
  size_t used_ = 0;
  std::vector<std::byte*> states_;
};

template <class Touch, class Counted>
void RowGroups::apply(const Batch& batch, Touch touch, Counted counted) {
  const KeyedRows& keyed = batch.keyed[ordinal_];
  for (size_t i = 0; i < used_; ++i) {
    Group& group = groups_[i];
    open_.change(*group.part, [&](HotTable& table) {
      for (size_t begin = 0; begin < group.rows.size(); begin += kChunk) {
        const Rows rows = Rows(group.rows).subspan(begin, std::min(kChunk, group.rows.size() - begin));
        states_.resize(rows.size());
        table.find_or_insert(keyed.keys, keyed.hashes, rows, states_.data());
        touch(states_, rows);
        update_.add(batch, rows, states_, table.heap());
      }
    });
    counted(*group.part, keyed, Rows(group.rows));
    group.part->batch_group = -1;
    group.rows.clear();
  }
  used_ = 0;
}

}  // namespace tidemark
