// Functions on optionals; the macros optMap and optFlatMap are in macros.cc, `.?` and `[?]` in row_nodes.cc.
#include "operators/expr/row_functions.h"

namespace tidemark::expr {
namespace {

using Shapes = std::span<const Shape>;
using Values = std::span<const Value>;

bool may_be_optional(const Shape& shape) { return shape.kind == Kind::kOptional || is_open(shape.kind); }

std::optional<Shape> shape_of_of(Shapes args) { return Shape::optional_of(args[0]); }
Value of(Values args, RowContext& context) { return make_optional(context.scratch(), args[0]); }
Value of_non_zero(Values args, RowContext& context) {
  return is_zero(args[0]) ? Value::of_optional(nullptr) : make_optional(context.scratch(), args[0]);
}

std::optional<Shape> shape_of_none(Shapes) { return Shape::optional_of(Kind::kNever); }
Value none(Values, RowContext&) { return Value::of_optional(nullptr); }

std::optional<Shape> shape_of_has_value(Shapes args) {
  return may_be_optional(args[0]) ? std::optional(Shape(Kind::kBool)) : std::nullopt;
}
Value has_value(Values args, RowContext& context) {
  if (args[0].kind() != Kind::kOptional) return no_overload("hasValue", args, context);
  return Value::of_bool(args[0].optional() != nullptr);
}

std::optional<Shape> shape_of_value(Shapes args) {
  return may_be_optional(args[0]) ? std::optional(args[0].element_or_dyn()) : std::nullopt;
}
Value value(Values args, RowContext& context) {
  if (args[0].kind() != Kind::kOptional) return no_overload("value", args, context);
  return args[0].optional() == nullptr ? context.fail("`value` of an absent optional") : *args[0].optional();
}

std::optional<Shape> shape_of_or(Shapes args) {
  if (!may_be_optional(args[0]) || !may_be_optional(args[1])) return std::nullopt;
  return join(args[0], args[1]);
}
Value or_other(Values args, RowContext& context) {
  if (args[0].kind() != Kind::kOptional || args[1].kind() != Kind::kOptional) return no_overload("or", args, context);
  return args[0].optional() != nullptr ? args[0] : args[1];
}

std::optional<Shape> shape_of_or_value(Shapes args) {
  return may_be_optional(args[0]) ? join(args[0].element_or_dyn(), args[1]) : std::nullopt;
}
Value or_value(Values args, RowContext& context) {
  if (args[0].kind() != Kind::kOptional) return no_overload("orValue", args, context);
  return args[0].optional() != nullptr ? *args[0].optional() : args[1];
}

}  // namespace

std::vector<RowFunction> optional_functions() {
  return {
      {"optional.of", 1, 1, true, false, shape_of_of, of, true},
      {"optional.ofNonZeroValue", 1, 1, true, false, shape_of_of, of_non_zero, true},
      {"optional.none", 0, 0, true, false, shape_of_none, none},
      {"hasValue", 1, 1, false, true, shape_of_has_value, has_value},
      {"value", 1, 1, false, true, shape_of_value, value},
      {"or", 2, 2, false, true, shape_of_or, or_other},
      {"orValue", 2, 2, false, true, shape_of_or_value, or_value, true},
  };
}

}  // namespace tidemark::expr
