// ValueTable: the different values of a column, each with how often it came, in the heap arena. What distinct(x) and the
// top_k family keep. Knows neither their bounds nor their results.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>

#include "operators/aggregates/value_kinds.h"

namespace tidemark {

// What a table keeps of a value besides it.
struct NoCount {};
using Count = uint64_t;

// A relocatable value without destructor; all zero bits = empty. Entries lie in the order of their insertion; up to
// kScanned of them are found by looking at each, more by an index of hashes. Room grows by doubling, so that a table
// holds at most twice what it needs and its arena as much again of what it outgrew.
template <class V, class C>
class ValueTable {
 public:
  using View = typename V::View;
  struct Entry {
    typename V::Stored value;
    [[no_unique_address]] C count;
  };

  uint32_t size() const { return size_; }
  const Entry& operator[](uint32_t i) const { return entries_[i]; }
  Entry* find(View v) {
    if (index_ == nullptr) {
      for (uint32_t i = 0; i < size_; ++i) {
        if (same(V::view(entries_[i].value), v)) return &entries_[i];
      }
      return nullptr;
    }
    for (uint32_t at = slot_of(v);; at = (at + 1) & mask()) {
      if (index_[at] == 0) return nullptr;
      Entry& e = entries_[index_[at] - 1];
      if (same(V::view(e.value), v)) return &e;
    }
  }
  // `v` is not in the table; its count begins as zero.
  Entry& insert(View v, Arena& heap) {
    if (size_ == capacity_) grow(heap);
    Entry& e = entries_[size_++];
    V::store(e.value, v, heap);
    e.count = C{};
    if (index_ != nullptr) put(size_);
    return e;
  }
  // Forgets all entries for which `wanted` is false. Their texts' room serves later entries.
  template <class F>
  void keep_if(F&& wanted) {
    Entry* const end = std::partition(entries_, entries_ + size_, wanted);
    size_ = static_cast<uint32_t>(end - entries_);
    if (index_ != nullptr) fill_index();
  }
  void clear() { *this = ValueTable{}; }

 private:
  static constexpr uint32_t kFirst = 4;
  static constexpr uint32_t kScanned = 8;

  static bool same(View a, View b) { return !V::less(a, b) && !V::less(b, a); }
  uint32_t mask() const { return 2 * capacity_ - 1; }
  uint32_t slot_of(View v) const { return static_cast<uint32_t>(V::hash(v) >> 32) & mask(); }
  void put(uint32_t number) {
    uint32_t at = slot_of(V::view(entries_[number - 1].value));
    while (index_[at] != 0) at = (at + 1) & mask();
    index_[at] = number;
  }
  void fill_index() {
    std::fill_n(index_, 2 * capacity_, 0);
    for (uint32_t number = 1; number <= size_; ++number) put(number);
  }
  void grow(Arena& heap) {
    const uint32_t capacity = capacity_ == 0 ? kFirst : 2 * capacity_;
    auto* const entries = reinterpret_cast<Entry*>(heap.allocate(capacity * sizeof(Entry)));
    std::copy_n(entries_, capacity_, entries);
    std::fill(entries + capacity_, entries + capacity, Entry{});
    entries_ = entries;
    capacity_ = capacity;
    if (capacity_ <= kScanned) return;
    index_ = reinterpret_cast<uint32_t*>(heap.allocate(2 * capacity_ * sizeof(uint32_t)));
    fill_index();
  }

  Entry* entries_;   // capacity_ of them
  uint32_t* index_;  // 2 * capacity_ places by hash: 0 or an entry's number + 1
  uint32_t size_;
  uint32_t capacity_;
};

}  // namespace tidemark
