// How shapes combine.
#include "operators/expr/shape.h"

#include <array>
#include <utility>

namespace tidemark::expr {
namespace {

std::shared_ptr<const Shape> shared(Shape shape) { return std::make_shared<const Shape>(std::move(shape)); }

bool same(const std::shared_ptr<const Shape>& a, const std::shared_ptr<const Shape>& b) {
  return (!a && !b) || (a && b && *a == *b);
}

// Kinds that null may stand for, as CEL's checkers have it.
bool may_be_null(Kind kind) {
  return kind == Kind::kTimestamp || kind == Kind::kDuration || kind == Kind::kOptional || kind == Kind::kIp ||
         kind == Kind::kCidr;
}

constexpr std::array<std::pair<std::string_view, Kind>, 15> kNames{{{"null_type", Kind::kNull},
                                                                    {"bool", Kind::kBool},
                                                                    {"int", Kind::kInt},
                                                                    {"uint", Kind::kUint},
                                                                    {"double", Kind::kDouble},
                                                                    {"string", Kind::kString},
                                                                    {"bytes", Kind::kBytes},
                                                                    {"google.protobuf.Timestamp", Kind::kTimestamp},
                                                                    {"google.protobuf.Duration", Kind::kDuration},
                                                                    {"list", Kind::kList},
                                                                    {"map", Kind::kMap},
                                                                    {"type", Kind::kType},
                                                                    {"optional_type", Kind::kOptional},
                                                                    {"net.IP", Kind::kIp},
                                                                    {"net.CIDR", Kind::kCidr}}};

}  // namespace

Shape::Shape(const Type& type) : kind(kind_of(type.kind)) {
  if (type.element) element = shared(Shape(*type.element));
  if (type.key) key = shared(Shape(*type.key));
}

Shape Shape::list_of(Shape of) {
  Shape list(Kind::kList);
  list.element = shared(std::move(of));
  return list;
}

Shape Shape::map_of(Shape from, Shape to) {
  Shape map(Kind::kMap);
  map.key = shared(std::move(from));
  map.element = shared(std::move(to));
  return map;
}

Shape Shape::optional_of(Shape value) {
  Shape optional(Kind::kOptional);
  optional.element = shared(std::move(value));
  return optional;
}

bool operator==(const Shape& a, const Shape& b) {
  return a.kind == b.kind && same(a.element, b.element) && same(a.key, b.key);
}

Type to_type(const Shape& shape) {
  Type type(column_kind(shape.kind));
  if (shape.kind == Kind::kList || shape.kind == Kind::kMap) {
    type.element = std::make_shared<const Type>(to_type(shape.element_or_dyn()));
    if (shape.kind == Kind::kMap) type.key = std::make_shared<const Type>(to_type(shape.key_or_dyn()));
  }
  return type;
}

std::string to_string(const Shape& shape) {
  if (shape.kind == Kind::kType) return "type";
  if (shape.kind == Kind::kIp || shape.kind == Kind::kCidr) return std::string(type_name(shape.kind));
  if (shape.kind == Kind::kOptional) return "optional<" + to_string(shape.element_or_dyn()) + ">";
  if (shape.kind == Kind::kList) return "list<" + to_string(shape.element_or_dyn()) + ">";
  if (shape.kind == Kind::kMap) {
    return "map<" + to_string(shape.key_or_dyn()) + ", " + to_string(shape.element_or_dyn()) + ">";
  }
  return to_string(Type(column_kind(shape.kind)));
}

std::optional<Shape> join(const Shape& a, const Shape& b) {
  if (a == b || b.kind == Kind::kNever) return a;
  if (a.kind == Kind::kNever) return b;
  if (a.kind == Kind::kDyn || b.kind == Kind::kDyn) return Kind::kDyn;
  if (a.kind == Kind::kNull && may_be_null(b.kind)) return b;
  if (b.kind == Kind::kNull && may_be_null(a.kind)) return a;
  if (a.kind != b.kind || is_scalar(a.kind)) return std::nullopt;
  if (a.kind == Kind::kType) return Kind::kType;
  const auto element = join(a.element_or_dyn(), b.element_or_dyn());
  if (!element) return std::nullopt;
  if (a.kind == Kind::kList) return Shape::list_of(*element);
  if (a.kind == Kind::kOptional) return Shape::optional_of(*element);
  const auto key = join(a.key_or_dyn(), b.key_or_dyn());
  if (!key) return std::nullopt;
  return Shape::map_of(*key, *element);
}

Shape join_or_dyn(const Shape& a, const Shape& b) { return join(a, b).value_or(Shape(Kind::kDyn)); }

bool fits(const Shape& from, const Shape& to) {
  if (is_open(from.kind) || is_open(to.kind)) return true;
  if (from.kind != to.kind) return from.kind == Kind::kNull && may_be_null(to.kind);
  if (is_scalar(from.kind) || from.kind == Kind::kType) return true;
  return fits(from.element_or_dyn(), to.element_or_dyn()) &&
         (from.kind != Kind::kMap || fits(from.key_or_dyn(), to.key_or_dyn()));
}

bool comparable(const Shape& a, const Shape& b) {
  if (is_open(a.kind) || is_open(b.kind)) return true;
  if (is_number(a.kind) && is_number(b.kind)) return true;
  if (a.kind != b.kind) return a.kind == Kind::kNull || b.kind == Kind::kNull;
  if (is_scalar(a.kind) || a.kind == Kind::kType) return true;
  return comparable(a.element_or_dyn(), b.element_or_dyn()) &&
         (a.kind != Kind::kMap || comparable(a.key_or_dyn(), b.key_or_dyn()));
}

std::string_view type_name(Kind kind) {
  for (const auto& [name, k] : kNames) {
    if (k == kind) return name;
  }
  return "dyn";
}

std::optional<Kind> kind_named(std::string_view name) {
  for (const auto& [known, kind] : kNames) {
    if (known == name) return kind;
  }
  return std::nullopt;
}

}  // namespace tidemark::expr
