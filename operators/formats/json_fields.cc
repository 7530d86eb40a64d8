// A tree of keys with a small hash table in each node, whose seed is searched for until no two children share a slot.
// Fields of the same path are found together.
#include "operators/formats/json_fields.h"

#include <bit>

namespace tidemark {

JsonFields::JsonFields(const std::vector<DeclaredField>& fields) {
  nodes_.emplace_back();
  for (uint32_t i = 0; i < fields.size(); ++i) {
    uint32_t at = 0;
    if (fields[i].path.empty()) {
      at = child_of(at, fields[i].name);
    } else {
      for (const std::string& key : fields[i].path) at = child_of(at, key);
    }
    nodes_[at].leaves.push_back(i);
  }
  for (Node& node : nodes_) build_table(node);
}

uint32_t JsonFields::child_of(uint32_t parent, const std::string& key) {
  for (const uint32_t child : nodes_[parent].children) {
    if (nodes_[child].key == key) return child;
  }
  const auto number = static_cast<uint32_t>(nodes_.size());
  nodes_.push_back({.key = key, .leaves = {}, .children = {}, .table = {}});
  nodes_[parent].children.push_back(number);
  return number;
}

// False: two children share a slot, and they may not.
bool JsonFields::build_table(Node& node, uint32_t seed, bool may_collide) const {
  constexpr size_t kSlotsPerChild = 4;
  node.seed = seed;
  node.table.assign(std::bit_ceil(node.children.size() * kSlotsPerChild), Slot{});
  const size_t mask = node.table.size() - 1;
  for (const uint32_t child : node.children) {
    const std::string& key = nodes_[child].key;
    size_t at = hash(key, seed) & mask;
    if (node.table[at].child != kNone && !may_collide) return false;
    while (node.table[at].child != kNone) at = (at + 1) & mask;
    node.table[at] = {.child = child, .size = static_cast<uint32_t>(key.size()), .key = key.data()};
  }
  return true;
}

void JsonFields::build_table(Node& node) const {
  if (node.children.empty()) return;
  constexpr uint32_t kFirstSeed = 0x9E3779B1;  // odd, and so are all that follow
  constexpr int kTries = 64;
  uint32_t seed = kFirstSeed;
  for (int i = 0; i < kTries; ++i, seed = seed * 5 + 2) {
    if (build_table(node, seed, /*may_collide=*/false)) return;
  }
  build_table(node, kFirstSeed, /*may_collide=*/true);
}

}  // namespace tidemark
