// The codecs of Kafka's record batches: compressed bytes in, records out. Knows neither batches nor records.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace tidemark {

// As the lowest three bits of a batch's attributes number them.
enum class Codec : uint8_t { kNone = 0, kGzip = 1, kSnappy = 2, kLz4 = 3, kZstd = 4 };

// Unpacks one batch after another into memory that it keeps. Single-threaded.
class Decompressor {
 public:
  Decompressor();
  ~Decompressor();
  Decompressor(const Decompressor&) = delete;
  Decompressor& operator=(const Decompressor&) = delete;

  // The unpacked bytes, valid until the next call. An error says why they cannot be had: corrupt, or beyond `most`
  // bytes, which no batch has that a broker accepted.
  Result<std::string_view> unpack(Codec codec, std::string_view packed, size_t most);
  size_t bytes() const { return out_.size(); }  // that it holds

 private:
  struct Contexts;
  Result<size_t> gzip(std::string_view packed, size_t most);
  Result<size_t> snappy(std::string_view packed, size_t most);
  Result<size_t> snappy_block(std::string_view packed, size_t at, size_t most);
  Result<size_t> lz4(std::string_view packed, size_t most);
  Result<size_t> zstd(std::string_view packed, size_t most);
  bool grow(size_t used, size_t most);

  std::unique_ptr<Contexts> contexts_;
  std::vector<char> out_;
};

}  // namespace tidemark
