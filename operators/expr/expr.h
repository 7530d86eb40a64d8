// Expressions: CEL (cel.dev), parsed once, type-checked against a scope, evaluated column by column over a batch.
// This header is all that the rest of the engine needs; parser, checker and evaluator lie behind it.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "operators/batch.h"
#include "operators/scope.h"

namespace tidemark::expr {

// What is wrong in an expression: `offset` counts bytes from its start.
struct Problem {
  size_t offset = 0;
  std::string message;
  std::string hint;  // what was meant; may be empty
};

struct Node;  // syntax tree, see operators/expr/ast.h

// A parsed, unchecked expression. Immutable; copies share the tree.
struct Ast {
  std::shared_ptr<const Node> root;
  std::string text;  // the source it came from
};

// Parses the whole CEL grammar.
std::expected<Ast, std::vector<Problem>> parse(std::string_view text);

// One aggregate call found inside an expression, such as `count().where(big)`.
struct AggregateCall {
  std::string name;        // "count"
  std::vector<Ast> args;   // `x` of sum(x)
  std::optional<Ast> where;
  size_t offset = 0;       // of the call in the text
  std::string text;        // the call as written, to recognise equal ones
};

// Splits `2 * sum(x) + count()` into the calls and the rest, in which the k-th call is the field `prefix`k. Calls that
// are textually equal share one field. `is_aggregate` tells which global function names are aggregates.
struct SplitAggregates {
  std::vector<AggregateCall> calls;
  Ast rest;
};
std::expected<SplitAggregates, std::vector<Problem>> split_aggregates(const Ast& ast, std::string_view prefix,
                                                                     const std::function<bool(std::string_view)>& is_aggregate);

// Names that may be fields the expression reads, without repeats: of `a.b` it is `a.b` and `a`. Names that macros bind
// are among them.
std::vector<std::string> fields_of(const Ast& ast);

// A call that only a rewritten tree holds: its one argument, bytes, read as text. Null stays null; what is not UTF-8 is an
// error of the row.
constexpr std::string_view kTextCall = "@text";

struct RowError {
  uint32_t row = 0;
  std::string message;
};

// A checked expression, ready to run. Immutable and thread-safe; scratch memory belongs to the caller's thread.
class Program {
 public:
  virtual ~Program() = default;
  virtual const Type& type() const = 0;
  // Whether the result can be null for some row.
  virtual bool nullable() const = 0;
  // Whether evaluation can fail for some row (overflow, division by zero, null in arithmetic, ...).
  virtual bool fallible() const = 0;
  // Evaluates for `rows` only. `out` is reset to type() with batch.rows rows; rows that failed are null there and
  // appended to `errors` in ascending order. Strings of the result lie in the batch's columns, in `arena`, or in the
  // program itself.
  virtual void evaluate(const Batch& batch, Rows rows, Arena& arena, Column& out,
                        std::vector<RowError>& errors) const = 0;
  // The slot, when the expression is nothing but a field: its column can be used as it is.
  virtual std::optional<uint32_t> field_slot() const = 0;
};

struct Compiled {
  std::unique_ptr<const Program> program;
  std::vector<Problem> warnings;  // such as an optional field in arithmetic
};

// Type-checks `ast` against `scope`. What parses but cannot be evaluated is refused here by name.
std::expected<Compiled, std::vector<Problem>> compile(const Ast& ast, const Scope& scope);

// One expression with variables from a JSON object, dynamically typed: the answer of `tidemark eval`, one line of JSON,
// either {"type": ..., "value": ...} or {"error": ...}.
std::string eval_to_json(std::string_view expression, std::string_view vars_json);

}  // namespace tidemark::expr
