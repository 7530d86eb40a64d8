// The loops that do the work: each takes argument vectors that all hold a value in every given row, and fills a result.
// Nulls, errors of arguments and selection are the business of the nodes (operators/expr/nodes.h).
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "base/types.h"
#include "operators/expr/vector.h"

namespace tidemark::expr {

// Marks rows that fail in `out`; allocates only what result strings need, in the context's arena.
using Kernel = void (*)(std::span<const Vec> args, Rows rows, Out& out);

inline constexpr size_t kMaxArguments = 4;  // of an overload

// A function or operator over operands of certain types, none of them null.
struct Overload {
  std::string_view name;  // a function's name or an operator's symbol
  std::vector<TypeKind> args;
  TypeKind result;
  Kernel kernel;
  bool fallible = false;
  bool global = true;     // may be called as name(a, b)
  bool receiver = false;  // may be called as a.name(b)
};

// The tables, each in the file of its kernels.
std::vector<Overload> arithmetic_overloads();   // - ! + * / % on numbers, bool negation
std::vector<Overload> time_overloads();         // + - and accessors on timestamps and durations
std::vector<Overload> string_overloads();       // + size contains startsWith endsWith matches
std::vector<Overload> text_overloads();         // charAt indexOf replace substring trim ...
std::vector<Overload> math_overloads();         // math.abs math.bitAnd math.ceil ...
std::vector<Overload> conversion_overloads();   // int() uint() double() string() bytes() bool() timestamp() duration()

enum class Comparison : uint8_t { kLess, kLessOrEqual, kGreater, kGreaterOrEqual };

// nullptr where the types have no order. int, uint and double compare by value with one another.
Kernel order_kernel(Comparison comparison, TypeKind a, TypeKind b);
// nullptr where values of the types cannot be compared.
Kernel equal_kernel(TypeKind a, TypeKind b);

}  // namespace tidemark::expr
