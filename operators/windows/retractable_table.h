// RetractableTable: the sum of slices that come and go, key by key, for aggregates whose merges can be taken back. Knows
// which keys are left; knows nothing of windows or of the order in which slices go.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "operators/windows/hot_table.h"
#include "operators/windows/state_block.h"

namespace tidemark {

// Single-threaded. The block outlives it, and retracts.
class RetractableTable {
 public:
  explicit RetractableTable(const StateBlock& block);

  // Merges a slice, which may lie in several tables.
  void add(std::span<const HotTable* const> slice);
  // Takes back a slice that was added; the tables may be others, if together they hold the same. False where that cannot
  // be; only clear() helps then.
  [[nodiscard]] bool retract(std::span<const HotTable* const> slice);
  void clear();

  // The keys of all slices that are here. Good until the next call.
  const HotTable& table();
  size_t bytes() const { return table_->bytes(); }

 private:
  // Behind the states of an entry: in how many slices the key is, and which of them spoke of it last.
  struct Presence {
    uint32_t slices;
    uint32_t added;
    uint32_t taken;
    uint32_t unused;
  };
  Presence& presence(std::byte* states) const;
  const Presence& presence(const std::byte* states) const;
  void drop_absent();

  const StateBlock& block_;
  std::vector<std::byte> blank_;     // the block's, and no presence
  std::unique_ptr<HotTable> table_;  // never null
  size_t present_ = 0;               // keys in at least one slice
  uint32_t added_ = 0, taken_ = 0;   // slices so far
};

}  // namespace tidemark
