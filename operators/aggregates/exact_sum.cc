// All but the usual addition, which lies in the header: rare values, the way into the wide part, rounding. Infinities,
// NaN and the sign of zero are flags that only the end looks at.
#include "operators/aggregates/exact_sum.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "operators/aggregates/wide_words.h"

namespace tidemark {

void ExactSum::make_wide(Arena& heap) {
  if (wide_ != nullptr) return;
  wide_ = reinterpret_cast<uint64_t*>(heap.allocate(kWords * sizeof(uint64_t)));
  std::fill_n(wide_, kWords, 0);
}

void ExactSum::add_units(__int128 units, Arena& heap) {
  __int128 sum = 0;
  if (!__builtin_add_overflow(fixed(), units, &sum)) return set_fixed(sum);
  make_wide(heap);
  wide::add_signed({wide_, kWords}, fixed(), 1074 + kUnitExponent);
  set_fixed(units);
}

void ExactSum::add_rare(double x, Arena& heap) {
  const uint64_t bits = std::bit_cast<uint64_t>(x);
  const bool negative = bits >> 63;
  const int exponent = static_cast<int>(bits >> 52 & 0x7ff);
  if (exponent == 0x7ff) {
    flags_ |= kOther | ((bits & kFraction) != 0 ? kNan : negative ? kNegativeInfinity : kPositiveInfinity);
    return;
  }
  flags_ |= x == 0.0 && negative ? kNegativeZero : kOther;
  const uint64_t mantissa = (bits & kFraction) | (exponent == 0 ? 0 : kImplicitOne);
  if (mantissa == 0) return;
  const int shift = std::max(exponent, 1) - static_cast<int>(kFixedExponent);
  const bool whole = shift >= 0 || std::countr_zero(mantissa) >= -shift;
  if (whole && shift <= static_cast<int>(kMaxShift)) {
    const __int128 units = shift >= 0 ? static_cast<__int128>(mantissa) << shift : mantissa >> -shift;
    return add_units(negative ? -units : units, heap);
  }
  make_wide(heap);
  wide::add_shifted({wide_, kWords}, mantissa, static_cast<unsigned>(std::max(exponent, 1) - 1), negative);
}

void ExactSum::merge(const ExactSum& from, Arena& heap) {
  flags_ |= from.flags_;
  add_units(from.fixed(), heap);
  if (from.wide_ == nullptr) return;
  make_wide(heap);
  wide::add({wide_, kWords}, {from.wide_, kWords});
}

double ExactSum::rounded() const {
  const bool both = (flags_ & kPositiveInfinity) != 0 && (flags_ & kNegativeInfinity) != 0;
  if ((flags_ & kNan) != 0 || both) return std::numeric_limits<double>::quiet_NaN();
  if ((flags_ & kPositiveInfinity) != 0) return std::numeric_limits<double>::infinity();
  if ((flags_ & kNegativeInfinity) != 0) return -std::numeric_limits<double>::infinity();
  if (flags_ == kNegativeZero) return -0.0;
  // The conversion rounds to nearest, ties to even; scaling by a power of two is exact here.
  if (wide_ == nullptr) return std::ldexp(static_cast<double>(fixed()), kUnitExponent);
  uint64_t words[kWords];
  const bool negative = magnitude(words);
  const wide::Rounded sum = wide::round(words);
  // Scaling is exact: a sum of subnormals has no more bits than they.
  const double rounded = std::ldexp(sum.mantissa, sum.exponent - 1074);
  return negative ? -rounded : rounded;
}

bool ExactSum::magnitude(std::span<uint64_t, kWords> words) const {
  std::ranges::fill(words, 0);
  if (wide_ != nullptr) std::copy_n(wide_, kWords, words.begin());
  wide::add_signed(words, fixed(), 1074 + kUnitExponent);
  const bool negative = wide::is_negative(words);
  if (negative) wide::negate(words);
  return negative;
}

void ExactSum::encode(std::string& out) const {
  ByteWriter writer(out);
  writer.fixed(static_cast<uint8_t>(flags_ | (wide_ != nullptr ? kHasWide : 0)));
  writer.fixed(low_);
  writer.fixed(high_);
  if (wide_ == nullptr) return;
  // Zero words below and repetitions of the sign above are left out.
  size_t first = 0;
  size_t end = kWords;
  const uint64_t sign = wide_[kWords - 1] >> 63 ? ~uint64_t{0} : 0;
  while (end > 1 && wide_[end - 1] == sign && (wide_[end - 2] >> 63) == (sign & 1)) --end;
  while (first + 1 < end && wide_[first] == 0) ++first;
  writer.fixed(static_cast<uint8_t>(first));
  writer.fixed(static_cast<uint8_t>(end));
  for (size_t i = first; i < end; ++i) writer.fixed(wide_[i]);
}

bool ExactSum::decode(ByteReader& in, Arena& heap) {
  *this = ExactSum{};
  const auto head = in.fixed<uint8_t>();
  low_ = in.fixed<uint64_t>();
  high_ = in.fixed<uint64_t>();
  flags_ = head & kAllFlags;
  if (!in.ok() || (head & ~(kAllFlags | kHasWide)) != 0) return false;
  if ((head & kHasWide) == 0) return true;
  const size_t first = in.fixed<uint8_t>();
  const size_t end = in.fixed<uint8_t>();
  if (!in.ok() || first >= end || end > kWords) return false;
  make_wide(heap);
  for (size_t i = first; i < end; ++i) wide_[i] = in.fixed<uint64_t>();
  if (wide_[end - 1] >> 63) std::fill(wide_ + end, wide_ + kWords, ~uint64_t{0});
  return in.ok();
}

}  // namespace tidemark
