// The row nodes of macros: those that bind a name and evaluate a part of the expression under it, mostly once for each
// element of a list or key of a map. Which name lies at which depth was settled by the checker.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "operators/expr/row_nodes.h"

namespace tidemark::expr {

// What is walked through, and where its parts are bound: at `depth` the element or key; with two variables the index
// or key, and behind it the element or value.
struct Loop {
  RowOperand range;
  std::string name;  // of the macro
  size_t depth = 0;
  bool two = false;
};

enum class Quantifier : uint8_t { kAll, kExists, kExistsOne };

// all, exists, exists_one. The first two absorb errors as && and || do.
class RowQuantifier final : public RowNode {
 public:
  RowQuantifier(Quantifier quantifier, Loop loop, RowPtr condition)
      : quantifier_(quantifier), loop_(std::move(loop)), condition_(std::move(condition)) {}
  Value eval(RowContext& context) const override;

 private:
  Quantifier quantifier_;
  Loop loop_;
  RowPtr condition_;
};

// map, filter, transformList: a list of what `result` is where `condition` (which may be absent) holds.
class RowTransform final : public RowNode {
 public:
  RowTransform(Loop loop, RowPtr condition, RowPtr result)
      : loop_(std::move(loop)), condition_(std::move(condition)), result_(std::move(result)) {}
  Value eval(RowContext& context) const override;

 private:
  Loop loop_;
  RowPtr condition_;
  RowPtr result_;
};

// transformMap: the same keys with new values; with `whole`, transformMapEntry: the entries of the maps that `result`
// is.
class RowTransformMap final : public RowNode {
 public:
  RowTransformMap(Loop loop, RowPtr condition, RowPtr result, bool whole)
      : loop_(std::move(loop)), condition_(std::move(condition)), result_(std::move(result)), whole_(whole) {}
  Value eval(RowContext& context) const override;

 private:
  Loop loop_;
  RowPtr condition_;
  RowPtr result_;
  bool whole_;
};

// cel.bind and cel.block: names for values, from `depth` on, and an expression over them. A value that failed fails
// where it is used.
class RowBind final : public RowNode {
 public:
  RowBind(size_t depth, std::vector<RowPtr> values, RowPtr result)
      : depth_(depth), values_(std::move(values)), result_(std::move(result)) {}
  Value eval(RowContext& context) const override;

 private:
  size_t depth_;
  std::vector<RowPtr> values_;
  RowPtr result_;
};

// optMap, and with `flat` optFlatMap.
class RowOptionalMap final : public RowNode {
 public:
  RowOptionalMap(RowOperand target, size_t depth, RowPtr result, bool flat)
      : target_(std::move(target)), depth_(depth), result_(std::move(result)), flat_(flat) {}
  Value eval(RowContext& context) const override;

 private:
  RowOperand target_;
  size_t depth_;
  RowPtr result_;
  bool flat_;
};

}  // namespace tidemark::expr
