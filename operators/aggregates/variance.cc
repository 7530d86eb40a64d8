// variance(x) and stddev(x) of the sample, from exact sums of the values and of their squares: n times the sum of squares
// less the square of the sum is exact too, and is rounded once. Null for fewer than two values.
#include <cmath>
#include <limits>

#include "operators/aggregates/exact_squares.h"
#include "operators/aggregates/functions.h"
#include "operators/aggregates/numeric_sums.h"
#include "operators/aggregates/value_kinds.h"
#include "operators/aggregates/wide_words.h"

namespace tidemark {
namespace {

using wide::Rounded;

// n * squares - sum * sum, rounded; `sum` is a magnitude. Widths are known where it is called.
template <size_t kSum, size_t kSquares>
Rounded spread(uint64_t n, std::span<const uint64_t, kSum> sum, std::span<const uint64_t, kSquares> squares) {
  uint64_t all[kSquares + 1];
  uint64_t square[2 * kSum];
  const uint64_t count[] = {n};
  wide::multiply(squares, count, all);
  wide::multiply(sum, sum, square);
  // Never greater, unless the bytes of a state were forged.
  constexpr size_t kCommon = std::min(std::size(all), std::size(square));
  if (!wide::subtract(all, std::span(square).template first<kCommon>())) return {0, 0};
  return wide::round(all);
}

template <bool kUnsigned>
struct IntMoments {
  IntSum<kUnsigned> sum;
  uint64_t squares[3];

  void add(const Column& c, uint32_t row, Arena& heap) {
    const int64_t x = c.ints[row];
    sum.add(c, row, heap);
    const uint64_t magnitude = !kUnsigned && x < 0 ? -static_cast<uint64_t>(x) : static_cast<uint64_t>(x);
    wide::add_shifted(squares, static_cast<unsigned __int128>(magnitude) * magnitude, 0, false);
  }
  void merge(const IntMoments& from, Arena& heap) {
    sum.merge(from.sum, heap);
    wide::add(squares, from.squares);
  }
  bool retract(const IntMoments& from) { return sum.retract(from.sum) && wide::subtract(squares, from.squares); }
  uint64_t count() const { return sum.count; }
  bool finite() const { return true; }
  Rounded rounded_spread() const {
    const __int128 value = sum.value();
    const auto bits = static_cast<unsigned __int128>(value);
    const unsigned __int128 magnitude = value < 0 && !kUnsigned ? -bits : bits;
    const uint64_t words[] = {static_cast<uint64_t>(magnitude), static_cast<uint64_t>(magnitude >> 64)};
    return spread<2, 3>(sum.count, words, squares);
  }
  void encode(ByteWriter& out, std::string& bytes) const {
    sum.encode(out, bytes);
    for (const uint64_t word : squares) out.fixed(word);
  }
  bool decode(ByteReader& in, Arena& heap) {
    if (!sum.decode(in, heap)) return false;
    for (uint64_t& word : squares) word = in.fixed<uint64_t>();
    return in.ok();
  }
};

struct DoubleMoments {
  DoubleSum sum;
  ExactSquares squares;

  void add(const Column& c, uint32_t row, Arena& heap) {
    sum.add(c, row, heap);
    if (std::isfinite(c.doubles[row])) squares.add(c.doubles[row], heap);
  }
  void merge(const DoubleMoments& from, Arena& heap) {
    sum.merge(from.sum, heap);
    squares.merge(from.squares, heap);
  }
  bool retract(const DoubleMoments& from) { return sum.retract(from.sum) && squares.retract(from.squares); }
  uint64_t count() const { return sum.count; }
  bool finite() const { return sum.sum.finite(); }
  Rounded rounded_spread() const {
    const auto small = sum.sum.small();
    if (small && !squares.small().empty()) {
      const auto bits = static_cast<unsigned __int128>(*small);
      const unsigned __int128 magnitude = *small < 0 ? -bits : bits;
      const uint64_t words[] = {static_cast<uint64_t>(magnitude), static_cast<uint64_t>(magnitude >> 64)};
      Rounded rounded = spread<2, 4>(sum.count, words, squares.small().first<4>());
      rounded.exponent += ExactSquares::kFixedUnit;
      return rounded;
    }
    uint64_t words[ExactSum::kWords];
    uint64_t square_words[ExactSquares::kWords];
    sum.sum.magnitude(words);
    squares.words(square_words);
    Rounded rounded = spread<ExactSum::kWords, ExactSquares::kWords>(sum.count, words, square_words);
    rounded.exponent += ExactSquares::kUnit;
    return rounded;
  }
  void encode(ByteWriter& out, std::string& bytes) const {
    sum.encode(out, bytes);
    squares.encode(bytes);
  }
  bool decode(ByteReader& in, Arena& heap) { return sum.decode(in, heap) && squares.decode(in, heap); }
};

// Scaled by powers of two last, so that only a result beyond the doubles is lost.
template <bool kRoot>
double result_of(Rounded spread, uint64_t n) {
  const double pairs = static_cast<double>(static_cast<unsigned __int128>(n) * (n - 1));
  const double quotient = spread.mantissa / pairs;
  if (!kRoot) return std::ldexp(quotient, spread.exponent);
  const int odd = spread.exponent & 1;
  return std::ldexp(std::sqrt(std::ldexp(quotient, odd)), (spread.exponent - odd) / 2);
}

template <class S, bool kRoot>
struct Spread : SumAlgebra<S> {
  static constexpr std::string_view kName = kRoot ? "stddev" : "variance";
  static constexpr bool kCanOverflow = true;

  Type result_type() const { return TypeKind::kDouble; }
  bool result(const S& s, Column& out, size_t row, Arena&) const {
    if (s.count() < 2) return true;
    out.valid[row] = 1;
    out.doubles[row] =
        s.finite() ? result_of<kRoot>(s.rounded_spread(), s.count()) : std::numeric_limits<double>::quiet_NaN();
    return true;
  }
};

template <bool kRoot>
MadeAggregate make(const AggregateArgs& args) {
  const TypeKind kind = args.columns[0].kind;
  if (kind == TypeKind::kInt) return make_aggregate<Spread<IntMoments<false>, kRoot>>();
  if (kind == TypeKind::kUint) return make_aggregate<Spread<IntMoments<true>, kRoot>>();
  if (kind == TypeKind::kDouble) return make_aggregate<Spread<DoubleMoments, kRoot>>();
  return refuse_argument("int, uint or double", args.columns[0]);
}

}  // namespace

AggregateFunction variance_function() {
  return {.name = "variance",
          .signature = "variance(x)",
          .doc = "The variance of the sample, from exact sums: n times the sum of the squares less the square of the "
                 "sum, rounded once, divided by n (n - 1). Null for fewer than two values.",
          .takes = "int, uint, double",
          .gives = "double",
          .memory = "48 B of int; 80 B of double, and 808 B more where values lie beyond 2^54 or have bits below 2^-72",
          .columns = 1,
          .columns_min = 1,
          .maker = make<false>};
}

AggregateFunction stddev_function() {
  return twin_of(variance_function(), "stddev", "stddev(x)",
                 "The standard deviation of the sample: the square root of the variance. Null for fewer than two "
                 "values.",
                 make<true>);
}

}  // namespace tidemark
