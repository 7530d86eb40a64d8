// Exact sums against exact rational arithmetic of another make, over doubles of every size, sign and order.
#include "operators/aggregates/exact_sum.h"

#include <boost/multiprecision/cpp_int.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "tests/catch.h"

namespace tidemark {
namespace {

using BigInt = boost::multiprecision::cpp_int;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kTiny = std::numeric_limits<double>::denorm_min();
constexpr double kLargest = std::numeric_limits<double>::max();

// A finite double as a whole number of 2^-1074.
BigInt units_of(double x) {
  int exponent = 0;
  const double fraction = std::frexp(x, &exponent);
  BigInt mantissa = static_cast<int64_t>(std::ldexp(fraction, 53));
  const int shift = exponent - 53 + 1074;
  return shift >= 0 ? BigInt(mantissa << shift) : BigInt(mantissa / (BigInt(1) << -shift));
}

// Rounds by trying both neighbours: the double below and the one above, whichever is nearer, the even one between.
double nearest_double(const BigInt& units) {
  if (units == 0) return 0.0;
  const BigInt magnitude = abs(units);
  const auto top = static_cast<int>(msb(magnitude));
  const int drop = std::max(0, top - 52);
  BigInt low = magnitude >> drop;
  const BigInt twice_rest = (magnitude - (low << drop)) * 2;
  const BigInt unit = BigInt(1) << drop;
  if (twice_rest > unit || (twice_rest == unit && (low & 1) == 1)) ++low;
  const double value = std::ldexp(low.convert_to<double>(), drop - 1074);
  return units < 0 ? -value : value;
}

bool same_bits(double a, double b) { return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b); }

ExactSum sum_of(const std::vector<double>& values, Arena& heap) {
  ExactSum sum{};
  for (const double v : values) sum.add(v, heap);
  return sum;
}

double plain(const std::vector<double>& values) {
  Arena heap;
  return sum_of(values, heap).rounded();
}

struct Doubles {
  std::mt19937_64 engine;
  uint64_t bits() { return engine(); }
  // Any finite double, all exponents alike.
  double any() {
    for (;;) {
      const auto v = std::bit_cast<double>(bits());
      if (std::isfinite(v)) return v;
    }
  }
  double near(int exponent, int spread) {
    const int e = exponent + static_cast<int>(bits() % static_cast<uint64_t>(2 * spread + 1)) - spread;
    const double v = std::ldexp(static_cast<double>(bits() >> 11 | uint64_t{1} << 52), e - 52);
    return (bits() & 1) != 0 ? -v : v;
  }
  double price() { return static_cast<double>(static_cast<int64_t>(bits() % 2'000'001) - 1'000'000) / 100; }
};

// One multiset of doubles of the kinds that break sums.
std::vector<double> nasty(Doubles& random, int kind) {
  std::vector<double> values;
  const size_t n = 1 + random.bits() % 60;
  for (size_t i = 0; i < n; ++i) {
    switch (kind % 8) {
      case 0: values.push_back(random.any()); break;
      case 1: values.push_back(random.price()); break;
      case 2: values.push_back(random.near(-1040, 40)); break;   // around the smallest
      case 3: values.push_back(random.near(1000, 23)); break;    // around the greatest
      case 4: values.push_back(random.near(0, 70)); break;       // around the borders of the fixed part
      case 5: values.push_back(random.near(52, 4)); break;       // overflows the fixed part
      case 6: values.push_back(i % 3 == 2 ? -values[i - 1] : random.near(0, 400)); break;  // cancels
      case 7: values.push_back(std::ldexp(1.0, static_cast<int>(random.bits() % 2098) - 1074)); break;  // makes ties
    }
  }
  return values;
}

}  // namespace

TEST_CASE("exact sums are the nearest double to the true sum") {
  Doubles random{std::mt19937_64(7)};
  for (int round = 0; round < 20'000; ++round) {
    const std::vector<double> values = nasty(random, round);
    BigInt units = 0;
    for (const double v : values) units += units_of(v);
    const double expected = nearest_double(units);
    const double got = plain(values);
    INFO("round " << round << " expected " << expected << " got " << got);
    const bool negative_zeros = std::ranges::all_of(values, [](double v) { return same_bits(v, -0.0); });
    REQUIRE(same_bits(negative_zeros ? -0.0 : expected, got));
  }
}

