// The wide part, made when a value needs it or the fixed part has wrapped around, and encoded without its zero words.
// Rounding is left to those who ask for the words.
#include "operators/aggregates/exact_squares.h"

#include <algorithm>
#include <cmath>

#include "operators/aggregates/wide_words.h"

namespace tidemark {

void ExactSquares::make_wide(Arena& heap) {
  if (wide_ != nullptr) return;
  wide_ = reinterpret_cast<uint64_t*>(heap.allocate(kWords * sizeof(uint64_t)));
  std::fill_n(wide_, kWords, 0);
}

// What the fixed part wrapped around.
void ExactSquares::carry(Arena& heap) {
  make_wide(heap);
  wide::add_shifted({wide_, kWords}, uint64_t{1}, kFixedUnit - kUnit + 64 * kFixedWords, false);
}

void ExactSquares::add_rare(double x, Arena& heap) {
  if (x == 0) return;
  const uint64_t bits = std::bit_cast<uint64_t>(x);
  const auto exponent = static_cast<unsigned>(bits >> 52 & 0x7ff);
  const uint64_t mantissa = (bits & kFraction) | (exponent == 0 ? 0 : kImplicitOne);
  make_wide(heap);
  const auto square = static_cast<unsigned __int128>(mantissa) * mantissa;
  wide::add_shifted({wide_, kWords}, square, 2 * (std::max(exponent, 1U) - 1), false);
}

void ExactSquares::merge(const ExactSquares& from, Arena& heap) {
  if (add_words(from.fixed_)) carry(heap);
  if (from.wide_ == nullptr) return;
  make_wide(heap);
  wide::add({wide_, kWords}, {from.wide_, kWords});
}

bool ExactSquares::retract(const ExactSquares& from) {
  return wide_ == nullptr && from.wide_ == nullptr && wide::subtract(fixed_, from.fixed_);
}

void ExactSquares::words(std::span<uint64_t, kWords> out) const {
  std::ranges::fill(out, 0);
  if (wide_ != nullptr) std::copy_n(wide_, kWords, out.begin());
  for (int i = 0; i < kFixedWords; ++i) {
    wide::add_shifted(out, fixed_[i], static_cast<unsigned>(kFixedUnit - kUnit + 64 * i), false);
  }
}

void ExactSquares::encode(std::string& out) const {
  ByteWriter writer(out);
  size_t first = 0;
  size_t end = 0;
  if (wide_ != nullptr) {
    end = kWords;
    while (end > 0 && wide_[end - 1] == 0) --end;
    while (first < end && wide_[first] == 0) ++first;
  }
  writer.fixed(static_cast<uint8_t>(first));
  writer.fixed(static_cast<uint8_t>(end));
  for (const uint64_t word : fixed_) writer.fixed(word);
  for (size_t i = first; i < end; ++i) writer.fixed(wide_[i]);
}

bool ExactSquares::decode(ByteReader& in, Arena& heap) {
  *this = ExactSquares{};
  const size_t first = in.fixed<uint8_t>();
  const size_t end = in.fixed<uint8_t>();
  for (uint64_t& word : fixed_) word = in.fixed<uint64_t>();
  if (!in.ok() || first > end || end > kWords) return false;
  if (first == end) return true;
  make_wide(heap);
  for (size_t i = first; i < end; ++i) wide_[i] = in.fixed<uint64_t>();
  return in.ok();
}

}  // namespace tidemark
