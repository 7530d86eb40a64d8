// HotTable: key bytes -> a fixed-size block of aggregate states, for one generation of one slice. Open addressing, built
// for batches: probes are prefetched, keys and states never move. Knows bytes only, neither aggregates nor time.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "operators/batch.h"

namespace tidemark {

// An arena that costs little while it holds little: small blocks first, large ones later.
class SteppedArena {
 public:
  // Where to allocate now; ask again before each batch.
  Arena& get() { return small_.bytes_reserved() < kSmallTotal ? small_ : large_; }
  size_t bytes() const { return small_.bytes_reserved() + large_.bytes_reserved(); }

 private:
  static constexpr size_t kSmallBlock = 256;
  static constexpr size_t kSmallTotal = 4 * 1024;
  Arena small_{kSmallBlock};
  Arena large_{64 * 1024};
};

// Single-threaded while it grows; what does not grow any more may be read by any thread. Holds up to 2^32 - 2 entries.
class HotTable {
 public:
  // An entry's head lies right before its states. Keys of up to kInline bytes lie in it, longer ones in the arena.
  class Entry {
   public:
    static constexpr size_t kInline = 12;
    std::string_view key() const { return {size_ <= kInline ? short_ : long_key(), size_}; }
    uint64_t hash() const { return hash_; }
    const std::byte* states() const { return reinterpret_cast<const std::byte*>(this + 1); }
    std::byte* states() { return reinterpret_cast<std::byte*>(this + 1); }

   private:
    friend class HotTable;
    const char* long_key() const {
      const char* p;
      std::memcpy(&p, short_ + 4, sizeof p);
      return p;
    }
    uint64_t hash_;
    uint32_t size_;
    char short_[kInline];
  };

  // `blank`: the states of a new entry, a multiple of 8 bytes; outlives the table.
  explicit HotTable(std::span<const std::byte> blank) : blank_(blank), entry_bytes_(sizeof(Entry) + blank.size()) {}
  HotTable(HotTable&&) noexcept = default;
  HotTable& operator=(HotTable&&) noexcept = default;

  // states[i] = the states of keys[rows[i]], made from the blank where the key is new. They stay where they are for the
  // life of the table. `hashes` are hash_key of `keys`.
  void find_or_insert(std::span<const std::string_view> keys, std::span<const uint64_t> hashes, Rows rows,
                      std::byte** states);
  std::byte* find_or_insert(std::string_view key, uint64_t hash);
  // The number of the entry with the key; kNone where there is none.
  static constexpr uint32_t kNone = std::numeric_limits<uint32_t>::max();
  uint32_t find(std::string_view key, uint64_t hash) const;
  // found[i] = the number of the entry here that has the key of entries[i], an entry of another table, or kNone.
  void find(std::span<const Entry* const> entries, uint32_t* found) const;

  size_t size() const { return size_; }
  // Entries in the order of their insertion, 0 .. size() - 1.
  const Entry& entry(size_t i) const { return *entry_at(static_cast<uint32_t>(i)); }
  // The entry that these states are of.
  static const Entry& entry_of(const std::byte* states) { return *(reinterpret_cast<const Entry*>(states) - 1); }
  template <class F>
  void for_each(F&& f) const {
    for (size_t i = 0; i < size_; ++i) f(entry(i));
  }

  // For what states point to; lives as long as the table.
  Arena& heap() { return heap_.get(); }
  // All memory held, this object included.
  size_t bytes() const;

 private:
  // Part of the hash and the entry's number + 1; 0 = free. Tags and places take different bits of the hash, and none of
  // the highest ones, which say the lane.
  struct Slot {
    uint32_t tag;
    uint32_t ref;
  };
  static constexpr size_t kFirstSlots = 8;
  static constexpr uint32_t kFirstChunk = 4;      // entries; the second has as many, each further one twice its former
  static constexpr uint32_t kLastChunk = 1024;    // and from here on they are equal
  static constexpr size_t kPrefetchFrom = 2048;   // entries: smaller tables lie in the nearest caches anyway

  static uint32_t tag_of(uint64_t hash) { return static_cast<uint32_t>(hash >> 27); }
  Entry* entry_at(uint32_t i) const;
  Entry* make_entry(std::string_view key, uint64_t hash);
  void grow_slots();
  void prefetch_slot(uint64_t hash) const;
  void prefetch_entry(uint64_t hash) const;

  std::span<const std::byte> blank_;
  size_t entry_bytes_;
  uint32_t size_ = 0;
  uint32_t capacity_ = 0;  // entries in all chunks
  std::vector<Slot> slots_;
  std::vector<std::unique_ptr<std::byte[]>> chunks_;
  SteppedArena keys_;
  SteppedArena heap_;
};

// Calls each(entry, states) for every entry of `from`, with the states of its key in `into`, made from the blank there
// where the key is new. Two different tables.
template <class F>
void for_each_into(const HotTable& from, HotTable& into, F&& each) {
  constexpr size_t kBatch = 256;
  const HotTable::Entry* entries[kBatch];
  std::string_view keys[kBatch];
  uint64_t hashes[kBatch];
  uint32_t rows[kBatch];
  std::byte* states[kBatch];
  for (size_t begin = 0; begin < from.size(); begin += kBatch) {
    const size_t n = std::min(kBatch, from.size() - begin);
    for (size_t i = 0; i < n; ++i) {
      entries[i] = &from.entry(begin + i);
      keys[i] = entries[i]->key();
      hashes[i] = entries[i]->hash();
      rows[i] = static_cast<uint32_t>(i);
    }
    into.find_or_insert(keys, hashes, Rows(rows, n), states);
    for (size_t i = 0; i < n; ++i) each(*entries[i], states[i]);
  }
}

}  // namespace tidemark
