// Schoolbook arithmetic, word by word with carries; rounding goes to the nearest double, ties to even. No word is
// allocated here, and a carry out of the last one is the caller's to want.
#include "operators/aggregates/wide_words.h"

#include <algorithm>
#include <bit>

namespace tidemark::wide {

void add_word(Words words, size_t at, uint64_t value, bool negative) {
  for (size_t i = at; i < words.size() && value != 0; ++i) {
    const uint64_t before = words[i];
    words[i] = negative ? before - value : before + value;
    value = (negative ? words[i] > before : words[i] < before) ? 1 : 0;
  }
}

void add_shifted(Words words, uint64_t magnitude, unsigned position, bool negative) {
  const unsigned shift = position % 64;
  const size_t at = position / 64;
  add_word(words, at, magnitude << shift, negative);
  if (shift != 0) add_word(words, at + 1, magnitude >> (64 - shift), negative);
}

void add_shifted(Words words, unsigned __int128 magnitude, unsigned position, bool negative) {
  add_shifted(words, static_cast<uint64_t>(magnitude), position, negative);
  add_shifted(words, static_cast<uint64_t>(magnitude >> 64), position + 64, negative);
}

void add_signed(Words words, __int128 value, unsigned position) {
  const auto bits = static_cast<unsigned __int128>(value);
  add_shifted(words, value < 0 ? -bits : bits, position, value < 0);
}

unsigned add(Words into, ConstWords other) {
  unsigned carry = 0;
  for (size_t i = 0; i < into.size(); ++i) {
    const auto sum = static_cast<unsigned __int128>(into[i]) + other[i] + carry;
    into[i] = static_cast<uint64_t>(sum);
    carry = static_cast<unsigned>(sum >> 64);
  }
  return carry;
}

void negate(Words words) {
  unsigned carry = 1;
  for (uint64_t& word : words) {
    const auto sum = static_cast<unsigned __int128>(~word) + carry;
    word = static_cast<uint64_t>(sum);
    carry = static_cast<unsigned>(sum >> 64);
  }
}

void multiply(ConstWords a, ConstWords b, Words out) {
  std::ranges::fill(out, 0);
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] == 0) continue;
    uint64_t carry = 0;
    for (size_t k = 0; k < b.size(); ++k) {
      const auto sum = static_cast<unsigned __int128>(a[i]) * b[k] + out[i + k] + carry;
      out[i + k] = static_cast<uint64_t>(sum);
      carry = static_cast<uint64_t>(sum >> 64);
    }
    out[i + b.size()] = carry;
  }
}

bool subtract(Words into, ConstWords other) {
  unsigned borrow = 0;
  for (size_t i = 0; i < into.size(); ++i) {
    const auto difference = static_cast<unsigned __int128>(into[i]) - (i < other.size() ? other[i] : 0) - borrow;
    into[i] = static_cast<uint64_t>(difference);
    borrow = static_cast<unsigned>(difference >> 64) & 1;
  }
  return borrow == 0;
}

uint64_t bits_at(ConstWords words, unsigned position) {
  const unsigned shift = position % 64;
  const size_t at = position / 64;
  uint64_t bits = words[at] >> shift;
  if (shift != 0 && at + 1 < words.size()) bits |= words[at + 1] << (64 - shift);
  return bits;
}

bool any_bit_below(ConstWords words, unsigned position) {
  const size_t at = position / 64;
  for (size_t i = 0; i < at; ++i) {
    if (words[i] != 0) return true;
  }
  return (words[at] & ((uint64_t{1} << position % 64) - 1)) != 0;
}

Rounded round(ConstWords words) {
  size_t top_word = words.size();
  while (top_word > 0 && words[top_word - 1] == 0) --top_word;
  if (top_word == 0) return {0.0, 0};
  const auto top = static_cast<unsigned>(top_word * 64 - 1) - static_cast<unsigned>(std::countl_zero(words[top_word - 1]));
  if (top < 53) return {static_cast<double>(words[0]), 0};
  uint64_t mantissa = bits_at(words, top - 52) & ((uint64_t{1} << 53) - 1);
  const bool half = (bits_at(words, top - 53) & 1) != 0;
  if (half && ((mantissa & 1) != 0 || any_bit_below(words, top - 53))) ++mantissa;
  return {static_cast<double>(mantissa), static_cast<int>(top) - 52};
}

}  // namespace tidemark::wide
