// Arithmetic on int, uint and double, with the overflow errors that CEL asks for, and bool negation. Knows no types but
// these: mixing them is the checker's to refuse.
#include <limits>
#include <type_traits>

#include "operators/expr/kernels.h"

namespace tidemark::expr {
namespace {

constexpr int64_t kMin = std::numeric_limits<int64_t>::min();

// An operation answers whether it failed, and why.
template <class T, class Operation>
void binary(std::span<const Vec> args, Rows rows, Out& out) {
  const auto a = args[0].in<T>();
  const auto b = args[1].in<T>();
  T* result = out.values<T>();
  for_each_row(rows, [&](uint32_t row) {
    const char* failure = Operation::apply(a[row], b[row], result[row]);
    if (failure != nullptr) [[unlikely]] out.fail(row, failure);
  });
}

struct Add {
  template <class T>
  static const char* apply(T a, T b, T& result) {
    return __builtin_add_overflow(a, b, &result) ? "integer overflow in `+`" : nullptr;
  }
  static const char* apply(double a, double b, double& result) { return result = a + b, nullptr; }
};

struct Subtract {
  template <class T>
  static const char* apply(T a, T b, T& result) {
    return __builtin_sub_overflow(a, b, &result) ? "integer overflow in `-`" : nullptr;
  }
  static const char* apply(double a, double b, double& result) { return result = a - b, nullptr; }
};

struct Multiply {
  template <class T>
  static const char* apply(T a, T b, T& result) {
    return __builtin_mul_overflow(a, b, &result) ? "integer overflow in `*`" : nullptr;
  }
  static const char* apply(double a, double b, double& result) { return result = a * b, nullptr; }
};

struct Divide {
  static const char* apply(int64_t a, int64_t b, int64_t& result) {
    if (b == 0) return "division by zero";
    if (a == kMin && b == -1) return "integer overflow in `/`";
    return result = a / b, nullptr;
  }
  static const char* apply(uint64_t a, uint64_t b, uint64_t& result) {
    if (b == 0) return "division by zero";
    return result = a / b, nullptr;
  }
  static const char* apply(double a, double b, double& result) { return result = a / b, nullptr; }
};

struct Remainder {
  static const char* apply(int64_t a, int64_t b, int64_t& result) {
    if (b == 0) return "modulus by zero";
    if (a == kMin && b == -1) return "integer overflow in `%`";
    return result = a % b, nullptr;
  }
  static const char* apply(uint64_t a, uint64_t b, uint64_t& result) {
    if (b == 0) return "modulus by zero";
    return result = a % b, nullptr;
  }
};

void negate_int(std::span<const Vec> args, Rows rows, Out& out) {
  const auto a = args[0].in<int64_t>();
  auto* result = out.values<int64_t>();
  for_each_row(rows, [&](uint32_t row) {
    if (__builtin_sub_overflow(int64_t{0}, a[row], &result[row])) [[unlikely]] out.fail(row, "integer overflow in `-`");
  });
}

void negate_double(std::span<const Vec> args, Rows rows, Out& out) {
  const auto a = args[0].in<double>();
  auto* result = out.values<double>();
  for_each_row(rows, [&](uint32_t row) { result[row] = -a[row]; });
}

void negate_bool(std::span<const Vec> args, Rows rows, Out& out) {
  const auto a = args[0].in<uint8_t>();
  auto* result = out.values<uint8_t>();
  for_each_row(rows, [&](uint32_t row) { result[row] = a[row] ^ 1; });
}

template <class Operation>
void add_numbers(std::string_view name, std::vector<Overload>& out) {
  using enum TypeKind;
  out.push_back({name, {kInt, kInt}, kInt, binary<int64_t, Operation>, true});
  out.push_back({name, {kUint, kUint}, kUint, binary<uint64_t, Operation>, true});
  if constexpr (!std::is_same_v<Operation, Remainder>) {
    out.push_back({name, {kDouble, kDouble}, kDouble, binary<double, Operation>});
  }
}

}  // namespace

std::vector<Overload> arithmetic_overloads() {
  using enum TypeKind;
  std::vector<Overload> all;
  add_numbers<Add>("+", all);
  add_numbers<Subtract>("-", all);
  add_numbers<Multiply>("*", all);
  add_numbers<Divide>("/", all);
  add_numbers<Remainder>("%", all);
  all.push_back({"-", {kInt}, kInt, negate_int, true});
  all.push_back({"-", {kDouble}, kDouble, negate_double});
  all.push_back({"!", {kBool}, kBool, negate_bool});
  return all;
}

}  // namespace tidemark::expr
