// JsonFields arranges the declared fields by their paths, so that each key of a record finds its field with one hash
// probe. Knows nothing of tokens; what it answers depends on the key alone, never on earlier records.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "operators/formats/decode_spec.h"

namespace tidemark {

// Immutable and never copied, for its tables point into it. Nodes are numbered; node 0 is the record itself.
class JsonFields {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  // One child in a node's table; the key's bytes are the child's.
  struct Slot {
    uint32_t child = kNone;
    uint32_t size = 0;
    const char* key = nullptr;
  };
  struct Node {
    std::string key;
    std::vector<uint32_t> leaves;  // declared fields that end here; more than one where paths are equal
    std::vector<uint32_t> children;
    std::vector<Slot> table;       // children by hash, linear probing; kNone ends a probe; empty: no children
    uint32_t seed = 0;             // of the hash: one that keeps the children apart, where there is one
  };

  explicit JsonFields(const std::vector<DeclaredField>& fields);
  JsonFields(const JsonFields&) = delete;
  JsonFields& operator=(const JsonFields&) = delete;

  const Node& node(uint32_t number) const { return nodes_[number]; }
  size_t nodes() const { return nodes_.size(); }

  // The child of `parent` with that key (escapes undone), or kNone.
  uint32_t find(const Node& parent, std::string_view key) const {
    if (parent.table.empty()) return kNone;
    const size_t mask = parent.table.size() - 1;
    for (size_t at = hash(key, parent.seed) & mask;; at = (at + 1) & mask) {
      const Slot& slot = parent.table[at];
      if (slot.child == kNone) return kNone;
      if (slot.size == key.size() && same_bytes(slot.key, key.data(), key.size())) return slot.child;
    }
  }

 private:
  template <class Word>
  static bool same_word(const char* a, const char* b) {
    Word x;
    Word y;
    std::memcpy(&x, a, sizeof x);
    std::memcpy(&y, b, sizeof y);
    return x == y;
  }
  // Keys are short: words, the last one overlapping, beat a call to memcmp.
  static bool same_bytes(const char* a, const char* b, size_t n) {
    if (n >= 8) {
      for (size_t i = 0; i + 8 < n; i += 8) {
        if (!same_word<uint64_t>(a + i, b + i)) return false;
      }
      return same_word<uint64_t>(a + n - 8, b + n - 8);
    }
    if (n >= 4) return same_word<uint32_t>(a, b) && same_word<uint32_t>(a + n - 4, b + n - 4);
    if (n >= 2) return same_word<uint16_t>(a, b) && same_word<uint16_t>(a + n - 2, b + n - 2);
    return n == 0 || *a == *b;
  }
  static size_t hash(std::string_view key, uint32_t seed) {
    if (key.empty()) return 0;
    const auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<unsigned char>(key[i])); };
    const auto size = static_cast<uint32_t>(key.size());
    const uint32_t mixed = size << 24 | byte(size / 2) << 16 | byte(size - 1) << 8 | byte(0);
    return (mixed * seed) >> 16;
  }
  uint32_t child_of(uint32_t parent, const std::string& key);
  bool build_table(Node& node, uint32_t seed, bool may_collide) const;
  void build_table(Node& node) const;

  std::vector<Node> nodes_;
};

}  // namespace tidemark
