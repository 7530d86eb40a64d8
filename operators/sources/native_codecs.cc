// Each codec by its own library, with contexts that are kept: setting one up costs more than a small batch. Memory is grown
// as bytes come, never by what a header promises.
#include "operators/sources/native_codecs.h"

#include <lz4frame.h>
#include <snappy-c.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace tidemark {

namespace {

constexpr size_t kFirstRoom = size_t{256} << 10;
constexpr size_t kKept = size_t{4} << 20;  // a rare large batch does not hold its memory for ever
constexpr size_t kLeastRoom = size_t{64} << 10;
// Java's clients cut Snappy into blocks behind a header: magic, version, compatible version; then (length, block) pairs.
constexpr std::string_view kJavaSnappy("\x82SNAPPY\0", 8);
constexpr size_t kJavaSnappyHeader = 16;

uint32_t big_endian_at(std::string_view bytes, size_t at) {
  uint32_t value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return __builtin_bswap32(value);
}

std::unexpected<Error> broken(const char* codec) { return data_error(std::string("corrupt ") + codec + " data"); }
std::unexpected<Error> too_large() { return data_error("a batch unpacks to more than it may"); }

}  // namespace

struct Decompressor::Contexts {
  Contexts() {
    CHECK_OR_DIE(!LZ4F_isError(LZ4F_createDecompressionContext(&lz4, LZ4F_VERSION)), "lz4 has memory for a context");
    zstd = ZSTD_createDCtx();
    CHECK_OR_DIE(zstd != nullptr, "zstd has memory for a context");
  }
  ~Contexts() {
    LZ4F_freeDecompressionContext(lz4);
    ZSTD_freeDCtx(zstd);
  }
  Contexts(const Contexts&) = delete;
  Contexts& operator=(const Contexts&) = delete;
  LZ4F_dctx* lz4 = nullptr;
  ZSTD_DCtx* zstd = nullptr;
};

Decompressor::Decompressor() : contexts_(std::make_unique<Contexts>()) {}
Decompressor::~Decompressor() = default;

Result<std::string_view> Decompressor::unpack(Codec codec, std::string_view packed, size_t most) {
  if (out_.size() > kKept) {
    out_.resize(kKept);
    out_.shrink_to_fit();
  }
  Result<size_t> size = data_error("an unknown codec");
  switch (codec) {
    case Codec::kNone: return packed;
    case Codec::kGzip: size = gzip(packed, most); break;
    case Codec::kSnappy: size = snappy(packed, most); break;
    case Codec::kLz4: size = lz4(packed, most); break;
    case Codec::kZstd: size = zstd(packed, most); break;
  }
  if (!size) return std::unexpected(size.error());
  if (*size > most) return too_large();
  return std::string_view(out_.data(), *size);
}

// Makes room behind `used` bytes; false beyond `most`.
bool Decompressor::grow(size_t used, size_t most) {
  if (out_.size() >= used + kLeastRoom) return true;
  if (used >= most) return false;
  out_.resize(std::max(kFirstRoom, out_.size() * 2));
  return true;
}

Result<size_t> Decompressor::lz4(std::string_view packed, size_t most) {
  LZ4F_resetDecompressionContext(contexts_->lz4);
  size_t used = 0, left = 1;
  while (!packed.empty()) {
    if (!grow(used, most)) return too_large();
    size_t room = out_.size() - used, taken = packed.size();
    left = LZ4F_decompress(contexts_->lz4, out_.data() + used, &room, packed.data(), &taken, nullptr);
    if (LZ4F_isError(left) || (taken == 0 && room == 0)) return broken("lz4");
    packed.remove_prefix(taken);
    used += room;
  }
  // What the frame holds back until it is asked again.
  while (left != 0) {
    if (!grow(used, most)) return too_large();
    size_t room = out_.size() - used, taken = 0;
    left = LZ4F_decompress(contexts_->lz4, out_.data() + used, &room, packed.data(), &taken, nullptr);
    if (LZ4F_isError(left) || room == 0) return broken("lz4");
    used += room;
  }
  return used;
}

Result<size_t> Decompressor::zstd(std::string_view packed, size_t most) {
  ZSTD_DCtx_reset(contexts_->zstd, ZSTD_reset_session_only);
  ZSTD_inBuffer in{packed.data(), packed.size(), 0};
  size_t used = 0, left = 1;
  while (left != 0 || in.pos < in.size) {
    if (!grow(used, most)) return too_large();
    ZSTD_outBuffer out{out_.data() + used, out_.size() - used, 0};
    const size_t before = in.pos;
    left = ZSTD_decompressStream(contexts_->zstd, &out, &in);
    if (ZSTD_isError(left) || (left != 0 && out.pos == 0 && in.pos == before)) return broken("zstd");
    used += out.pos;
  }
  return used;
}

Result<size_t> Decompressor::gzip(std::string_view packed, size_t most) {
  z_stream stream{};
  constexpr int kGzipOrZlib = 32 + MAX_WBITS;
  if (inflateInit2(&stream, kGzipOrZlib) != Z_OK) return internal_error("zlib has no memory");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  size_t used = 0;
  int code = Z_OK;
  bool fits = true;
  while (code == Z_OK && (fits = grow(used, most))) {
    const size_t room = out_.size() - used;
    stream.next_out = reinterpret_cast<Bytef*>(out_.data() + used);
    stream.avail_out = static_cast<uInt>(room);
    code = inflate(&stream, Z_NO_FLUSH);
    used += room - stream.avail_out;
    if (code == Z_STREAM_END && stream.avail_in > 0) code = inflateReset(&stream);  // another member
  }
  inflateEnd(&stream);
  if (!fits) return too_large();
  if (code != Z_STREAM_END) return broken("gzip");
  return used;
}

Result<size_t> Decompressor::snappy(std::string_view packed, size_t most) {
  if (!packed.starts_with(kJavaSnappy)) return snappy_block(packed, 0, most);
  if (packed.size() < kJavaSnappyHeader) return broken("snappy");
  packed.remove_prefix(kJavaSnappyHeader);
  size_t used = 0;
  while (!packed.empty()) {
    if (packed.size() < sizeof(uint32_t)) return broken("snappy");
    const size_t size = big_endian_at(packed, 0);
    packed.remove_prefix(sizeof(uint32_t));
    if (size > packed.size()) return broken("snappy");
    const auto end = snappy_block(packed.substr(0, size), used, most);
    if (!end) return end;
    used = *end;
    packed.remove_prefix(size);
  }
  return used;
}

// Answers where the block's bytes end, which begin at `at`.
Result<size_t> Decompressor::snappy_block(std::string_view packed, size_t at, size_t most) {
  // A block promises its size; no block shrinks to less than a hundredth.
  constexpr size_t kMostRatio = 128;
  size_t size = 0;
  if (snappy_uncompressed_length(packed.data(), packed.size(), &size) != SNAPPY_OK) return broken("snappy");
  if (size > most - std::min(most, at)) return too_large();
  if (size > packed.size() * kMostRatio) return broken("snappy");
  if (out_.size() < at + size) out_.resize(std::max(kFirstRoom, (at + size) * 2));
  if (snappy_uncompress(packed.data(), packed.size(), out_.data() + at, &size) != SNAPPY_OK) return broken("snappy");
  return at + size;
}

}  // namespace tidemark
