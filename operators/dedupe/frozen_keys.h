// FrozenKeys: the keys that a dedupe lane has let pass since its last generation, on their way to the store. Knows how they
// lie there; the lane goes on without it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "operators/keyed_lane.h"
#include "operators/windows/hot_table.h"

namespace tidemark {

// The slices of a dedupe step, counted from the epoch. A slice goes when its last key is forgotten.
class DedupeSlices {
 public:
  // DedupePlan::slice
  explicit DedupeSlices(Duration size) : size_(size) {}
  // Of the slice that `first` lies in: half-open, and saturating at the ends of time.
  Time end_of(Time first) const;
  Time start_of(Time end) const { return end - size_; }

 private:
  Duration size_;
};

// What the store holds of a key in a slice: the time of the newest record that passed.
std::string encode_first_seen(Time first);
std::optional<Time> decode_first_seen(std::string_view bytes);
// The merge function that a store needs for a dedupe step's entries; false: one of them is damaged.
bool merge_first_seen(std::string& accumulator, std::string_view operand);

// A key that passed, and when. Keys in a table do not move and do not change.
struct PassedKey {
  const HotTable::Entry* entry;
  Time first;
};

// Immutable. It shares the table with the lane and may outlive it.
class FrozenKeys final : public FrozenGeneration {
 public:
  struct Contents {
    uint64_t number = 0;
    uint16_t lane = 0;
    uint16_t step = 0;
    std::shared_ptr<const HotTable> table;  // that the keys lie in
    std::vector<PassedKey> keys;            // in no order
    ExpiredSlices::Range expired;
    std::string metadata;
  };
  FrozenKeys(DedupeSlices slices, Contents contents) : slices_(slices), contents_(std::move(contents)) {}

  uint64_t number() const override { return contents_.number; }
  uint16_t lane() const override { return contents_.lane; }
  uint16_t step() const override { return contents_.step; }
  Status write_to(GenerationWriter& out) const override;

 private:
  const DedupeSlices slices_;
  const Contents contents_;
};

}  // namespace tidemark
