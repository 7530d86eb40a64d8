// JsonFields arranges the declared fields by their paths, so that each key of a record finds its field with one hash
// probe. Knows nothing of tokens; what it answers depends on the key alone, never on earlier records.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "operators/formats/decode_spec.h"

namespace tidemark {

// Immutable. Nodes are numbered; node 0 is the record itself.
class JsonFields {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  struct Node {
    std::string key;
    std::vector<uint32_t> leaves;  // declared fields that end here; more than one where paths are equal
    std::vector<uint32_t> children;
    std::vector<uint32_t> table;   // children by hash, linear probing; kNone ends a probe; empty: no children
  };

  explicit JsonFields(const std::vector<DeclaredField>& fields);

  const Node& node(uint32_t number) const { return nodes_[number]; }
  size_t nodes() const { return nodes_.size(); }

  // The child of `parent` with that key (escapes undone), or kNone.
  uint32_t find(const Node& parent, std::string_view key) const {
    if (parent.table.empty()) return kNone;
    const size_t mask = parent.table.size() - 1;
    for (size_t slot = hash(key) & mask;; slot = (slot + 1) & mask) {
      const uint32_t child = parent.table[slot];
      if (child == kNone || nodes_[child].key == key) return child;
    }
  }

 private:
  static size_t hash(std::string_view key) {
    if (key.empty()) return 0;
    const auto byte = [&](size_t i) { return static_cast<size_t>(static_cast<unsigned char>(key[i])); };
    return key.size() + byte(0) * 7 + byte(key.size() / 2) * 31 + byte(key.size() - 1) * 5;
  }
  uint32_t child_of(uint32_t parent, const std::string& key);
  void build_table(Node& node);

  std::vector<Node> nodes_;
};

}  // namespace tidemark
