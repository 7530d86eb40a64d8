// The types of values in rows and expressions, as the contract names them. Knows no values.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace tidemark {

enum class TypeKind : uint8_t {
  kNull,       // the type of the literal `null` alone
  kBool,
  kInt,        // 64-bit signed
  kUint,       // 64-bit unsigned
  kDouble,
  kString,     // UTF-8
  kBytes,
  kTimestamp,
  kDuration,
  kList,
  kMap,
  kDyn,        // known only when the program runs (`tidemark eval`)
};

// A value type. Copying is cheap; equality compares elements too.
struct Type {
  TypeKind kind = TypeKind::kNull;
  std::shared_ptr<const Type> element;  // of lists, and the values of maps
  std::shared_ptr<const Type> key;      // of maps

  Type() = default;
  Type(TypeKind k) : kind(k) {}  // NOLINT: a kind is a type
  static Type list_of(Type t) {
    Type list(TypeKind::kList);
    list.element = std::make_shared<const Type>(std::move(t));
    return list;
  }
  friend bool operator==(const Type& a, const Type& b) {
    const auto same = [](const std::shared_ptr<const Type>& x, const std::shared_ptr<const Type>& y) {
      return (!x && !y) || (x && y && *x == *y);
    };
    return a.kind == b.kind && same(a.element, b.element) && same(a.key, b.key);
  }
};

// "int", "list<string>", ...
std::string to_string(const Type& type);

}  // namespace tidemark
