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

void JsonFields::build_table(Node& node) {
  if (node.children.empty()) return;
  constexpr size_t kSlotsPerChild = 4;
  node.table.assign(std::bit_ceil(node.children.size() * kSlotsPerChild), kNone);
  const size_t mask = node.table.size() - 1;
  for (const uint32_t child : node.children) {
    size_t slot = hash(nodes_[child].key) & mask;
    while (node.table[slot] != kNone) slot = (slot + 1) & mask;
    node.table[slot] = child;
  }
}

}  // namespace tidemark
