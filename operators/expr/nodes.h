// The tree that runs: one node per operator, one virtual call per node and batch. Nodes decide which rows their
// operands are evaluated for and what nulls and errors mean; the loops over values are kernels. They know nothing of
// syntax.
#pragma once

#include <memory>
#include <string>
#include <unordered_set>
#include <variant>
#include <vector>

#include "base/types.h"
#include "operators/expr/ast.h"
#include "operators/expr/kernels.h"
#include "operators/expr/strings.h"
#include "operators/expr/vector.h"

namespace tidemark::expr {

// Immutable and thread-safe.
class EvalNode {
 public:
  virtual ~EvalNode() = default;
  // The values for `rows`; rows that failed have status kError and a message in the context.
  virtual Vec eval(Context& context, Rows rows) const = 0;
};
using EvalPtr = std::unique_ptr<const EvalNode>;

// An operand with the words to complain about it.
struct Operand {
  EvalPtr node;
  std::string text;  // as written
};

// A value that is the same for every row.
using Constant = std::variant<std::nullptr_t, bool, int64_t, uint64_t, double, Nanos, std::string>;

class ConstantNode final : public EvalNode {
 public:
  explicit ConstantNode(Constant value);
  ConstantNode(const ConstantNode&) = delete;
  ConstantNode& operator=(const ConstantNode&) = delete;
  Vec eval(Context&, Rows) const override;
  const Constant& value() const { return value_; }

 private:
  Constant value_;
  std::string_view text_;  // of strings, since vectors hold views
  uint8_t flag_ = 0;       // of bools, since vectors hold bytes
};

class FieldNode final : public EvalNode {
 public:
  FieldNode(uint32_t slot, TypeKind kind) : slot_(slot), kind_(kind) {}
  Vec eval(Context& context, Rows rows) const override;

 private:
  uint32_t slot_;
  TypeKind kind_;
};

// An overload: a null operand is an error, an operand's error is the result's.
class CallNode final : public EvalNode {
 public:
  CallNode(std::string name, Kernel kernel, std::vector<Operand> args)
      : name_(std::move(name)), kernel_(kernel), args_(std::move(args)) {}
  Vec eval(Context& context, Rows rows) const override;

 private:
  std::string name_;
  Kernel kernel_;
  std::vector<Operand> args_;
};

// matches() with a pattern known beforehand.
class MatchesNode final : public EvalNode {
 public:
  MatchesNode(Operand text, std::shared_ptr<const Pattern> pattern) : text_(std::move(text)), pattern_(std::move(pattern)) {}
  Vec eval(Context& context, Rows rows) const override;

 private:
  Operand text_;
  std::shared_ptr<const Pattern> pattern_;
};

// `==` and `!=`. Null equals null and nothing else. Without a kernel one side is the literal `null`.
class EqualNode final : public EvalNode {
 public:
  EqualNode(EvalPtr left, EvalPtr right, Kernel kernel, bool negated)
      : left_(std::move(left)), right_(std::move(right)), kernel_(kernel), negated_(negated) {}
  Vec eval(Context& context, Rows rows) const override;

 private:
  EvalPtr left_;
  EvalPtr right_;
  Kernel kernel_;
  bool negated_;
};

// `&&` and `||`. The right side is evaluated only where the left has not decided; a side that decides absorbs whatever
// happened to the other.
class LogicNode final : public EvalNode {
 public:
  LogicNode(bool is_and, Operand left, Operand right)
      : decisive_(is_and ? 0 : 1), name_(is_and ? "&&" : "||"), left_(std::move(left)), right_(std::move(right)) {}
  Vec eval(Context& context, Rows rows) const override;

 private:
  // Settles the rows that the left side left open, where either side may have failed or be null.
  void combine(const Vec& left, const Vec& right, Rows undecided, uint8_t* result, Out& out) const;

  uint8_t decisive_;  // the value of either side that makes the result
  const char* name_;
  Operand left_;
  Operand right_;
};

class TernaryNode final : public EvalNode {
 public:
  TernaryNode(TypeKind kind, Operand condition, EvalPtr yes, EvalPtr no)
      : kind_(kind), condition_(std::move(condition)), yes_(std::move(yes)), no_(std::move(no)) {}
  Vec eval(Context& context, Rows rows) const override;

 private:
  TypeKind kind_;
  Operand condition_;
  EvalPtr yes_;
  EvalPtr no_;
};

// Bytes as text; null stays null.
class TextNode final : public EvalNode {
 public:
  explicit TextNode(Operand bytes) : bytes_(std::move(bytes)) {}
  Vec eval(Context& context, Rows rows) const override;

 private:
  Operand bytes_;
};

// What to say of bytes that are no text; `operand` as written.
std::string not_text(std::string_view operand);

class HasNode final : public EvalNode {
 public:
  explicit HasNode(EvalPtr field) : field_(std::move(field)) {}
  Vec eval(Context& context, Rows rows) const override;

 private:
  EvalPtr field_;
};

// The first choice that is not null.
class CoalesceNode final : public EvalNode {
 public:
  CoalesceNode(TypeKind kind, std::vector<EvalPtr> choices) : kind_(kind), choices_(std::move(choices)) {}
  Vec eval(Context& context, Rows rows) const override;

 private:
  TypeKind kind_;
  std::vector<EvalPtr> choices_;
};

// `x in [a, b, c]` with any elements: an error in one is an error of the whole, as the list comes first.
class InListNode final : public EvalNode {
 public:
  struct Element {
    EvalPtr node;
    Kernel equal;  // of the needle and the element; nullptr where one of them is the literal `null`
  };
  InListNode(EvalPtr needle, std::vector<Element> elements)
      : needle_(std::move(needle)), elements_(std::move(elements)) {}
  Vec eval(Context& context, Rows rows) const override;

 private:
  EvalPtr needle_;
  std::vector<Element> elements_;
};

// `x in [...]` with constants of the needle's own type T: std::string_view, int64_t or uint64_t.
template <class T>
class InSetNode final : public EvalNode {
 public:
  using Stored = std::conditional_t<std::is_same_v<T, std::string_view>, std::string, T>;
  InSetNode(EvalPtr needle, std::vector<Stored> elements, bool has_null);
  Vec eval(Context& context, Rows rows) const override;

 private:
  bool contains(const T& value) const;

  EvalPtr needle_;
  std::vector<Stored> elements_;
  std::unordered_set<T> set_;  // views of elements_; empty where a walk over them is faster
  bool has_null_;
};

}  // namespace tidemark::expr
