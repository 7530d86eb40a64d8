#include "operators/aggregates/exact_sum.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

namespace tidemark {
namespace {

using Wide = std::span<uint64_t, ExactSum::kWords>;

// Adds `value` at word `at`, or subtracts it; carries run as far as they must.
void add_word(Wide words, size_t at, uint64_t value, bool negative) {
  for (size_t i = at; i < words.size() && value != 0; ++i) {
    const uint64_t before = words[i];
    words[i] = negative ? before - value : before + value;
    value = (negative ? words[i] > before : words[i] < before) ? 1 : 0;
  }
}

// Adds `magnitude` times 2^`position` units of the lowest bit.
void add_magnitude(Wide words, uint64_t magnitude, unsigned position, bool negative) {
  const unsigned shift = position % 64;
  const size_t at = position / 64;
  add_word(words, at, magnitude << shift, negative);
  if (shift != 0) add_word(words, at + 1, magnitude >> (64 - shift), negative);
}

void add_magnitude(Wide words, unsigned __int128 magnitude, unsigned position, bool negative) {
  add_magnitude(words, static_cast<uint64_t>(magnitude), position, negative);
  add_magnitude(words, static_cast<uint64_t>(magnitude >> 64), position + 64, negative);
}

void add_signed(Wide words, __int128 value, unsigned position) {
  const auto bits = static_cast<unsigned __int128>(value);
  add_magnitude(words, value < 0 ? -bits : bits, position, value < 0);
}

void add_wide(Wide words, const uint64_t* other) {
  unsigned carry = 0;
  for (size_t i = 0; i < words.size(); ++i) {
    const auto sum = static_cast<unsigned __int128>(words[i]) + other[i] + carry;
    words[i] = static_cast<uint64_t>(sum);
    carry = static_cast<unsigned>(sum >> 64);
  }
}

void negate(Wide words) {
  unsigned carry = 1;
  for (uint64_t& word : words) {
    const auto sum = static_cast<unsigned __int128>(~word) + carry;
    word = static_cast<uint64_t>(sum);
    carry = static_cast<unsigned>(sum >> 64);
  }
}

// The 64 bits from bit `position` upwards.
uint64_t bits_at(Wide words, unsigned position) {
  const unsigned shift = position % 64;
  const size_t at = position / 64;
  uint64_t bits = words[at] >> shift;
  if (shift != 0 && at + 1 < words.size()) bits |= words[at + 1] << (64 - shift);
  return bits;
}

bool any_bit_below(Wide words, unsigned position) {
  const size_t at = position / 64;
  for (size_t i = 0; i < at; ++i) {
    if (words[i] != 0) return true;
  }
  return (words[at] & ((uint64_t{1} << position % 64) - 1)) != 0;
}

// Rounds a non-negative number to nearest, ties to even.
double round_magnitude(Wide words) {
  size_t top_word = words.size();
  while (top_word > 0 && words[top_word - 1] == 0) --top_word;
  if (top_word == 0) return 0.0;
  const auto top = static_cast<unsigned>(top_word * 64 - 1) - static_cast<unsigned>(std::countl_zero(words[top_word - 1]));
  // Up to 53 bits: exact, subnormals included.
  if (top < 53) return std::ldexp(static_cast<double>(words[0]), -1074);
  uint64_t mantissa = bits_at(words, top - 52) & ((uint64_t{1} << 53) - 1);
  const bool half = (bits_at(words, top - 53) & 1) != 0;
  if (half && ((mantissa & 1) != 0 || any_bit_below(words, top - 53))) ++mantissa;
  return std::ldexp(static_cast<double>(mantissa), static_cast<int>(top) - 52 - 1074);
}

}  // namespace

void ExactSum::make_wide(Arena& heap) {
  if (wide_ != nullptr) return;
  wide_ = reinterpret_cast<uint64_t*>(heap.allocate(kWords * sizeof(uint64_t)));
  std::fill_n(wide_, kWords, 0);
}

void ExactSum::add_units(__int128 units, Arena& heap) {
  __int128 sum = 0;
  if (!__builtin_add_overflow(fixed(), units, &sum)) return set_fixed(sum);
  make_wide(heap);
  add_signed(Wide(wide_, kWords), fixed(), 1074 + kUnitExponent);
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
  add_magnitude(Wide(wide_, kWords), mantissa, static_cast<unsigned>(std::max(exponent, 1) - 1), negative);
}

void ExactSum::merge(const ExactSum& from, Arena& heap) {
  flags_ |= from.flags_;
  add_units(from.fixed(), heap);
  if (from.wide_ == nullptr) return;
  make_wide(heap);
  add_wide(Wide(wide_, kWords), from.wide_);
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
  std::copy_n(wide_, kWords, words);
  const Wide sum(words);
  add_signed(sum, fixed(), 1074 + kUnitExponent);
  if (words[kWords - 1] >> 63 == 0) return round_magnitude(sum);
  negate(sum);
  return -round_magnitude(sum);
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
