// Columns of one row.
#include "operators/expr/variables.h"

#include <utility>

#include "operators/expr/times.h"

namespace tidemark::expr {
namespace {

// Whether a column holds the value without loss; columns keep microseconds.
bool fits_column(const Shape& shape, const Value& value) {
  if (!is_scalar(shape.kind)) return false;
  if (value.kind() == Kind::kTimestamp) {
    return nanos_of_micros(micros_of_nanos(value.as_timestamp())) == value.as_timestamp();
  }
  return value.kind() == shape.kind || value.kind() == Kind::kNull;
}

void store(const Value& value, Column& column) {
  column.valid[0] = value.kind() != Kind::kNull;
  if (value.kind() == Kind::kBool) column.bools[0] = value.as_bool() ? 1 : 0;
  if (value.kind() == Kind::kInt || value.kind() == Kind::kDuration) column.ints[0] = value.as_int();
  if (value.kind() == Kind::kUint) column.ints[0] = static_cast<int64_t>(value.as_uint());
  if (value.kind() == Kind::kDouble) column.doubles[0] = value.as_double();
  if (value.kind() == Kind::kTimestamp) column.ints[0] = micros_of_nanos(value.as_timestamp());
  if (value.kind() == Kind::kString || value.kind() == Kind::kBytes) column.strings[0] = value.text();
}

}  // namespace

void Variables::add(std::string name, const Shape& shape, const Value& value) {
  const bool in_column = fits_column(shape, value);
  Column column;
  const Shape seen = in_column || !is_scalar(shape.kind) ? shape : Shape(Kind::kDyn);
  column.reset(to_type(seen), 1);
  if (in_column) store(value, column);
  values_.push_back(value);
  bound_.push_back(in_column ? nullptr : &values_.back());
  const auto slot = static_cast<uint32_t>(batch_.columns.size());
  scope_.fields.push_back({std::move(name), to_type(seen), value.kind() == Kind::kNull, slot});
  batch_.columns.push_back(std::move(column));
}

Value Variables::evaluate(const Typed& root, Arena& arena) const {
  Arena scratch;
  Context context(batch_, scratch);
  context.bind(bound_);
  return evaluate_one(root, context, arena);
}

}  // namespace tidemark::expr
