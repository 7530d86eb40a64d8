// Takes aggregates out of an expression, and lists the fields that one reads. Works on the tree alone: knows neither
// types nor what an aggregate does.
#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "operators/expr/ast.h"
#include "operators/expr/expr.h"

namespace tidemark::expr {
namespace {

using IsAggregate = std::function<bool(std::string_view)>;

class Splitter {
 public:
  Splitter(const Ast& ast, std::string_view prefix, const IsAggregate& is_aggregate)
      : ast_(ast), prefix_(prefix), is_aggregate_(is_aggregate) {}

  std::expected<SplitAggregates, std::vector<Problem>> run() {
    NodePtr rest = replace(ast_.root);
    if (!problems_.empty()) return std::unexpected(std::move(problems_));
    return SplitAggregates{std::move(calls_), Ast{std::move(rest), ast_.text}};
  }

 private:
  bool is_aggregate(const Node& node) const {
    return node.kind == NodeKind::kCall && !node.receiver && is_aggregate_(node.name);
  }
  static bool is_where(const Node& node) {
    return node.kind == NodeKind::kCall && node.receiver && node.name == "where";
  }

  NodePtr replace(const NodePtr& node) {
    if (is_aggregate(*node)) return take(*node, *node, nullptr);
    if (is_where(*node)) return take_where(*node);
    std::vector<NodePtr> children;
    for (const NodePtr& child : node->children) children.push_back(replace(child));
    if (children == node->children) return node;
    Node copy = *node;
    copy.children = std::move(children);
    return std::make_shared<const Node>(std::move(copy));
  }

  NodePtr take_where(const Node& node) {
    const Node& target = *node.children[0];
    if (!is_aggregate(target)) {
      problems_.push_back({node.offset, "`.where` stands behind something that is no aggregate",
                           "write it as in `count().where(condition)`"});
      return node.children[0];
    }
    if (node.children.size() != 2) {
      problems_.push_back({node.offset, "`.where` takes one condition", {}});
      return node.children[0];
    }
    return take(node, target, node.children[1]);
  }

  // The field that stands for the aggregate `call`, which `whole` spans together with its condition.
  NodePtr take(const Node& whole, const Node& call, const NodePtr& where) {
    for (const NodePtr& arg : call.children) refuse_aggregates(*arg, call.name);
    if (where) refuse_aggregates(*where, call.name);
    const std::string text = ast_.text.substr(whole.begin, whole.end - whole.begin);
    const auto known = std::ranges::find(calls_, text, &AggregateCall::text);
    const size_t number = static_cast<size_t>(known - calls_.begin());
    if (known == calls_.end()) {
      AggregateCall found{call.name, {}, std::nullopt, call.offset, text};
      for (const NodePtr& arg : call.children) found.args.push_back({arg, ast_.text});
      if (where) found.where = Ast{where, ast_.text};
      calls_.push_back(std::move(found));
    }
    Node field;
    field.kind = NodeKind::kIdent;
    field.name = fmt::format("{}{}", prefix_, number);
    field.offset = field.begin = whole.begin;
    field.end = whole.end;
    return std::make_shared<const Node>(std::move(field));
  }

  void refuse_aggregates(const Node& node, std::string_view outer) {
    if (is_aggregate(node)) {
      problems_.push_back({node.offset, fmt::format("aggregate `{}` stands inside of aggregate `{}`", node.name, outer),
                           "put the inner one into a window step before"});
      return;
    }
    for (const NodePtr& child : node.children) refuse_aggregates(*child, outer);
  }

  const Ast& ast_;
  std::string_view prefix_;
  const IsAggregate& is_aggregate_;
  std::vector<AggregateCall> calls_;
  std::vector<Problem> problems_;
};

void collect_fields(const Node& node, std::vector<std::string>& out) {
  std::string path = path_of(node);
  if (!path.empty() && std::ranges::find(out, path) == out.end()) out.push_back(std::move(path));
  for (const NodePtr& child : node.children) collect_fields(*child, out);
}

}  // namespace

std::expected<SplitAggregates, std::vector<Problem>> split_aggregates(const Ast& ast, std::string_view prefix,
                                                                     const IsAggregate& is_aggregate) {
  return Splitter(ast, prefix, is_aggregate).run();
}

std::vector<std::string> fields_of(const Ast& ast) {
  std::vector<std::string> names;
  collect_fields(*ast.root, names);
  return names;
}

}  // namespace tidemark::expr
