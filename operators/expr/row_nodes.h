// The row nodes of operators, literals and calls. They mean what their columnar brothers in nodes.h mean, for values of
// any kind; an operand's error is the result's unless said otherwise.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "operators/expr/row_functions.h"
#include "operators/expr/rows.h"
#include "operators/expr/strings.h"

namespace tidemark::expr {

// An operand with the words to complain about it.
struct RowOperand {
  RowPtr node;
  std::string text;  // as written
};

class RowConstant final : public RowNode {
 public:
  // `memory` holds what the value points into.
  RowConstant(Value value, std::shared_ptr<const Arena> memory) : value_(value), memory_(std::move(memory)) {}
  static RowPtr of(const Value& value);  // with a copy of all that the value holds
  Value eval(RowContext&) const override { return value_; }

 private:
  Value value_;
  std::shared_ptr<const Arena> memory_;
};

class RowField final : public RowNode {
 public:
  RowField(uint32_t slot, Shape shape) : slot_(slot), shape_(std::move(shape)) {}
  Value eval(RowContext& context) const override { return context.field(slot_, shape_); }

 private:
  uint32_t slot_;
  Shape shape_;
};

// What a macro has bound at `depth`.
class RowVariable final : public RowNode {
 public:
  explicit RowVariable(size_t depth) : depth_(depth) {}
  Value eval(RowContext& context) const override { return context.variables()[depth_]; }

 private:
  size_t depth_;
};

// Fails whenever it is reached.
class RowFail final : public RowNode {
 public:
  explicit RowFail(std::string message) : message_(std::move(message)) {}
  Value eval(RowContext& context) const override { return context.fail(message_); }

 private:
  std::string message_;
};

// A function or an operator: the first overload that takes the operands' kinds, else the row function if there is one.
class RowCall final : public RowNode {
 public:
  RowCall(std::string name, std::vector<RowOperand> args, std::vector<const Overload*> overloads,
          const RowFunction* function)
      : name_(std::move(name)), args_(std::move(args)), overloads_(std::move(overloads)), function_(function) {}
  Value eval(RowContext& context) const override;

 private:
  std::string name_;
  std::vector<RowOperand> args_;
  std::vector<const Overload*> overloads_;
  const RowFunction* function_;
};

class RowMatches final : public RowNode {
 public:
  RowMatches(RowOperand text, std::shared_ptr<const Pattern> pattern)
      : text_(std::move(text)), pattern_(std::move(pattern)) {}
  Value eval(RowContext& context) const override;

 private:
  RowOperand text_;
  std::shared_ptr<const Pattern> pattern_;
};

class RowEqual final : public RowNode {
 public:
  RowEqual(RowPtr left, RowPtr right, bool negated)
      : left_(std::move(left)), right_(std::move(right)), negated_(negated) {}
  Value eval(RowContext& context) const override;

 private:
  RowPtr left_;
  RowPtr right_;
  bool negated_;
};

class RowOrder final : public RowNode {
 public:
  RowOrder(std::string name, Comparison comparison, RowOperand left, RowOperand right)
      : name_(std::move(name)), comparison_(comparison), left_(std::move(left)), right_(std::move(right)) {}
  Value eval(RowContext& context) const override;

 private:
  std::string name_;
  Comparison comparison_;
  RowOperand left_;
  RowOperand right_;
};

class RowLogic final : public RowNode {
 public:
  RowLogic(bool is_and, RowOperand left, RowOperand right)
      : decisive_(!is_and), name_(is_and ? "&&" : "||"), left_(std::move(left)), right_(std::move(right)) {}
  Value eval(RowContext& context) const override;

 private:
  bool decisive_;
  const char* name_;
  RowOperand left_;
  RowOperand right_;
};

class RowTernary final : public RowNode {
 public:
  RowTernary(RowOperand condition, RowPtr yes, RowPtr no)
      : condition_(std::move(condition)), yes_(std::move(yes)), no_(std::move(no)) {}
  Value eval(RowContext& context) const override;

 private:
  RowOperand condition_;
  RowPtr yes_;
  RowPtr no_;
};

// `in` on a list or on the keys of a map.
class RowIn final : public RowNode {
 public:
  RowIn(RowPtr needle, RowOperand container) : needle_(std::move(needle)), container_(std::move(container)) {}
  Value eval(RowContext& context) const override;

 private:
  RowPtr needle_;
  RowOperand container_;
};

// container[key] and, with a constant key, map.name. With `optional`, container[?key]: what is not there is no error.
class RowIndex final : public RowNode {
 public:
  RowIndex(RowOperand container, RowPtr key, std::string name, bool optional)
      : container_(std::move(container)), key_(std::move(key)), name_(std::move(name)), optional_(optional) {}
  Value eval(RowContext& context) const override;

 private:
  RowOperand container_;
  RowPtr key_;
  std::string name_;  // "[]" or ".name"
  bool optional_;
};

// has(map.name)
class RowHasKey final : public RowNode {
 public:
  RowHasKey(RowOperand container, std::string key) : container_(std::move(container)), key_(std::move(key)) {}
  Value eval(RowContext& context) const override;

 private:
  RowOperand container_;
  std::string key_;
};

// What TextNode does.
class RowText final : public RowNode {
 public:
  explicit RowText(RowOperand bytes) : bytes_(std::move(bytes)) {}
  Value eval(RowContext& context) const override;

 private:
  RowOperand bytes_;
};

// has(field): it is not null.
class RowHas final : public RowNode {
 public:
  explicit RowHas(RowPtr field) : field_(std::move(field)) {}
  Value eval(RowContext& context) const override;

 private:
  RowPtr field_;
};

class RowCoalesce final : public RowNode {
 public:
  explicit RowCoalesce(std::vector<RowPtr> choices) : choices_(std::move(choices)) {}
  Value eval(RowContext& context) const override;

 private:
  std::vector<RowPtr> choices_;
};

// A part of a literal; with `optional`, it holds an optional, and is left out when that is absent.
struct RowElement {
  RowPtr node;
  bool optional = false;
};

class RowList final : public RowNode {
 public:
  explicit RowList(std::vector<RowElement> elements) : elements_(std::move(elements)) {}
  Value eval(RowContext& context) const override;

 private:
  std::vector<RowElement> elements_;
};

class RowMap final : public RowNode {
 public:
  // Keys and values in turn; only values may be optional.
  explicit RowMap(std::vector<RowElement> elements) : elements_(std::move(elements)) {}
  Value eval(RowContext& context) const override;

 private:
  std::vector<RowElement> elements_;
};

}  // namespace tidemark::expr
