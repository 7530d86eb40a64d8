// ExactSquares: the exact sum of the squares of finite doubles. Built as ExactSum is: a fixed-point number for ordinary
// values, and one wide enough for the square of any double where there are others. Knows numbers only.
#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <string>

#include "base/arena.h"
#include "base/bytes.h"

namespace tidemark {

// A relocatable value without destructor; all zero bits = the sum of nothing. `heap` must outlive it.
class ExactSquares {
 public:
  // `x` is finite.
  void add(double x, Arena& heap) {
    const uint64_t bits = std::bit_cast<uint64_t>(x);
    const unsigned shift = static_cast<unsigned>(bits >> 52 & 0x7ff) - kFixedExponent;
    if (shift > kMaxShift) [[unlikely]] return add_rare(x, heap);
    const uint64_t mantissa = (bits & kFraction) | kImplicitOne;
    const auto square = static_cast<unsigned __int128>(mantissa) * mantissa;
    add_fixed(square, 2 * shift, heap);
  }
  void merge(const ExactSquares& from, Arena& heap);
  // Takes back a merge. False where one of the two has a wide part.
  [[nodiscard]] bool retract(const ExactSquares& from);

  // The lowest bit of the fixed part is worth 2^-144, that of all words 2^-2148.
  static constexpr int kFixedWords = 4;
  static constexpr int kFixedUnit = -144;
  static constexpr int kWords = 67;  // 4196 bits hold the square of any double, the rest 2^92 of them
  static constexpr int kUnit = -2148;
  // The fixed part where it is all there is, else empty.
  std::span<const uint64_t> small() const { return {fixed_, wide_ == nullptr ? size_t{kFixedWords} : 0}; }
  void words(std::span<uint64_t, kWords> out) const;

  void encode(std::string& out) const;
  bool decode(ByteReader& in, Arena& heap);

 private:
  // The roots of the fixed part count units of 2^-72, as in ExactSum.
  static constexpr unsigned kFixedExponent = 1003;
  static constexpr unsigned kMaxShift = 72;
  static constexpr uint64_t kImplicitOne = uint64_t{1} << 52;
  static constexpr uint64_t kFraction = kImplicitOne - 1;

  void add_fixed(unsigned __int128 square, unsigned position, Arena& heap) {
    const unsigned shift = position % 64;
    const auto low = static_cast<uint64_t>(square);
    const auto high = static_cast<uint64_t>(square >> 64);
    uint64_t parts[kFixedWords + 1] = {};
    uint64_t* const at = parts + position / 64;
    at[0] = low << shift;
    at[1] = high << shift | (low >> 1) >> (63 - shift);
    at[2] = (high >> 1) >> (63 - shift);
    if (add_words(parts)) [[unlikely]] carry(heap);
  }
  // Answers whether a carry is left.
  bool add_words(const uint64_t* parts) {
    unsigned __int128 sum = 0;
    for (int i = 0; i < kFixedWords; ++i) {
      sum += static_cast<unsigned __int128>(fixed_[i]) + parts[i];
      fixed_[i] = static_cast<uint64_t>(sum);
      sum >>= 64;
    }
    return sum != 0;
  }
  void carry(Arena& heap);
  void add_rare(double x, Arena& heap);
  void make_wide(Arena& heap);

  uint64_t fixed_[kFixedWords];
  uint64_t* wide_;  // kWords words in the heap, or null
};

}  // namespace tidemark
