// A checked expression with the nodes that run it. What lies between the checker and `tidemark eval`, and behind
// Program.
#pragma once

#include <optional>

#include "operators/expr/expr.h"
#include "operators/expr/nodes.h"
#include "operators/expr/rows.h"
#include "operators/expr/shape.h"

namespace tidemark::expr {

// What the checker knows of a part of an expression, with both ways to run it.
struct Typed {
  EvalPtr node;  // by columns: nullptr where the shape is no scalar's, or where it reads what a macro bound
  RowPtr row;    // row by row: always there
  Shape shape;
  bool nullable = false;
  bool fallible = false;
  bool fixed = false;                  // it is the same for every row, and cannot fail
  const Constant* constant = nullptr;  // inside of `node`, when it is one
  std::optional<uint32_t> slot;        // when it is nothing but a field
  size_t reach = 0;                    // how many of the names that macros bound around it, it may read
};

class CheckedProgram final : public Program {
 public:
  explicit CheckedProgram(Typed root);
  const Type& type() const override { return type_; }
  bool nullable() const override { return root_.nullable; }
  bool fallible() const override { return root_.fallible; }
  std::optional<uint32_t> field_slot() const override { return root_.slot; }
  void evaluate(const Batch& batch, Rows rows, Arena& arena, Column& out, std::vector<RowError>& errors) const override;

 private:
  Typed root_;
  Type type_;
};

struct Checked {
  Typed root;
  std::vector<Problem> warnings;
};

// How an expression is read.
struct Dialect {
  bool dynamic = false;   // types that do not fit, and names that are unknown, fail when they are reached
  std::string container;  // `y` means `container.y` where that exists, as CEL resolves names
};

// Type-checks and binds; compile() wraps the answer into a program.
std::expected<Checked, std::vector<Problem>> check(const Ast& ast, const Scope& scope, const Dialect& dialect = {});

// The value for the batch's one row, in `arena`; an error is a value too.
Value evaluate_one(const Typed& root, Context& context, Arena& arena);

// The value of a row of `vec`, which holds values of type `kind`; nullptr for null. The row must not have failed.
Constant constant_of(const Vec& vec, uint32_t row, TypeKind kind);

}  // namespace tidemark::expr
