// ExactSum: the exact sum of any doubles, rounded once at the end, so that no order and no split can change a bit of it.
// Knows numbers only, neither rows nor nulls.
//
// Ordinary values are added into a 128-bit fixed-point number; what does not fit there goes into a number wide enough
// for every double, after the "small superaccumulator" of R. M. Neal, "Fast exact summation using small and large
// superaccumulators", arXiv:1505.05571 (2015). His chunks overlap, to put off carries; here the wide part is the rare
// one, so plain two's complement words with carries are kept: half the memory, and adding two of them is trivial.
#pragma once

#include <bit>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/arena.h"
#include "base/bytes.h"

namespace tidemark {

// A relocatable value without destructor; all zero bits = the sum of nothing. `heap` must outlive it.
class ExactSum {
 public:
  void add(double x, Arena& heap) {
    const uint64_t bits = std::bit_cast<uint64_t>(x);
    const unsigned shift = static_cast<unsigned>(bits >> 52 & 0x7ff) - kFixedExponent;
    if (shift <= kMaxShift) [[likely]] {
      __int128 units = static_cast<__int128>((bits & kFraction) | kImplicitOne) << shift;
      if (bits >> 63) units = -units;
      __int128 sum = 0;
      if (!__builtin_add_overflow(fixed(), units, &sum)) [[likely]] {
        set_fixed(sum);
        flags_ |= kOther;
        return;
      }
    }
    add_rare(x, heap);
  }
  void merge(const ExactSum& from, Arena& heap);

  // Takes back a merge. False where there were other than ordinary values: what kinds there are is not counted.
  [[nodiscard]] bool retract(const ExactSum& from) {
    __int128 rest = 0;
    const bool ordinary = (flags_ | from.flags_ | kOther) == kOther && wide_ == nullptr && from.wide_ == nullptr;
    if (!ordinary || __builtin_sub_overflow(fixed(), from.fixed(), &rest)) return false;
    set_fixed(rest);
    return true;
  }

  // True when nothing was added, not even a zero.
  bool empty() const { return flags_ == 0; }
  // The double nearest to the exact sum, ties to even; beyond the largest double an infinity. NaN when a NaN or both
  // infinities were added. -0.0 when nothing but -0.0 was.
  double rounded() const;

  // Nothing but finite values was added.
  bool finite() const { return (flags_ & (kPositiveInfinity | kNegativeInfinity | kNan)) == 0; }
  // The exact sum where it takes no wide part, in units of 2^-72; null where it does.
  std::optional<__int128> small() const { return wide_ == nullptr ? std::optional(fixed()) : std::nullopt; }

  // Appends the durable form: flags, the fixed part, and the significant words of the wide part if there is one.
  void encode(std::string& out) const;
  bool decode(ByteReader& in, Arena& heap);

  // The wide part: two's complement, the lowest bit worth 2^-1074. 2098 bits hold any double, the rest 2^77 of them.
  static constexpr int kWords = 34;
  // The exact sum's magnitude in units of 2^-1074; the answer is whether it is negative.
  bool magnitude(std::span<uint64_t, kWords> words) const;

  // The fixed part counts units of 2^-72: every double from 2^-20 to 2^54 fits, and smaller ones with enough zeros.
  static constexpr int kUnitExponent = -72;

 private:
  static constexpr unsigned kFixedExponent = 1075 + kUnitExponent;  // exponent field of doubles whose last bit is a unit
  static constexpr unsigned kMaxShift = 72;
  static constexpr uint64_t kImplicitOne = uint64_t{1} << 52;
  static constexpr uint64_t kFraction = kImplicitOne - 1;
  enum Flag : uint64_t { kOther = 1, kNegativeZero = 2, kPositiveInfinity = 4, kNegativeInfinity = 8, kNan = 16 };
  static constexpr uint8_t kAllFlags = 31;
  static constexpr uint8_t kHasWide = 32;  // in the durable form only

  __int128 fixed() const {
    return static_cast<__int128>(static_cast<unsigned __int128>(high_) << 64 | low_);
  }
  void set_fixed(__int128 v) {
    low_ = static_cast<uint64_t>(v);
    high_ = static_cast<uint64_t>(v >> 64);
  }
  void add_rare(double x, Arena& heap);
  void add_units(__int128 units, Arena& heap);
  void make_wide(Arena& heap);

  uint64_t low_;
  uint64_t high_;
  uint64_t* wide_;  // kWords words in the heap, or null
  uint64_t flags_;
};

}  // namespace tidemark
