// A new key takes the entry of the least one and its count with it; how much of that is not its own is kept beside it.
#include "daemon/hot_keys.h"

#include <algorithm>

namespace tidemark {

void HotKeys::add(uint64_t hash, uint64_t count, uint64_t over) {
  total_ += count - over;
  Entry* least = nullptr;
  for (Entry& entry : entries_) {
    if (entry.hash == hash) {
      entry.count += count;
      entry.over += over;
      return;
    }
    if (least == nullptr || entry.count < least->count) least = &entry;
  }
  if (entries_.size() < kMost) {
    entries_.push_back({hash, count, over});
  } else {
    *least = {hash, least->count + count, least->count + over};
  }
}

void HotKeys::add(const HotKeys& more) {
  const uint64_t total = total_ + more.total_;
  for (const Entry& entry : more.entries_) add(entry.hash, entry.count, entry.over);
  total_ = total;  // what entries have lost was there all the same
}

void HotKeys::age() {
  for (Entry& entry : entries_) {
    entry.count /= 2;
    entry.over /= 2;
  }
  std::erase_if(entries_, [](const Entry& entry) { return entry.count == 0; });
  total_ /= 2;
}

std::vector<HotKeys::Key> HotKeys::above(double ratio) const {
  std::vector<Key> found;
  for (const Entry& entry : entries_) {
    const double own = static_cast<double>(entry.count - std::min(entry.count, entry.over));
    if (total_ > 0 && own >= ratio * static_cast<double>(total_)) found.push_back({entry.hash, own / static_cast<double>(total_)});
  }
  std::ranges::sort(found, [](const Key& a, const Key& b) { return a.ratio != b.ratio ? a.ratio > b.ratio : a.hash < b.hash; });
  return found;
}

}  // namespace tidemark
