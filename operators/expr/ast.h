// The syntax tree of an expression, as the parser leaves it: operators are calls by their symbol, macros are plain
// calls. It deliberately knows no types and no fields; the checker gives it meaning.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace tidemark::expr {

enum class NodeKind : uint8_t {
  kLiteral,
  kIdent,     // `name`
  kSelect,    // children[0] . name
  kCall,      // name(children...); with `receiver`, children[0].name(children[1]...)
  kOperator,  // `name` is the symbol: "!", "-", "+", "==", "in", "&&", "?:", "[]", "[?]"; unary by the children
  kList,      // [children...]
  kMap,       // {key, value, key, value...}
  kMessage,   // name{field: value}: children are the values, `fields` their names
};

struct Bytes {
  std::string value;
  friend bool operator==(const Bytes&, const Bytes&) = default;
};

using Literal = std::variant<std::nullptr_t, bool, int64_t, uint64_t, double, std::string, Bytes>;

struct Node;
using NodePtr = std::shared_ptr<const Node>;

// Immutable once parsed. No tree is deeper than kMaxDepth, so that walking it by recursion is safe.
struct Node {
  static constexpr int kMaxDepth = 250;

  NodeKind kind = NodeKind::kLiteral;
  size_t offset = 0;  // in the text, of what names the node: the operator's symbol, the function's name, ...
  size_t begin = 0;   // the text that the node spans, without parentheses around it
  size_t end = 0;
  std::string name;
  Literal literal = nullptr;
  std::vector<NodePtr> children;
  std::vector<std::string> fields;  // of kMessage
  std::vector<bool> optionals;      // of kList and kMap, by child: written with a `?`; empty: none is
  bool receiver = false;
  bool optional = false;  // of kSelect: children[0] .? name
  bool rooted = false;  // written with a leading dot
  int depth = 1;        // of the tree below and with this node

  bool optional_at(size_t child) const { return child < optionals.size() && optionals[child]; }
};

// What selections begin with.
inline const Node& root_of(const Node& node) {
  return node.kind == NodeKind::kSelect ? root_of(*node.children[0]) : node;
}
// "a.b.c" of selections on a name; empty for anything else.
inline std::string path_of(const Node& node) {
  if (node.kind == NodeKind::kIdent) return node.name;
  if (node.kind != NodeKind::kSelect || node.optional) return {};
  const std::string path = path_of(*node.children[0]);
  return path.empty() ? path : path + "." + node.name;
}

}  // namespace tidemark::expr
