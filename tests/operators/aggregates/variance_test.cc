// Variances against whole numbers of another make, over values of every size; and where naive formulas break.
#include <boost/multiprecision/cpp_int.hpp>

#include <cmath>
#include <random>

#include "operators/aggregates/aggregate.h"
#include "tests/catch.h"

namespace tidemark {
namespace {

using BigInt = boost::multiprecision::cpp_int;

template <class T>
std::optional<double> answer(std::string_view name, TypeKind kind, const std::vector<T>& values) {
  TopicTable topics;
  const Type type = kind;
  const auto made = find_aggregate_function(name)->make({std::span(&type, 1), {}, topics});
  REQUIRE(made.has_value());
  Column arg, out;
  arg.reset(type, values.size());
  out.reset(TypeKind::kDouble, 1);
  std::vector<uint32_t> rows;
  for (size_t i = 0; i < values.size(); ++i) {
    arg.valid[i] = 1;
    if constexpr (std::is_same_v<T, double>) arg.doubles[i] = values[i];
    else arg.ints[i] = static_cast<int64_t>(values[i]);
    rows.push_back(static_cast<uint32_t>(i));
  }
  Arena heap;
  std::vector<std::byte> state((*made)->state_size());
  (*made)->create(state.data());
  const std::vector<std::byte*> states(values.size(), state.data());
  const Batch batch;
  (*made)->add({batch, rows, states, heap, &arg});
  REQUIRE((*made)->result(state.data(), out, 0, heap));
  return out.valid[0] ? std::optional(out.doubles[0]) : std::nullopt;
}

// In units of 2^-1074.
BigInt exact(double x) {
  int exponent = 0;
  BigInt mantissa = static_cast<int64_t>(std::ldexp(std::frexp(x, &exponent), 53));
  const int shift = exponent - 53 + 1074;
  return shift >= 0 ? BigInt(mantissa * (BigInt(1) << shift)) : BigInt(mantissa / (BigInt(1) << -shift));
}
BigInt exact(int64_t x) { return x; }
BigInt exact(uint64_t x) { return x; }

// n times the squares less the square of the sum, cut to 53 bits, ties to even; as a number and a power of two.
template <class T>
std::pair<double, int> spread(const std::vector<T>& values) {
  BigInt sum = 0, squares = 0;
  for (const T value : values) {
    sum += exact(value);
    squares += exact(value) * exact(value);
  }
  const BigInt all = squares * values.size() - sum * sum;
  if (all == 0) return {0, 0};
  const int drop = std::max(0, static_cast<int>(msb(all)) - 52);
  BigInt kept = all / (BigInt(1) << drop);
  const BigInt rest = all - kept * (BigInt(1) << drop);
  const BigInt half = (BigInt(1) << drop) / 2;
  if (drop > 0 && (rest > half || (rest == half && (kept & 1) == 1))) ++kept;
  return {kept.convert_to<double>(), drop};
}

template <class T>
void check(TypeKind kind, const std::vector<T>& values) {
  const auto [mantissa, exponent] = spread(values);
  const int unit = kind == TypeKind::kDouble ? -2148 : 0;
  const auto n = static_cast<double>(values.size());
  const double variance = std::ldexp(mantissa / (n * (n - 1)), exponent + unit);
  INFO(values.size() << " values from " << values[0]);
  REQUIRE(answer("variance", kind, values) == variance);
  if (variance > 1e-300 && variance < 1e300) REQUIRE(answer("stddev", kind, values) == std::sqrt(variance));
}

}  // namespace

TEST_CASE("variances are those of exact arithmetic") {
  std::mt19937_64 random(7);
  for (int round = 0; round < 300; ++round) {
    std::vector<double> ordinary, any;
    std::vector<int64_t> ints;
    std::vector<uint64_t> uints;
    const int scale = static_cast<int>(random() % 120) - 60;
    for (size_t n = 2 + random() % 40; n > 0; --n) {
      const double unit = static_cast<double>(static_cast<int64_t>(random())) * 0x1p-63;
      ordinary.push_back(std::ldexp(unit, static_cast<int>(random() % 20) + (round % 2 ? scale : 0)));
      any.push_back(std::ldexp(unit, static_cast<int>(random() % 2000) - 1050));
      ints.push_back(static_cast<int64_t>(random() >> random() % 64));
      uints.push_back(random() >> random() % 64);
    }
    check(TypeKind::kDouble, ordinary);
    check(TypeKind::kDouble, any);
    check(TypeKind::kInt, ints);
    check(TypeKind::kUint, uints);
  }
}

TEST_CASE("variances that cancel, and sums that outgrow their fixed part") {
  // A naive sum of squares gives 0 or less here.
  CHECK(answer<double>("variance", TypeKind::kDouble, {1e15 + 1, 1e15 + 2, 1e15 + 3}) == 1.0);
  CHECK(answer<double>("stddev", TypeKind::kDouble, {1e8 + 4, 1e8 + 7, 1e8 + 13, 1e8 + 16}) == std::sqrt(30.0));
  CHECK(answer<int64_t>("variance", TypeKind::kInt, {-3, 3, std::numeric_limits<int64_t>::min()}) > 2.8e37);
  check<int64_t>(TypeKind::kInt, {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()});
  check<uint64_t>(TypeKind::kUint, {std::numeric_limits<uint64_t>::max(), 0, std::numeric_limits<uint64_t>::max()});
  std::vector<double> large(300, 0x1.8p53);
  large.push_back(1.0);
  check(TypeKind::kDouble, large);
}

TEST_CASE("a standard deviation stays in range where its variance does not") {
  CHECK(answer<double>("variance", TypeKind::kDouble, {-1e200, 1e200}) == std::numeric_limits<double>::infinity());
  CHECK(answer<double>("stddev", TypeKind::kDouble, {-3e200, 3e200}) == Approx(3e200 * std::sqrt(2.0)).epsilon(1e-15));
  CHECK(answer<double>("stddev", TypeKind::kDouble, {-3e-200, 3e-200}) == Approx(3e-200 * std::sqrt(2.0)).epsilon(1e-15));
}

TEST_CASE("fewer than two values have no variance, and what is no number has none either") {
  CHECK_FALSE(answer<double>("variance", TypeKind::kDouble, {}).has_value());
  CHECK_FALSE(answer<double>("stddev", TypeKind::kDouble, {5.0}).has_value());
  CHECK(answer<double>("stddev", TypeKind::kDouble, {5.0, 5.0}) == 0.0);
  CHECK(std::isnan(*answer<double>("variance", TypeKind::kDouble, {1.0, std::nan("")})));
  CHECK(std::isnan(*answer<double>("variance", TypeKind::kDouble, {1.0, std::numeric_limits<double>::infinity()})));
}

}  // namespace tidemark
