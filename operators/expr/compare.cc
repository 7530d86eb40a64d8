// Order and equality. Numbers of different kinds compare by their mathematical value, without rounding; NaN is ordered
// with nothing and equal to nothing.
#include <cstring>

#include "operators/expr/kernels.h"
#include "operators/expr/numbers.h"

namespace tidemark::expr {
namespace {

template <class A, class B, Comparison C>
void order(std::span<const Vec> args, Rows rows, Out& out) {
  const auto a = args[0].in<A>();
  const auto b = args[1].in<B>();
  auto* result = out.values<uint8_t>();
  for_each_row(rows, [&](uint32_t row) {
    const auto c = compare(a[row], b[row]);
    if constexpr (C == Comparison::kLess) result[row] = c < 0;
    if constexpr (C == Comparison::kLessOrEqual) result[row] = c <= 0;
    if constexpr (C == Comparison::kGreater) result[row] = c > 0;
    if constexpr (C == Comparison::kGreaterOrEqual) result[row] = c >= 0;
  });
}

template <class A, class B>
void equal(std::span<const Vec> args, Rows rows, Out& out) {
  const auto a = args[0].in<A>();
  const auto b = args[1].in<B>();
  auto* result = out.values<uint8_t>();
  for_each_row(rows, [&](uint32_t row) { result[row] = compare(a[row], b[row]) == 0; });
}

// The filter that most pipelines begin with: a text field against one word.
void equal_to_text(const In<std::string_view>& texts, std::string_view word, Rows rows, uint8_t* result) {
  for_each_row(rows, [&, size = word.size(), data = word.data()](uint32_t row) {
    const std::string_view text = texts[row];
    result[row] = text.size() == size && std::memcmp(text.data(), data, size) == 0;
  });
}

void equal_texts(std::span<const Vec> args, Rows rows, Out& out) {
  const auto a = args[0].in<std::string_view>();
  const auto b = args[1].in<std::string_view>();
  auto* result = out.values<uint8_t>();
  if (b.mask == 0) return equal_to_text(a, b[0], rows, result);
  if (a.mask == 0) return equal_to_text(b, a[0], rows, result);
  for_each_row(rows, [&](uint32_t row) { result[row] = a[row] == b[row]; });
}

template <class A, class B>
Kernel order_of(Comparison comparison) {
  switch (comparison) {
    case Comparison::kLess: return order<A, B, Comparison::kLess>;
    case Comparison::kLessOrEqual: return order<A, B, Comparison::kLessOrEqual>;
    case Comparison::kGreater: return order<A, B, Comparison::kGreater>;
    case Comparison::kGreaterOrEqual: return order<A, B, Comparison::kGreaterOrEqual>;
  }
  __builtin_unreachable();
}

// Calls `f` with a value of the C++ type that numbers of this kind have.
template <class F>
Kernel for_number(TypeKind kind, F&& f) {
  if (kind == TypeKind::kInt) return f(int64_t{});
  if (kind == TypeKind::kUint) return f(uint64_t{});
  if (kind == TypeKind::kDouble) return f(double{});
  return nullptr;
}

}  // namespace

Kernel order_kernel(Comparison comparison, TypeKind a, TypeKind b) {
  if (a == b) {
    if (a == TypeKind::kBool) return order_of<uint8_t, uint8_t>(comparison);
    if (a == TypeKind::kString || a == TypeKind::kBytes) {
      return order_of<std::string_view, std::string_view>(comparison);
    }
    if (a == TypeKind::kTimestamp) return order_of<Nanos, Nanos>(comparison);
    if (a == TypeKind::kDuration) return order_of<int64_t, int64_t>(comparison);
  }
  return for_number(a, [&](auto x) {
    return for_number(b, [&](auto y) -> Kernel { return order_of<decltype(x), decltype(y)>(comparison); });
  });
}

Kernel equal_kernel(TypeKind a, TypeKind b) {
  if (a == b) {
    if (a == TypeKind::kBool) return equal<uint8_t, uint8_t>;
    if (a == TypeKind::kString || a == TypeKind::kBytes) return equal_texts;
    if (a == TypeKind::kTimestamp) return equal<Nanos, Nanos>;
    if (a == TypeKind::kDuration) return equal<int64_t, int64_t>;
  }
  return for_number(a, [&](auto x) {
    return for_number(b, [&](auto y) -> Kernel { return equal<decltype(x), decltype(y)>; });
  });
}

}  // namespace tidemark::expr
