// Shape: the static type of an expression's part. A superset of the types that columns have: lists and maps of
// anything, CEL's own types, and what is known only when the program runs. Knows no values.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/types.h"

namespace tidemark::expr {

// What a value is; up to kDyn with the numbers of TypeKind.
enum class Kind : uint8_t {
  kNull,
  kBool,
  kInt,
  kUint,
  kDouble,
  kString,
  kBytes,
  kTimestamp,
  kDuration,
  kList,
  kMap,
  kDyn,       // of shapes only: known when the program runs
  kType,      // what type(x) answers
  kOptional,
  kIp,
  kCidr,
  kNever,     // of shapes only: the elements of `[]`; joins with anything
  kError,     // of values only: why there is none
};

constexpr Kind kind_of(TypeKind kind) { return static_cast<Kind>(kind); }
// Of scalars and kNull, kList, kMap, kDyn only; anything else is kDyn to a column.
constexpr TypeKind column_kind(Kind kind) {
  return kind <= Kind::kDyn ? static_cast<TypeKind>(kind) : TypeKind::kDyn;
}
static_assert(kind_of(TypeKind::kDyn) == Kind::kDyn && kind_of(TypeKind::kDuration) == Kind::kDuration);

// Whether values of the kind lie in columns, and run through kernels.
constexpr bool is_scalar(Kind kind) { return kind <= Kind::kDuration; }
constexpr bool is_number(Kind kind) { return kind >= Kind::kInt && kind <= Kind::kDouble; }
// Whether only the running program knows.
constexpr bool is_open(Kind kind) { return kind == Kind::kDyn || kind == Kind::kNever; }

// Copying is cheap; equality compares elements too.
struct Shape {
  Kind kind = Kind::kNull;
  std::shared_ptr<const Shape> element;  // of lists, optionals and types, and the values of maps
  std::shared_ptr<const Shape> key;      // of maps

  Shape() = default;
  Shape(Kind k) : kind(k) {}                          // NOLINT: a kind is a shape
  Shape(TypeKind k) : kind(kind_of(k)) {}             // NOLINT: so is a column's
  explicit Shape(const Type& type);
  static Shape list_of(Shape element);
  static Shape map_of(Shape key, Shape value);
  static Shape optional_of(Shape value);

  // What the elements are, where it is not known: dyn.
  Shape element_or_dyn() const { return element ? *element : Shape(Kind::kDyn); }
  Shape key_or_dyn() const { return key ? *key : Shape(Kind::kDyn); }
  friend bool operator==(const Shape& a, const Shape& b);
};

// The type of a column with such values; what a column cannot hold is dyn.
Type to_type(const Shape& shape);
// "int", "list<string>", "optional<int>", ...
std::string to_string(const Shape& shape);

// The narrowest shape that both fit; nothing where they have nothing in common but dyn. Null fits what can be absent.
std::optional<Shape> join(const Shape& a, const Shape& b);
// The same, or dyn: the elements of a literal list.
Shape join_or_dyn(const Shape& a, const Shape& b);
// Whether a value of shape `from` may stand where `to` is asked for; what is open may stand anywhere.
bool fits(const Shape& from, const Shape& to);
// Whether values of these shapes can ever be equal, null aside. int, uint and double compare with one another.
bool comparable(const Shape& a, const Shape& b);

// CEL's name of a kind, as type(x) has it: "int", "null_type", "google.protobuf.Timestamp", ...
std::string_view type_name(Kind kind);
// The kind with that name, if it is one.
std::optional<Kind> kind_named(std::string_view name);

}  // namespace tidemark::expr
