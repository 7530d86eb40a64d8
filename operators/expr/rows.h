// Row by row: the second way to run a part of an expression, for what does not lie in columns. A row node answers one
// Value; errors are values, so that whoever may absorb them can. Knows how to enter from the columnar side and how to
// call its kernels; what the nodes mean is in row_nodes.h and macros.h.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "operators/expr/kernels.h"
#include "operators/expr/nodes.h"
#include "operators/expr/value.h"
#include "operators/expr/value_json.h"

namespace tidemark::expr {

// What the rows of one evaluation share. Lives on the stack of whoever enters; single-threaded.
class RowContext {
 public:
  // What one row may cost, so that no record's data can stop the stream.
  static constexpr uint64_t kMaxSteps = 1'000'000;           // turns of macros
  static constexpr size_t kMaxScratchBytes = 64 * 1024 * 1024;

  explicit RowContext(Context& columns);
  RowContext(const RowContext&) = delete;
  RowContext& operator=(const RowContext&) = delete;

  // Forgets all values of the row before.
  void enter(uint32_t row);
  // Whether the row has used up what it may; then everything fails.
  bool exhausted() const { return steps_ > kMaxSteps || scratch_.bytes_used() > kMaxScratchBytes; }
  // One more turn of a macro.
  void step() { ++steps_; }
  // Looking through all of a text or a list costs turns too, so that a loop over large values ends.
  void spend(const Value& value) {
    if (value.kind() == Kind::kString || value.kind() == Kind::kBytes) steps_ += value.text().size() / 256;
    if (value.kind() == Kind::kList) steps_ += value.list().size() / 16;
  }

  // Where values lie; lasts as long as the row.
  Arena& scratch() { return scratch_; }
  Value fail(std::string_view message) { return error_value(scratch_, message); }
  // The field's value in this row.
  Value field(uint32_t slot, const Shape& shape);
  // What macros have bound, by depth.
  std::vector<Value>& variables() { return variables_; }
  // Runs a kernel for one row. The values are scalars of the kinds that it takes.
  Value call(Kernel kernel, TypeKind result, std::span<const Value> args);

 private:

  Context& columns_;
  uint32_t row_ = 0;
  uint64_t steps_ = 0;
  Arena scratch_;
  std::vector<Value> variables_;
  std::vector<std::pair<uint32_t, Value>> lists_;  // fields of this row that were read already
  std::optional<JsonReader> reader_;
  Batch one_;                                      // what kernels run over
  Context kernels_;
};

// Immutable and thread-safe.
class RowNode {
 public:
  virtual ~RowNode() = default;
  virtual Value eval(RowContext& context) const = 0;
};
using RowPtr = std::shared_ptr<const RowNode>;

// The way in from columns: a row node as a columnar one. `kind` is a scalar's, kList or kMap; lists and maps become
// JSON.
class RowsNode final : public EvalNode {
 public:
  RowsNode(RowPtr root, Kind kind) : root_(std::move(root)), kind_(kind) {}
  Vec eval(Context& context, Rows rows) const override;

 private:
  RowPtr root_;
  Kind kind_;
};

// A row's value of `vec`, which holds values of kind `kind` and has not failed there.
Value value_of(const Vec& vec, uint32_t row, Kind kind);

}  // namespace tidemark::expr
