// ByteBlock looks at sixteen bytes of text at once. Vector arithmetic is the compiler's own, so that every processor
// has it; only the step from a vector to a mask of bits knows one by name. Knows nothing of JSON but how strings end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace tidemark {

// In all masks bit i speaks of byte i.
class ByteBlock {
 public:
  static constexpr size_t kBytes = 16;
  using Vector [[gnu::vector_size(kBytes)]] = unsigned char;

  // Reads all sixteen bytes.
  explicit ByteBlock(const char* bytes) { std::memcpy(&bytes_, bytes, sizeof bytes_); }

  uint32_t digits() const { return mask(reinterpret_cast<Vector>(bytes_ - all('0') < all(10))); }
  // What ends a plain stretch of a JSON string: quotes, backslashes, control characters, and what is beyond ASCII.
  uint32_t string_stops() const {
    const SignedVector low = reinterpret_cast<SignedVector>(bytes_) < SignedVector{} + 0x20;
    return mask(reinterpret_cast<Vector>((bytes_ == all('"')) | (bytes_ == all('\\')) | low));
  }
  uint32_t equals(const ByteBlock& other) const { return mask(reinterpret_cast<Vector>(bytes_ == other.bytes_)); }

 private:
  using SignedVector [[gnu::vector_size(kBytes)]] = signed char;
  static constexpr Vector all(unsigned char byte) { return Vector{} + byte; }
  // The highest bit of each byte.
  static uint32_t mask(Vector v) {
#if defined(__SSE2__)
    return static_cast<uint32_t>(_mm_movemask_epi8(reinterpret_cast<__m128i>(v)));
#else
    constexpr uint64_t kHighest = 0x8080808080808080;
    constexpr uint64_t kGather = 0x0002040810204081;
    uint64_t words[2];
    std::memcpy(words, &v, sizeof words);
    const auto gathered = [](uint64_t word) { return static_cast<uint32_t>(((word & kHighest) * kGather) >> 56); };
    return gathered(words[0]) | gathered(words[1]) << 8;
#endif
  }

  Vector bytes_;
};

}  // namespace tidemark
