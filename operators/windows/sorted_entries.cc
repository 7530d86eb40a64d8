// Sorts by the eight bytes behind what all keys share, and by the keys only where these are equal. Entries stay where
// they lie; what is sorted are pointers.
#include "operators/windows/sorted_entries.h"

#include <algorithm>

namespace tidemark {
namespace {

// Compares by eight bytes first, so that most comparisons touch no key.
struct Sortable {
  uint64_t prefix;
  const HotTable::Entry* entry;
};

// How many leading bytes all keys share: behind those the eight bytes tell them apart best.
size_t shared_prefix(const HotTable& table) {
  const std::string_view first = table.entry(0).key();
  size_t shared = first.size();
  table.for_each([&](const HotTable::Entry& e) {
    const std::string_view key = e.key();
    const size_t limit = std::min(shared, key.size());
    shared = 0;
    while (shared < limit && first[shared] == key[shared]) ++shared;
  });
  return shared;
}

uint64_t eight_bytes(std::string_view key, size_t from) {
  uint64_t bytes = 0;
  std::memcpy(&bytes, key.data() + from, std::min<size_t>(8, key.size() - from));
  return __builtin_bswap64(bytes);
}

}  // namespace

std::vector<const HotTable::Entry*> sorted_entries(const HotTable& table) {
  std::vector<const HotTable::Entry*> sorted;
  if (table.size() == 0) return sorted;
  const size_t shared = shared_prefix(table);
  std::vector<Sortable> entries;
  entries.reserve(table.size());
  table.for_each([&](const HotTable::Entry& e) {
    const std::string_view key = e.key();
    entries.push_back({key.size() == shared ? 0 : eight_bytes(key, shared), &e});
  });
  std::ranges::sort(entries, [](const Sortable& a, const Sortable& b) {
    return a.prefix != b.prefix ? a.prefix < b.prefix : a.entry->key() < b.entry->key();
  });
  sorted.reserve(entries.size());
  for (const Sortable& s : entries) sorted.push_back(s.entry);
  return sorted;
}

}  // namespace tidemark
