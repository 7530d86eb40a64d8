// Numbers and texts as Kafka's protocol lays them out: big-endian, lengths before contents, varints in zigzag. Knows no
// messages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace tidemark {

template <class T>
T from_big_endian(const char* at) {
  static_assert(std::is_integral_v<T>);
  std::make_unsigned_t<T> bits;
  std::memcpy(&bits, at, sizeof bits);
  if constexpr (sizeof(T) == 2) bits = __builtin_bswap16(bits);
  if constexpr (sizeof(T) == 4) bits = __builtin_bswap32(bits);
  if constexpr (sizeof(T) == 8) bits = __builtin_bswap64(bits);
  return static_cast<T>(bits);
}

class WireWriter {
 public:
  template <class T>
  void put(T value) {
    const T big = from_big_endian<T>(reinterpret_cast<const char*>(&value));
    bytes_.append(reinterpret_cast<const char*>(&big), sizeof big);
  }
  void text(std::string_view value) {
    put(static_cast<int16_t>(value.size()));
    bytes_ += value;
  }
  // What was put, of which the first four bytes become the size of the rest.
  std::string framed() && {
    const auto size = static_cast<int32_t>(bytes_.size() - sizeof(int32_t));
    const auto big = from_big_endian<int32_t>(reinterpret_cast<const char*>(&size));
    std::memcpy(bytes_.data(), &big, sizeof big);
    return std::move(bytes_);
  }

 private:
  std::string bytes_;
};

// Reads never go beyond the bytes: one that would answers zero or nothing, and so do all that follow; ok() tells.
class WireReader {
 public:
  explicit WireReader(std::string_view bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  bool ok() const { return ok_; }
  size_t left() const { return static_cast<size_t>(end_ - at_); }

  template <class T>
  T get() {
    if (left() < sizeof(T)) return fail<T>();
    at_ += sizeof(T);
    return from_big_endian<T>(at_ - sizeof(T));
  }
  std::string_view take(int64_t size) {
    if (size < 0 || static_cast<uint64_t>(size) > left()) return fail<std::string_view>();
    at_ += size;
    return {at_ - size, static_cast<size_t>(size)};
  }
  std::string_view text() { return take(get<int16_t>()); }
  // Absent ones are empty.
  std::string_view bytes() {
    const auto size = get<int32_t>();
    return size == -1 ? std::string_view{} : take(size);
  }
  // How many elements follow, each of `least` bytes or more, so that no count asks for more than there is. Absent: 0.
  int32_t count(size_t least) {
    const auto size = get<int32_t>();
    if (size <= 0) return 0;
    return static_cast<size_t>(size) <= left() / least ? size : fail<int32_t>();
  }
  int64_t varint() {
    if (at_ < end_ && static_cast<uint8_t>(*at_) < 0x80) {
      const auto byte = static_cast<uint8_t>(*at_++);
      return (byte >> 1) ^ -(byte & 1);
    }
    uint64_t value = 0;
    for (int shift = 0; shift < 64 && at_ < end_; shift += 7) {
      const auto byte = static_cast<uint8_t>(*at_++);
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
    }
    return fail<int64_t>();
  }

 private:
  template <class T>
  T fail() {
    ok_ = false;
    at_ = end_;
    return T{};
  }
  const char* at_;
  const char* end_;
  bool ok_ = true;
};

}  // namespace tidemark
