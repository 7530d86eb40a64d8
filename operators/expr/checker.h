// The checker: gives every part of a syntax tree its type and the node that runs it, or says what is wrong. Knows the
// scope and the overload tables; the rules of each construct are in checker.cc, what to suggest in hints.h.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "operators/expr/ast.h"
#include "operators/expr/facts.h"
#include "operators/expr/program.h"

namespace tidemark::expr {

// One use checks one expression. Every check answers nothing once it has noted a problem.
class Checker {
 public:
  Checker(const Ast& ast, const Scope& scope) : ast_(ast), scope_(scope) {}
  std::expected<Checked, std::vector<Problem>> run();

 private:
  using Answer = std::optional<Typed>;

  Answer check(const Node& node, const Facts& facts);
  Answer check_literal(const Node& node);
  Answer check_ident(const Node& node, const Facts& facts);
  Answer check_select(const Node& node);
  Answer check_operator(const Node& node, const Facts& facts);
  Answer check_call(const Node& node, const Facts& facts);

  Answer check_logic(const Node& node, const Facts& facts);
  Answer check_ternary(const Node& node, const Facts& facts);
  Answer check_equality(const Node& node, const Facts& facts);
  Answer check_order(const Node& node, const Facts& facts);
  Answer check_in(const Node& node, const Facts& facts);
  Answer check_has(const Node& node);
  Answer check_coalesce(const Node& node, const Facts& facts);
  Answer check_matches(const Node& node, std::vector<Typed> args);
  Answer check_overload(const Node& node, const Facts& facts);

  // All children, or nothing if one of them is wrong (all of them are checked all the same).
  std::optional<std::vector<Typed>> check_children(const Node& node, const Facts& facts);
  const Overload* find_overload(const Node& node, const std::vector<Typed>& args);
  Answer unknown_function(const Node& node);
  // The type that both can stand for, null being any type's.
  std::optional<Type> common_type(const Node& node, const Typed& a, const Typed& b);
  bool require_bool(const Node& operand, const Typed& typed, std::string_view name);
  void warn_if_nullable(const Node& operand, const Typed& typed, std::string_view name);

  Operand operand(const Node& node, Typed& typed) { return {std::move(typed.node), text_of(node)}; }
  std::string text_of(const Node& node) const { return ast_.text.substr(node.begin, node.end - node.begin); }
  std::nullopt_t fail(size_t offset, std::string message, std::string hint = {});
  std::nullopt_t unsupported(size_t offset, std::string_view what);
  std::nullopt_t mismatch(const Node& node, const std::vector<Typed>& args);

  const Ast& ast_;
  const Scope& scope_;
  std::vector<Problem> problems_;
  std::vector<Problem> warnings_;
};

}  // namespace tidemark::expr
