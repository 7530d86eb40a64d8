// The functions of CEL's math extension over numbers of one kind; math.greatest and math.least of mixed ones and of
// lists are in lists.cc.
#include <cmath>
#include <cstdlib>
#include <limits>

#include "operators/expr/kernels.h"

namespace tidemark::expr {
namespace {

template <class T, class To, auto F>
void unary(std::span<const Vec> args, Rows rows, Out& out) {
  const auto a = args[0].in<T>();
  To* result = out.values<To>();
  for_each_row(rows, [&](uint32_t row) { result[row] = F(a[row]); });
}

template <class T, auto F>
void binary(std::span<const Vec> args, Rows rows, Out& out) {
  const auto a = args[0].in<T>();
  const auto b = args[1].in<T>();
  T* result = out.values<T>();
  for_each_row(rows, [&](uint32_t row) { result[row] = F(a[row], b[row]); });
}

double ceil_of(double v) { return std::ceil(v); }
double floor_of(double v) { return std::floor(v); }
double round_of(double v) { return std::round(v); }  // halves away from zero
double trunc_of(double v) { return std::trunc(v); }
template <class T>
double sqrt_of(T v) {
  return std::sqrt(static_cast<double>(v));
}
double abs_of(double v) { return std::fabs(v); }
uint64_t same(uint64_t v) { return v; }
template <class T>
T sign_of(T v) {
  if constexpr (std::is_same_v<T, double>) {
    if (std::isnan(v)) return v;
  }
  return static_cast<T>((v > T{0}) - (v < T{0}));
}
uint8_t is_nan(double v) { return std::isnan(v); }
uint8_t is_inf(double v) { return std::isinf(v); }
uint8_t is_finite(double v) { return std::isfinite(v); }

uint64_t bit_and(uint64_t a, uint64_t b) { return a & b; }
uint64_t bit_or(uint64_t a, uint64_t b) { return a | b; }
uint64_t bit_xor(uint64_t a, uint64_t b) { return a ^ b; }
uint64_t bit_not(uint64_t a) { return ~a; }
uint64_t shift_left(uint64_t a, uint64_t by) { return a << by; }
uint64_t shift_right(uint64_t a, uint64_t by) { return a >> by; }

void abs_of_int(std::span<const Vec> args, Rows rows, Out& out) {
  const auto a = args[0].in<int64_t>();
  auto* result = out.values<int64_t>();
  for_each_row(rows, [&](uint32_t row) {
    if (a[row] == std::numeric_limits<int64_t>::min()) [[unlikely]] {
      out.fail(row, "integer overflow in `math.abs`");
    } else {
      result[row] = std::abs(a[row]);
    }
  });
}

// Bits that leave are gone: shifting by 64 or more leaves none. Ints shift as their bits, without a sign.
template <auto Shift>
void shift(std::span<const Vec> args, Rows rows, Out& out) {
  const auto a = args[0].in<uint64_t>();
  const auto by = args[1].in<int64_t>();
  auto* result = out.values<uint64_t>();
  for_each_row(rows, [&](uint32_t row) {
    if (by[row] < 0) [[unlikely]] {
      out.fail(row, "shift by a negative number of bits");
    } else {
      result[row] = by[row] >= 64 ? 0 : Shift(a[row], static_cast<uint64_t>(by[row]));
    }
  });
}

// NaN loses against numbers, whichever side it stands on.
template <class T>
T greater_of(T a, T b) {
  return b > a || a != a ? b : a;
}
template <class T>
T lesser_of(T a, T b) {
  return b < a || a != a ? b : a;
}

void add_bits(std::vector<Overload>& all) {
  using enum TypeKind;
  for (const TypeKind kind : {kInt, kUint}) {
    all.push_back({"math.bitAnd", {kind, kind}, kind, binary<uint64_t, bit_and>});
    all.push_back({"math.bitOr", {kind, kind}, kind, binary<uint64_t, bit_or>});
    all.push_back({"math.bitXor", {kind, kind}, kind, binary<uint64_t, bit_xor>});
    all.push_back({"math.bitNot", {kind}, kind, unary<uint64_t, uint64_t, bit_not>});
    all.push_back({"math.bitShiftLeft", {kind, kInt}, kind, shift<shift_left>, true});
    all.push_back({"math.bitShiftRight", {kind, kInt}, kind, shift<shift_right>, true});
  }
}

}  // namespace

std::vector<Overload> math_overloads() {
  using enum TypeKind;
  std::vector<Overload> all{
      {"math.ceil", {kDouble}, kDouble, unary<double, double, ceil_of>},
      {"math.floor", {kDouble}, kDouble, unary<double, double, floor_of>},
      {"math.round", {kDouble}, kDouble, unary<double, double, round_of>},
      {"math.trunc", {kDouble}, kDouble, unary<double, double, trunc_of>},
      {"math.sqrt", {kDouble}, kDouble, unary<double, double, sqrt_of<double>>},
      {"math.sqrt", {kInt}, kDouble, unary<int64_t, double, sqrt_of<int64_t>>},
      {"math.sqrt", {kUint}, kDouble, unary<uint64_t, double, sqrt_of<uint64_t>>},
      {"math.abs", {kDouble}, kDouble, unary<double, double, abs_of>},
      {"math.abs", {kInt}, kInt, abs_of_int, true},
      {"math.abs", {kUint}, kUint, unary<uint64_t, uint64_t, same>},
      {"math.sign", {kDouble}, kDouble, unary<double, double, sign_of<double>>},
      {"math.sign", {kInt}, kInt, unary<int64_t, int64_t, sign_of<int64_t>>},
      {"math.sign", {kUint}, kUint, unary<uint64_t, uint64_t, sign_of<uint64_t>>},
      {"math.isNaN", {kDouble}, kBool, unary<double, uint8_t, is_nan>},
      {"math.isInf", {kDouble}, kBool, unary<double, uint8_t, is_inf>},
      {"math.isFinite", {kDouble}, kBool, unary<double, uint8_t, is_finite>},
      {"math.greatest", {kDouble, kDouble}, kDouble, binary<double, greater_of<double>>},
      {"math.greatest", {kInt, kInt}, kInt, binary<int64_t, greater_of<int64_t>>},
      {"math.greatest", {kUint, kUint}, kUint, binary<uint64_t, greater_of<uint64_t>>},
      {"math.least", {kDouble, kDouble}, kDouble, binary<double, lesser_of<double>>},
      {"math.least", {kInt, kInt}, kInt, binary<int64_t, lesser_of<int64_t>>},
      {"math.least", {kUint, kUint}, kUint, binary<uint64_t, lesser_of<uint64_t>>},
  };
  add_bits(all);
  return all;
}

}  // namespace tidemark::expr
