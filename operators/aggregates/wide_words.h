// Whole numbers of any fixed width, as little-endian 64-bit words that the caller owns: just what exact sums need. Knows
// neither doubles' limits nor what a unit is worth.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace tidemark::wide {

using Words = std::span<uint64_t>;
using ConstWords = std::span<const uint64_t>;

// Adds `value` at word `at`, or subtracts it; carries run as far as they must, and are lost behind the last word.
void add_word(Words words, size_t at, uint64_t value, bool negative);
// Adds `magnitude` times 2^`position`, or subtracts it.
void add_shifted(Words words, uint64_t magnitude, unsigned position, bool negative);
void add_shifted(Words words, unsigned __int128 magnitude, unsigned position, bool negative);
void add_signed(Words words, __int128 value, unsigned position);

// Two numbers of one width. The answer is the carry behind the last word.
unsigned add(Words into, ConstWords other);
// Two's complement.
void negate(Words words);
inline bool is_negative(ConstWords words) { return words.back() >> 63 != 0; }

// The product of two numbers that are not negative; `out` is as long as both together and overlaps neither.
void multiply(ConstWords a, ConstWords b, Words out);
// `into` -= `other` for numbers that are not negative, `other` no longer than `into`. False, with nothing said about
// `into`, when `other` is greater.
[[nodiscard]] bool subtract(Words into, ConstWords other);

// The 64 bits from bit `position` upwards.
uint64_t bits_at(ConstWords words, unsigned position);
bool any_bit_below(ConstWords words, unsigned position);

// A number that is not negative, rounded to the 53 bits of a double, ties to even: mantissa x 2^exponent.
struct Rounded {
  double mantissa;  // a whole number up to 2^53
  int exponent;
};
Rounded round(ConstWords words);

}  // namespace tidemark::wide
