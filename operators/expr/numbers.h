// How numbers of different kinds compare: by their mathematical value, without rounding. NaN is ordered with nothing.
// One pair is equal that is not the same number, as CEL's own tests ask: the greatest int (or uint) and the double next
// to it.
#pragma once

#include <cmath>
#include <compare>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace tidemark::expr {

template <class T>
std::partial_ordering compare_with_double(T a, double b) {
  if (std::isnan(b)) return std::partial_ordering::unordered;
  constexpr double kEnd = std::is_signed_v<T> ? 0x1p63 : 0x1p64;  // the first value beyond T
  constexpr double kBegin = std::is_signed_v<T> ? -0x1p63 : 0.0;
  if (b >= kEnd) {
    const bool nearest = b == kEnd && a == std::numeric_limits<T>::max();
    return nearest ? std::partial_ordering::equivalent : std::partial_ordering::less;
  }
  if (b < kBegin) return std::partial_ordering::greater;
  const double whole = std::trunc(b);
  const T cut = static_cast<T>(whole);
  if (a != cut) return a <=> cut;
  return whole <=> b;
}

// Values of one type by its own order; of two number types by value.
template <class A, class B>
auto compare(const A& a, const B& b) {
  if constexpr (std::is_same_v<A, B>) {
    return a <=> b;
  } else if constexpr (std::is_same_v<B, double>) {
    return compare_with_double(a, b);
  } else if constexpr (std::is_same_v<A, double>) {
    return 0 <=> compare_with_double(b, a);
  } else if constexpr (std::is_signed_v<A>) {
    return a < 0 ? std::strong_ordering::less : static_cast<uint64_t>(a) <=> b;
  } else {
    return b < 0 ? std::strong_ordering::greater : a <=> static_cast<uint64_t>(b);
  }
}

}  // namespace tidemark::expr
