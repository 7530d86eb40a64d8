// Durable bytes: little-endian writer and bounds-checked reader, and the one checksum that everything on disk carries.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace tidemark {

static_assert(std::endian::native == std::endian::little, "fixed-width integers are written as they lie in memory");

// XXH3 64-bit of `bytes`, by libxxhash. Stable across versions and machines.
uint64_t checksum64(std::string_view bytes, uint64_t seed = 0);

// "64MiB", "512KiB", "1GiB", "10MB", "4096" (bytes) -> bytes.
std::optional<int64_t> parse_size(std::string_view text);
std::string format_size(int64_t bytes);

// Appends to a string that it does not own.
class ByteWriter {
 public:
  explicit ByteWriter(std::string& out) : out_(out) {}
  template <class T>
  void fixed(T value) {
    static_assert(std::is_arithmetic_v<T> || std::is_enum_v<T> || std::is_same_v<T, __int128>);
    out_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) out_.push_back(static_cast<char>(value | 0x80));
    out_.push_back(static_cast<char>(value));
  }
  // Length as varint, then the bytes.
  void text(std::string_view bytes) {
    varint(bytes.size());
    out_.append(bytes);
  }
  void raw(std::string_view bytes) { out_.append(bytes); }
  // Big-endian with the sign bit flipped: sorts as the number does.
  void ordered(int64_t value) {
    const uint64_t big = __builtin_bswap64(static_cast<uint64_t>(value) ^ (uint64_t{1} << 63));
    fixed(big);
  }

 private:
  std::string& out_;
};

// Every read answers nothing and marks the reader failed when the bytes run out; ok() tells at the end.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}
  template <class T>
  T fixed() {
    T value{};
    if (rest_.size() < sizeof value) return fail(), value;
    std::memcpy(&value, rest_.data(), sizeof value);
    rest_.remove_prefix(sizeof value);
    return value;
  }
  uint64_t varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = fixed<uint8_t>();
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return fail(), 0;
  }
  std::string_view text() { return raw(varint()); }
  std::string_view raw(size_t n) {
    if (rest_.size() < n) return fail(), std::string_view{};
    const std::string_view bytes = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return bytes;
  }
  int64_t ordered() {
    return static_cast<int64_t>(__builtin_bswap64(fixed<uint64_t>()) ^ (uint64_t{1} << 63));
  }
  std::string_view rest() const { return rest_; }
  bool ok() const { return ok_; }
  bool done() const { return ok_ && rest_.empty(); }

 private:
  void fail() {
    ok_ = false;
    rest_ = {};
  }
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace tidemark
