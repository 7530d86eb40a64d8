// Reads facts off has(x), comparisons with null or with a literal, and their combinations by ! && ||.
#include "operators/expr/facts.h"

#include "operators/expr/expr.h"

namespace tidemark::expr {
namespace {

bool is_null(const Node& node) {
  return node.kind == NodeKind::kLiteral && std::holds_alternative<std::nullptr_t>(node.literal);
}

// `field` compared with `other` for equality came out as `equal`.
void add_equality(const Node& field, const Node& other, bool equal, Facts& facts) {
  const Node& read = field.name == kTextCall ? *field.children[0] : field;
  if (read.kind != NodeKind::kIdent || other.kind != NodeKind::kLiteral) return;
  if (is_null(other) != equal) facts.insert(read.name);
}

void add(const Node& node, bool outcome, Facts& facts) {
  if (node.kind == NodeKind::kCall && node.name == "has" && !node.receiver && node.children.size() == 1) {
    if (outcome && node.children[0]->kind == NodeKind::kIdent) facts.insert(node.children[0]->name);
    return;
  }
  if (node.kind != NodeKind::kOperator) return;
  if (node.name == "!") return add(*node.children[0], !outcome, facts);
  if (node.name == (outcome ? "&&" : "||")) {
    for (const NodePtr& child : node.children) add(*child, outcome, facts);
  }
  if (node.name == "==" || node.name == "!=") {
    const bool equal = outcome == (node.name == "==");
    // Unequal to a literal says nothing, unless the literal is null: so only these two cases.
    add_equality(*node.children[0], *node.children[1], equal, facts);
    add_equality(*node.children[1], *node.children[0], equal, facts);
  }
}

}  // namespace

Facts facts_when(const Node& condition, bool outcome, Facts facts) {
  add(condition, outcome, facts);
  return facts;
}

}  // namespace tidemark::expr
