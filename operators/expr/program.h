// A checked expression with the nodes that run it. What lies between the checker and `tidemark eval`, and behind
// Program.
#pragma once

#include <optional>

#include "operators/expr/expr.h"
#include "operators/expr/nodes.h"

namespace tidemark::expr {

// What the checker knows of a part of an expression.
struct Typed {
  EvalPtr node;
  Type type;
  bool nullable = false;
  bool fallible = false;
  const Constant* constant = nullptr;  // inside of `node`, when it is one
  std::optional<uint32_t> slot;        // when it is nothing but a field
};

class CheckedProgram final : public Program {
 public:
  explicit CheckedProgram(Typed root) : root_(std::move(root)) {}
  const Type& type() const override { return root_.type; }
  bool nullable() const override { return root_.nullable; }
  bool fallible() const override { return root_.fallible; }
  std::optional<uint32_t> field_slot() const override { return root_.slot; }
  void evaluate(const Batch& batch, Rows rows, Arena& arena, Column& out, std::vector<RowError>& errors) const override;

 private:
  Typed root_;
};

struct Checked {
  Typed root;
  std::vector<Problem> warnings;
};

// Type-checks and binds; compile() wraps the answer into a program.
std::expected<Checked, std::vector<Problem>> check(const Ast& ast, const Scope& scope);

// The value of a row of `vec`, which holds values of type `kind`; nullptr for null. The row must not have failed.
Constant constant_of(const Vec& vec, uint32_t row, TypeKind kind);

}  // namespace tidemark::expr
