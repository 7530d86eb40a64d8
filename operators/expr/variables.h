// The variables of a lone expression, as a scope and a batch of one row. Scalars lie in columns, as in pipelines;
// whatever columns do not hold is bound beside them.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "base/arena.h"
#include "operators/batch.h"
#include "operators/expr/program.h"
#include "operators/expr/value.h"
#include "operators/scope.h"

namespace tidemark::expr {

class Variables {
 public:
  Variables() { batch_.rows = 1; }
  Variables(const Variables&) = delete;
  Variables& operator=(const Variables&) = delete;

  // Where the values given to add() lie.
  Arena& arena() { return batch_.arena; }
  void add(std::string name, const Shape& shape, const Value& value);
  const Scope& scope() const { return scope_; }
  // What `root`, checked against the scope, comes to; a copy in `arena`.
  Value evaluate(const Typed& root, Arena& arena) const;

 private:
  Scope scope_;
  Batch batch_;
  std::deque<Value> values_;
  std::vector<const Value*> bound_;  // by slot; nullptr where there is a column
};

}  // namespace tidemark::expr
