// WriteSet: what one frozen generation of one lane writes to the store, gathered in memory, sorted once. Knows keys and
// bytes, not the store.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "state/state_key.h"

namespace tidemark {

// Range deletions act before everything else in the set; of entries with the same key those added earlier act first.
// Keys are whole state keys (state/state_key.h) of the set's lane. Single-threaded; moves cheaply.
class WriteSet {
 public:
  enum class Kind : uint8_t { kMerge, kPut, kErase };
  struct Entry {
    std::string_view key;
    std::string_view value;
    Kind kind = Kind::kMerge;
  };
  struct RangeDeletion {
    KeyRange range;
    bool expired = false;
  };

  // `generation` of one lane must rise from set to set, from 1 on.
  WriteSet(uint16_t lane, uint64_t generation) : lane_(lane), generation_(generation) {}

  // All bytes are copied.
  void merge(std::string_view state_key, std::string_view operand) { add(state_key, operand, Kind::kMerge); }
  void merge(const StateKeyHeader& header, std::string_view key, std::string_view operand);
  void put(std::string_view state_key, std::string_view value) { add(state_key, value, Kind::kPut); }
  void erase(std::string_view state_key) { add(state_key, {}, Kind::kErase); }
  void delete_range(KeyRange range) { deletions_.push_back({std::move(range), false}); }
  // Deletes a range that no one will ever read again, through old views either: whole files may go at once.
  void expire(KeyRange range) { deletions_.push_back({std::move(range), true}); }

  uint16_t lane() const { return lane_; }
  uint64_t generation() const { return generation_; }
  size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty() && deletions_.empty(); }
  size_t bytes() const { return arena_.bytes_used() + entries_.size() * sizeof(Entry); }

  // Orders the entries by key, equal keys as they were added. Cheap when they already are.
  std::span<const Entry> sorted();
  const std::vector<RangeDeletion>& deletions() const { return deletions_; }

 private:
  void add(std::string_view key, std::string_view value, Kind kind);

  uint16_t lane_;
  uint64_t generation_;
  Arena arena_{size_t{64} << 10};
  std::vector<Entry> entries_;
  std::vector<RangeDeletion> deletions_;
};

}  // namespace tidemark
