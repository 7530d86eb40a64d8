// Sorts by the eight bytes behind what the keys of a group have in common, so that few keys are compared in full.
// Entries of one key stay in the order in which they came; folding them is the store's.
#include "state/write_set.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace tidemark {
namespace {

constexpr size_t kHeader = StateKeyHeader::kBytes;

struct SortItem {
  uint64_t prefix = 0;  // the eight bytes behind what all keys of the group share, big-endian
  uint32_t index = 0;
};

// Entries that share a header: sorting needs to look at the rest of the key only.
struct Group {
  std::string_view header;
  std::vector<SortItem> items;
  size_t shared = 0;  // leading bytes that all keys of the group have in common
};

size_t common_prefix(std::string_view a, std::string_view b, size_t limit) {
  const auto end = a.begin() + static_cast<ptrdiff_t>(std::min({a.size(), b.size(), limit}));
  return static_cast<size_t>(std::mismatch(a.begin(), end, b.begin()).first - a.begin());
}

uint64_t eight_bytes_at(std::string_view key, size_t at) {
  uint64_t bytes = 0;
  std::memcpy(&bytes, key.data() + at, std::min<size_t>(8, key.size() - at));
  return __builtin_bswap64(bytes);
}

std::vector<Group> group_by_header(std::span<const WriteSet::Entry> entries) {
  std::vector<Group> groups;
  size_t last = 0;
  for (uint32_t i = 0; i < entries.size(); ++i) {
    const std::string_view header = entries[i].key.substr(0, kHeader);
    if (groups.empty() || groups[last].header != header) {
      const auto found = std::find_if(groups.begin(), groups.end(), [&](const Group& g) { return g.header == header; });
      last = static_cast<size_t>(found - groups.begin());
      if (found == groups.end()) groups.push_back({header, {}, entries[i].key.size()});
    }
    Group& group = groups[last];
    if (!group.items.empty()) {
      group.shared = common_prefix(entries[group.items[0].index].key, entries[i].key, group.shared);
    }
    group.items.push_back({0, i});
  }
  std::sort(groups.begin(), groups.end(), [](const Group& a, const Group& b) { return a.header < b.header; });
  return groups;
}

void sort_group(Group& group, std::span<const WriteSet::Entry> entries) {
  for (SortItem& item : group.items) item.prefix = eight_bytes_at(entries[item.index].key, group.shared);
  std::sort(group.items.begin(), group.items.end(), [&](const SortItem& a, const SortItem& b) {
    if (a.prefix != b.prefix) return a.prefix < b.prefix;
    const int order = entries[a.index].key.compare(entries[b.index].key);
    return order != 0 ? order < 0 : a.index < b.index;
  });
}

}  // namespace

void WriteSet::merge(const StateKeyHeader& header, std::string_view key, std::string_view operand) {
  CHECK_OR_DIE(header.lane == lane_, "an entry belongs to another lane than its write set");
  const auto head = header.encode();
  char* bytes = arena_.allocate(head.size() + key.size() + operand.size());
  std::memcpy(bytes, head.data(), head.size());
  if (!key.empty()) std::memcpy(bytes + head.size(), key.data(), key.size());
  char* value = bytes + head.size() + key.size();
  if (!operand.empty()) std::memcpy(value, operand.data(), operand.size());
  entries_.push_back({{bytes, head.size() + key.size()}, {value, operand.size()}, Kind::kMerge});
}

void WriteSet::add(std::string_view key, std::string_view value, Kind kind) {
  CHECK_OR_DIE(key.size() >= kHeader, "a state key is at least its header");
  const auto first = static_cast<uint8_t>(key[0]);
  CHECK_OR_DIE((first << 8 | static_cast<uint8_t>(key[1])) == lane_,
               "an entry belongs to another lane than its write set");
  const std::string_view kept_key = arena_.copy(key);
  entries_.push_back({kept_key, arena_.copy(value), kind});
}

std::span<const WriteSet::Entry> WriteSet::sorted() {
  const auto by_key = [](const Entry& a, const Entry& b) { return a.key < b.key; };
  if (std::is_sorted(entries_.begin(), entries_.end(), by_key)) return entries_;
  std::vector<Group> groups = group_by_header(entries_);
  std::vector<Entry> ordered;
  ordered.reserve(entries_.size());
  for (Group& group : groups) {
    sort_group(group, entries_);
    for (const SortItem& item : group.items) ordered.push_back(entries_[item.index]);
    group = {};
  }
  entries_ = std::move(ordered);
  return entries_;
}

}  // namespace tidemark
