// SlidingTotal: what consecutive windows share, kept merged, so that a window over many slices is brought together from a
// few tables. Knows slices in their order; knows neither rows that missed a window nor the store.
//
// Where merges can be taken back, one table takes in the slices that come and gives back those that leave. Elsewhere two
// stacks, the first-in-first-out aggregation of K. Tangwongsan, M. Hirzel, S. Schneider, "Low-latency sliding-window
// aggregation in worst-case constant time", DEBS 2017, section 3. The back is one total of the slices that came since the
// stacks were turned; turning makes totals of the suffixes of all slices. Here only every fourth suffix is kept, which
// costs a few more look-ups for each row and a quarter of the memory.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/time.h"
#include "operators/windows/hot_table.h"
#include "operators/windows/retractable_table.h"
#include "operators/windows/state_block.h"

namespace tidemark {

// Single-threaded. The block outlives it.
class SlidingTotal {
 public:
  // A slice of the window that fires: what it holds will not change any more.
  struct Member {
    Time start;
    std::vector<const HotTable*> tables;
  };

  explicit SlidingTotal(const StateBlock& block) : block_(block) {
    if (block.retracts()) running_.emplace(block);
  }

  // Appends tables that hold each partial of `members` once: some of theirs, and totals, which are good until the next
  // call. `members` rise by start; they are those of the last call without some of the oldest, and with newer ones.
  void collect(std::span<const Member> members, std::vector<const HotTable*>& tables);
  // The oldest members of the last call, which are in no later one, while their tables are still there. Where they are
  // not told, the next call takes longer.
  void leave(std::span<const Member> oldest);
  // The next call begins anew, with any members.
  void clear();
  // Asked after every batch, so it is counted when tables change.
  size_t bytes() const { return bytes_; }

 private:
  static constexpr size_t kStride = 4;  // slices between two suffixes that are kept

  struct Suffix {
    Time from;  // the start of its oldest slice
    HotTable table;
  };
  const HotTable& running_total(std::span<const Member> members);
  void turn(std::span<const Member> members);
  void add_to_back(const Member& member);
  void merge(const Member& member, HotTable& into) const;
  size_t count_bytes() const;

  const StateBlock& block_;
  std::optional<RetractableTable> running_;  // until something could not be taken back
  std::deque<Time> held_;                    // the starts of what it holds
  std::deque<Suffix> front_;              // of the slices through front_through_, the longest first
  std::unique_ptr<HotTable> back_;        // of those behind them, through back_through_; null = none
  Time front_through_ = Time::min();      // the starts of the newest slices
  Time back_through_ = Time::min();
  size_t bytes_ = 0;  // of all tables
};

}  // namespace tidemark
