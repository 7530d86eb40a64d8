// A new key takes the entry of the least one and its count with it; how much of that is not its own is kept beside it.
#include "base/hot_keys.h"

#include <algorithm>
#include <utility>

namespace tidemark {

void HotKeys::add(Entry added, std::string_view key) {
  total_ += added.count - added.over;
  Entry* least = nullptr;
  for (Entry& entry : entries_) {
    if (entry.hash == added.hash) {
      entry.count += added.count;
      entry.over += added.over;
      return;
    }
    if (least == nullptr || entry.count < least->count) least = &entry;
  }
  added.key = key;
  if (entries_.size() < kMost) {
    entries_.push_back(std::move(added));
  } else {
    added.over += least->count;
    added.count += least->count;
    *least = std::move(added);
  }
}

void HotKeys::add(const HotKeys& more) {
  const uint64_t total = total_ + more.total_;
  for (const Entry& entry : more.entries_) add({entry.hash, entry.count, entry.over, {}}, entry.key);
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
    if (total_ > 0 && own >= ratio * static_cast<double>(total_)) found.push_back({entry.hash, own / static_cast<double>(total_), entry.key});
  }
  std::ranges::sort(found, [](const Key& a, const Key& b) { return a.ratio != b.ratio ? a.ratio > b.ratio : a.hash < b.hash; });
  return found;
}

}  // namespace tidemark
