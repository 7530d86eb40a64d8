// Slots hold a tag and an entry's number; entries lie in chunks that double up to a limit, short keys within the entry.
// Small tables are probed without prefetching. Nothing is ever taken out.
#include "operators/windows/hot_table.h"

#include <bit>

#include "base/check.h"

namespace tidemark {
namespace {

// How many keys ahead of its probe a slot, and then the entry that it names, are asked for.
constexpr size_t kSlotAhead = 24;
constexpr size_t kEntryAhead = 12;

}  // namespace

HotTable::Entry* HotTable::entry_at(uint32_t i) const {
  size_t chunk = 0;
  uint32_t at = i;
  if (i >= kLastChunk) {
    constexpr size_t kChunksBefore = std::bit_width(kLastChunk / kFirstChunk) - 1;
    chunk = kChunksBefore + i / kLastChunk;
    at = i % kLastChunk;
  } else if (i >= kFirstChunk) {
    chunk = static_cast<size_t>(std::bit_width(i / kFirstChunk));
    at = i - (kFirstChunk << (chunk - 1));
  }
  return reinterpret_cast<Entry*>(chunks_[chunk].get() + at * entry_bytes_);
}

HotTable::Entry* HotTable::make_entry(std::string_view key, uint64_t hash) {
  CHECK_OR_DIE(size_ < std::numeric_limits<uint32_t>::max() - 1 && key.size() <= std::numeric_limits<uint32_t>::max(),
               "a hot table is full");
  if (size_ == capacity_) {
    const uint32_t more = capacity_ == 0 ? kFirstChunk : std::min(capacity_, kLastChunk);
    chunks_.push_back(std::make_unique_for_overwrite<std::byte[]>(more * entry_bytes_));
    capacity_ += more;
  }
  Entry* const e = entry_at(size_++);
  e->hash_ = hash;
  e->size_ = static_cast<uint32_t>(key.size());
  if (key.size() <= Entry::kInline) {
    if (!key.empty()) std::memcpy(e->short_, key.data(), key.size());
  } else {
    const char* const copy = keys_.get().copy(key).data();
    std::memcpy(e->short_, key.data(), 4);
    std::memcpy(e->short_ + 4, &copy, sizeof copy);
  }
  if (!blank_.empty()) std::memcpy(e->states(), blank_.data(), blank_.size());
  return e;
}

void HotTable::grow_slots() {
  std::vector<Slot> slots(slots_.empty() ? kFirstSlots : slots_.size() * 2);
  const size_t mask = slots.size() - 1;
  for (uint32_t i = 0; i < size_; ++i) {
    const uint64_t hash = entry_at(i)->hash_;
    size_t at = hash & mask;
    while (slots[at].ref != 0) at = (at + 1) & mask;
    slots[at] = {tag_of(hash), i + 1};
  }
  slots_ = std::move(slots);
}

std::byte* HotTable::find_or_insert(std::string_view key, uint64_t hash) {
  if ((size_ + size_t{1}) * 3 > slots_.size() * 2) grow_slots();
  const size_t mask = slots_.size() - 1;
  const uint32_t tag = tag_of(hash);
  for (size_t at = hash & mask;; at = (at + 1) & mask) {
    Slot& slot = slots_[at];
    if (slot.ref == 0) {
      Entry* const made = make_entry(key, hash);
      slot = {tag, size_};
      return made->states();
    }
    if (slot.tag != tag) continue;
    Entry* const e = entry_at(slot.ref - 1);
    if (e->hash_ == hash && e->key() == key) return e->states();
  }
}

uint32_t HotTable::find(std::string_view key, uint64_t hash) const {
  if (slots_.empty()) return kNone;
  const size_t mask = slots_.size() - 1;
  const uint32_t tag = tag_of(hash);
  for (size_t at = hash & mask; slots_[at].ref != 0; at = (at + 1) & mask) {
    if (slots_[at].tag != tag) continue;
    const uint32_t number = slots_[at].ref - 1;
    const Entry* const e = entry_at(number);
    if (e->hash_ == hash && e->key() == key) return number;
  }
  return kNone;
}

void HotTable::prefetch_slot(uint64_t hash) const { __builtin_prefetch(&slots_[hash & (slots_.size() - 1)]); }

void HotTable::prefetch_entry(uint64_t hash) const {
  const Slot slot = slots_[hash & (slots_.size() - 1)];
  if (slot.ref == 0 || slot.tag != tag_of(hash)) return;
  const auto* const e = reinterpret_cast<const char*>(entry_at(slot.ref - 1));
  __builtin_prefetch(e, 1);
  __builtin_prefetch(e + 64, 1);
}

void HotTable::find_or_insert(std::span<const std::string_view> keys, std::span<const uint64_t> hashes, Rows rows,
                              std::byte** states) {
  const size_t n = rows.size();
  if (size_ < kPrefetchFrom) {
    for (size_t i = 0; i < n; ++i) states[i] = find_or_insert(keys[rows[i]], hashes[rows[i]]);
    return;
  }
  for (size_t i = 0; i < std::min(n, kSlotAhead); ++i) prefetch_slot(hashes[rows[i]]);
  for (size_t i = 0; i < n; ++i) {
    if (i + kSlotAhead < n) prefetch_slot(hashes[rows[i + kSlotAhead]]);
    if (i + kEntryAhead < n) prefetch_entry(hashes[rows[i + kEntryAhead]]);
    states[i] = find_or_insert(keys[rows[i]], hashes[rows[i]]);
  }
}

void HotTable::find(std::span<const Entry* const> entries, uint32_t* found) const {
  const size_t n = entries.size();
  const bool far = size_ >= kPrefetchFrom;
  for (size_t i = 0; far && i < std::min(n, kSlotAhead); ++i) prefetch_slot(entries[i]->hash());
  for (size_t i = 0; i < n; ++i) {
    if (far && i + kSlotAhead < n) prefetch_slot(entries[i + kSlotAhead]->hash());
    if (far && i + kEntryAhead < n) prefetch_entry(entries[i + kEntryAhead]->hash());
    found[i] = find(entries[i]->key(), entries[i]->hash());
  }
}

size_t HotTable::bytes() const {
  return sizeof(HotTable) + slots_.capacity() * sizeof(Slot) + chunks_.capacity() * sizeof(chunks_[0]) +
         capacity_ * entry_bytes_ + keys_.bytes() + heap_.bytes();
}

}  // namespace tidemark
