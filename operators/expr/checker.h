// The checker: gives every part of a syntax tree its shape and the nodes that run it, by columns where it can and row
// by row, or says what is wrong. Knows the scope and the tables of functions. The rules of operators are in checker.cc,
// of calls in check_calls.cc, of lists and maps in check_lists.cc, of macros in check_macros.cc; what to suggest is in
// hints.h.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "operators/expr/ast.h"
#include "operators/expr/facts.h"
#include "operators/expr/macros.h"
#include "operators/expr/program.h"
#include "operators/expr/row_nodes.h"

namespace tidemark::expr {

// One use checks one expression. Every check answers nothing once it has noted a problem.
class Checker {
 public:
  Checker(const Ast& ast, const Scope& scope, const Dialect& dialect) : ast_(ast), scope_(scope), dialect_(dialect) {}
  std::expected<Checked, std::vector<Problem>> run();

 private:
  using Answer = std::optional<Typed>;

  // A call with its name spelled out and its target, if it has one, among the arguments.
  struct Call {
    const Node& node;
    std::string name;
    std::span<const NodePtr> args;
    bool receiver = false;
  };
  // A name that a macro binds, at its index's depth.
  struct Variable {
    std::string name;
    Shape shape;
  };
  // The functions that may take certain operands, and what comes out.
  struct Candidates {
    std::vector<const Overload*> overloads;
    const RowFunction* function = nullptr;
    Shape shape;
  };

  Answer check(const Node& node, const Facts& facts);
  Answer check_kind(const Node& node, const Facts& facts);
  Answer check_literal(const Node& node);
  Answer check_ident(const Node& node, const Facts& facts);
  Answer check_select(const Node& node, const Facts& facts);
  Answer check_operator(const Node& node, const Facts& facts);
  Answer check_logic(const Node& node, const Facts& facts);
  Answer check_ternary(const Node& node, const Facts& facts);
  Answer check_equality(const Node& node, const Facts& facts);
  Answer check_order(const Node& node, const Facts& facts);

  Answer check_list(const Node& node, const Facts& facts);
  Answer check_map(const Node& node, const Facts& facts);
  Answer check_index(const Node& node, const Facts& facts);
  Answer check_in(const Node& node, const Facts& facts);
  Answer check_in_literal(const Node& node, Typed needle, const Facts& facts);
  Answer check_member(const Node& node, Typed target, std::string_view name, RowPtr key, bool optional);

  Answer check_call(const Node& node, const Facts& facts);
  Answer check_has(const Node& node, const Facts& facts);
  Answer check_has_key(const Node& field, const Facts& facts);
  Answer check_coalesce(const Node& node, const Facts& facts);
  Answer check_text(const Node& node, const Facts& facts);
  Answer check_function(const Call& call, const Facts& facts);
  Answer check_matches(const Call& call, std::vector<Typed> args);
  Answer unknown_function(const Call& call);
  Answer call_of(const Call& call, const Candidates& candidates, std::vector<Typed> args);
  Answer fold_extreme(const Call& call, const Candidates& pair, std::vector<Typed> args);
  std::optional<Candidates> find_candidates(const Call& call, const std::vector<Typed>& args);
  std::string misuse(const Call& call, std::string& hint) const;

  // A macro, if the call is one; nothing when it is no macro, an empty Answer when it is a wrong one.
  std::optional<Answer> check_macro(const Node& node, const Facts& facts);
  std::optional<Answer> check_cel_macro(const Node& node, const Facts& facts);
  Answer check_quantifier(const Node& node, Quantifier quantifier, const Facts& facts);
  Answer check_transform(const Node& node, size_t variables, bool filters, const Facts& facts);
  Answer check_transform_map(const Node& node, bool whole, const Facts& facts);
  Answer check_optional_map(const Node& node, bool flat, const Facts& facts);
  Answer check_bind(const Node& node, const Facts& facts);
  Answer check_block(const Node& node, const Facts& facts);
  // Checks what a macro walks through, and binds its names; end_loop() forgets them.
  std::optional<Loop> begin_loop(const Node& node, size_t variables, const Facts& facts, Typed& range);
  void end_loop(const Loop& loop) { variables_.resize(loop.depth); }
  Answer check_condition(const Node& node, std::string_view name, const Facts& facts);
  std::optional<std::string> variable_name(const Node& node);
  Typed of_loop(const Loop& loop, const Typed& range, std::initializer_list<const Typed*> parts, Shape shape);

  // The field that a name means, by the container's rules; the variable that it means, unless it is rooted.
  const Field* find_field(std::string_view name, bool rooted) const;
  std::optional<size_t> find_variable(const Node& ident) const;
  bool is_resolved(const Node& node) const;
  // "math.abs", where the call's target is a name space and no value.
  std::optional<std::string> qualified_function(const Node& node) const;
  Typed field_of(const Field& field, const Facts& facts);
  Answer unknown_field(const Node& node, const std::string& path);

  // All of them, or nothing if one is wrong (all of them are checked all the same).
  std::optional<std::vector<Typed>> check_all(std::span<const NodePtr> nodes, const Facts& facts);
  // The shape that both can stand for, null being any shape's.
  std::optional<Shape> common_shape(const Node& node, const Typed& a, const Typed& b);
  bool require_bool(const Node& operand, const Typed& typed, std::string_view name);
  void warn_if_nullable(const Node& operand, const Typed& typed, std::string_view name);
  // Completes what has only a row node: by columns too where it can be, worked out beforehand where it is `fixed`.
  void settle(Typed& typed);

  Operand operand(const Node& node, Typed& typed) { return {std::move(typed.node), text_of(node)}; }
  RowOperand row_operand(const Node& node, const Typed& typed) { return {typed.row, text_of(node)}; }
  std::string text_of(const Node& node) const { return ast_.text.substr(node.begin, node.end - node.begin); }
  std::nullopt_t fail(size_t offset, std::string message, std::string hint = {});
  // A mistake that only shows when it is reached, where the dialect is dynamic.
  Answer refuse(size_t offset, std::string message, std::string hint = {});
  Answer mismatch(const Call& call, const std::vector<Typed>& args);

  const Ast& ast_;
  const Scope& scope_;
  const Dialect& dialect_;
  std::vector<Variable> variables_;
  std::vector<Problem> problems_;
  std::vector<Problem> warnings_;
};

// What the checker's files share.

// A constant with both of its nodes.
Typed constant_typed(Constant value, Shape shape);
// Works out what has only constants below, unless it fails: then it fails when it is reached.
Typed folded(Typed typed, bool constants_only);
// A result of `shape` whose nullability follows from it, and whose rest follows from its operands.
Typed typed_over(const std::vector<Typed>& operands, Shape shape);
void take_over(const Typed& operand, Typed& result);

// Whether all of them run by columns.
bool all_columnar(const std::vector<Typed>& typed);
bool all_constant(const std::vector<Typed>& typed);
bool any_fallible(const std::vector<Typed>& typed);
bool any_nullable(const std::vector<Typed>& typed);

// Its shape as a part of something: dyn, where it may be null instead.
Shape held_shape(const Typed& typed);

const std::vector<Overload>& overloads();
const std::vector<RowFunction>& row_functions();

}  // namespace tidemark::expr