TEST_CASE("exact sums do not depend on order, on splits or on being written in between") {
  Doubles random{std::mt19937_64(8)};
  for (int round = 0; round < 4'000; ++round) {
    std::vector<double> values = nasty(random, round);
    if (round % 50 == 0) values.push_back(kInfinity);
    if (round % 70 == 0) values.push_back(-kInfinity);
    if (round % 90 == 0) values.push_back(-0.0);
    const double expected = plain(values);
    std::shuffle(values.begin(), values.end(), random.engine);
    Arena heap;
    ExactSum total{};
    for (size_t begin = 0; begin < values.size();) {
      const size_t n = std::min<size_t>(values.size() - begin, 1 + random.bits() % 9);
      const ExactSum part = sum_of({values.begin() + static_cast<ptrdiff_t>(begin),
                                    values.begin() + static_cast<ptrdiff_t>(begin + n)}, heap);
      std::string bytes;
      part.encode(bytes);
      ByteReader in(bytes);
      ExactSum read{};
      REQUIRE(read.decode(in, heap));
      REQUIRE(in.done());
      std::string again;
      read.encode(again);
      REQUIRE(again == bytes);
      if ((random.bits() & 1) != 0) std::swap(total, read);
      total.merge(read, heap);
      begin += n;
    }
    REQUIRE(same_bits(total.rounded(), expected));
  }
}

TEST_CASE("exact sums round ties to even and know every border") {
  const double half_ulp = std::ldexp(1.0, -53);
  CHECK(plain({1.0, half_ulp}) == 1.0);
  CHECK(plain({1.0, half_ulp, kTiny}) == std::nextafter(1.0, 2.0));
  CHECK(plain({std::nextafter(1.0, 2.0), half_ulp}) == 1.0 + std::ldexp(1.0, -51));
  CHECK(plain({1e308, 1e308, -1e308}) == 1e308);
  CHECK(plain({kLargest, kLargest}) == kInfinity);
  CHECK(plain({-kLargest, -kLargest}) == -kInfinity);
  CHECK(plain({kLargest, std::ldexp(1.0, 969)}) == kLargest);
  CHECK(plain({kLargest, std::ldexp(1.0, 970)}) == kInfinity);
  CHECK(plain({kTiny, kTiny}) == 2 * kTiny);
  CHECK(plain({kTiny, -kTiny}) == 0.0);
  CHECK(plain({0.1, 0.2, 0.3}) == 0.6);
  CHECK(plain({1e16, 1.0, -1e16}) == 1.0);
}

TEST_CASE("exact sums treat NaN, infinities and zeros alike in any order") {
  CHECK(std::isnan(plain({1.0, kNan, kInfinity})));
  CHECK(std::isnan(plain({kInfinity, 1.0, -kInfinity})));
  CHECK(plain({kInfinity, -1e300}) == kInfinity);
  CHECK(plain({1e300, -kInfinity}) == -kInfinity);
  CHECK(same_bits(plain({-0.0}), -0.0));
  CHECK(same_bits(plain({-0.0, -0.0}), -0.0));
  CHECK(same_bits(plain({-0.0, 0.0}), 0.0));
  CHECK(same_bits(plain({1.0, -1.0, -0.0}), 0.0));
  CHECK(same_bits(plain({}), 0.0));
}

TEST_CASE("an exact sum's bytes are refused when they are cut or foreign") {
  Arena heap;
  std::string bytes;
  sum_of({1e300, 1e-300, 5.0}, heap).encode(bytes);
  for (size_t n = 0; n < bytes.size(); ++n) {
    ByteReader in(std::string_view(bytes).substr(0, n));
    ExactSum read{};
    CHECK_FALSE(read.decode(in, heap));
  }
  for (const std::string& foreign : {std::string(1, '\x40'), std::string("\x21") + std::string(16, '\0') + "\x05\x05",
                                     std::string("\x21") + std::string(16, '\0') + "\x01\x50"}) {
    ByteReader in(foreign);
    ExactSum read{};
    CHECK_FALSE(read.decode(in, heap));
  }
}

}  // namespace tidemark
