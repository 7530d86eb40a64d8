// Record batches as a broker stores them, written from the message format's description and from nothing of the
// product's: numbers, checksum and codecs of its own, so that a misreading there cannot hide here. Can also lie where a
// test asks.
#pragma once

#include <lz4frame.h>
#include <snappy-c.h>
#include <zlib.h>
#include <zstd.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/catch.h"

namespace tidemark::batch_kit {

using Text = std::optional<std::string>;  // nothing: null

template <class T>
void put(std::string& out, T value) {
  for (int shift = static_cast<int>(sizeof(T)) * 8 - 8; shift >= 0; shift -= 8) {
    out += static_cast<char>(static_cast<uint64_t>(value) >> shift & 0xff);
  }
}
inline void put_text(std::string& out, std::string_view text) {
  put(out, static_cast<int16_t>(text.size()));
  out += text;
}
template <class T>
void put_at(std::string& out, size_t at, T value) {
  std::string bytes;
  put(bytes, value);
  out.replace(at, bytes.size(), bytes);
}
inline void put_varint(std::string& out, int64_t value) {
  uint64_t zigzag = value < 0 ? ~(static_cast<uint64_t>(value) << 1) : static_cast<uint64_t>(value) << 1;
  for (; zigzag > 0x7f; zigzag >>= 7) out += static_cast<char>(zigzag | 0x80);
  out += static_cast<char>(zigzag);
}
inline void put_sized(std::string& out, const Text& text) {
  put_varint(out, text ? static_cast<int64_t>(text->size()) : -1);
  if (text) out += *text;
}

inline uint32_t crc32c(std::string_view bytes) {
  uint32_t crc = ~0u;
  for (const char c : bytes) {
    crc ^= static_cast<uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc % 2 == 1 ? crc / 2 ^ 0x82f63b78u : crc / 2;
  }
  return ~crc;
}

// The first five as batches number them.
enum class Packing { kNone, kGzip, kSnappy, kLz4, kZstd, kJavaSnappy };
constexpr Packing kPackings[] = {Packing::kNone, Packing::kGzip, Packing::kSnappy,
                                 Packing::kLz4,  Packing::kZstd, Packing::kJavaSnappy};
constexpr int16_t number_of(Packing packing) {
  return packing == Packing::kJavaSnappy ? int16_t{2} : static_cast<int16_t>(packing);
}

inline std::string pack_gzip(std::string_view bytes) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&stream, bytes.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int code = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  REQUIRE(code == Z_STREAM_END);
  return out;
}
inline std::string pack_snappy(std::string_view bytes) {
  size_t size = snappy_max_compressed_length(bytes.size());
  std::string out(size, '\0');
  REQUIRE(snappy_compress(bytes.data(), bytes.size(), out.data(), &size) == SNAPPY_OK);
  out.resize(size);
  return out;
}
inline std::string pack_java_snappy(std::string_view bytes) {
  std::string out("\x82SNAPPY\0\0\0\0\1\0\0\0\1", 16);
  for (size_t at = 0; at < bytes.size(); at += 32'768) {
    const std::string block = pack_snappy(bytes.substr(at, 32'768));
    put(out, static_cast<int32_t>(block.size()));
    out += block;
  }
  return out;
}
inline std::string pack_lz4(std::string_view bytes) {
  std::string out(LZ4F_compressFrameBound(bytes.size(), nullptr), '\0');
  out.resize(LZ4F_compressFrame(out.data(), out.size(), bytes.data(), bytes.size(), nullptr));
  return out;
}
// As a stream: the frame does not say how large its contents are.
inline std::string pack_zstd(std::string_view bytes) {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  std::string packed(ZSTD_compressBound(bytes.size()), '\0');
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  ZSTD_outBuffer out{packed.data(), packed.size(), 0};
  ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
  const size_t left = ZSTD_compressStream2(context, &out, &in, ZSTD_e_end);
  ZSTD_freeCCtx(context);
  REQUIRE(left == 0);
  packed.resize(out.pos);
  return packed;
}
inline std::string pack(Packing packing, std::string_view bytes) {
  switch (packing) {
    case Packing::kNone: return std::string(bytes);
    case Packing::kGzip: return pack_gzip(bytes);
    case Packing::kSnappy: return pack_snappy(bytes);
    case Packing::kLz4: return pack_lz4(bytes);
    case Packing::kZstd: return pack_zstd(bytes);
    case Packing::kJavaSnappy: return pack_java_snappy(bytes);
  }
  return {};
}

struct TestRecord {
  int64_t delta = 0;  // of the offset
  Text key;
  Text value;
  std::vector<std::pair<std::string, Text>> headers{};
  int64_t later_ms = 0;
};

inline std::string to_bytes(const TestRecord& record) {
  std::string body(1, '\0');  // attributes
  put_varint(body, record.later_ms);
  put_varint(body, record.delta);
  put_sized(body, record.key);
  put_sized(body, record.value);
  put_varint(body, static_cast<int64_t>(record.headers.size()));
  for (const auto& [name, value] : record.headers) {
    put_sized(body, name);
    put_sized(body, value);
  }
  std::string out;
  put_varint(out, static_cast<int64_t>(body.size()));
  return out + body;
}

struct TestBatch {
  int64_t base = 0;
  std::vector<TestRecord> records{};
  Packing packing = Packing::kNone;
  int64_t first_ms = 1'000;
  int64_t newest_ms = 2'000;
  bool append_time = false;
  int64_t producer = -1;  // -1: no transaction
  bool control = false;
  // Otherwise of the records.
  std::optional<int32_t> last_delta{};
  std::optional<int32_t> count{};
};

constexpr size_t kHeaderBytes = 61;

inline void sum_up(std::string& bytes) {
  put_at(bytes, 17, static_cast<int32_t>(crc32c(std::string_view(bytes).substr(21))));
}

inline int32_t last_delta(const TestBatch& batch) {
  return batch.last_delta.value_or(batch.records.empty() ? 0 : static_cast<int32_t>(batch.records.back().delta));
}

inline std::string to_bytes(const TestBatch& batch) {
  const int32_t last = last_delta(batch);
  const int attributes = number_of(batch.packing) | (batch.append_time ? 8 : 0) | (batch.producer >= 0 ? 16 : 0) |
                         (batch.control ? 32 : 0);
  std::string records;
  for (const TestRecord& record : batch.records) records += to_bytes(record);
  records = pack(batch.packing, records);
  std::string out;
  put(out, batch.base);
  put(out, static_cast<int32_t>(kHeaderBytes - 12 + records.size()));
  put(out, int32_t{7});  // the leader's epoch
  put(out, int8_t{2});
  put(out, int32_t{0});  // the checksum
  put(out, static_cast<int16_t>(attributes));
  put(out, last);
  put(out, batch.first_ms);
  put(out, batch.newest_ms);
  put(out, batch.producer);
  put(out, int16_t{0});   // the producer's epoch
  put(out, int32_t{-1});  // its sequence
  put(out, batch.count.value_or(static_cast<int32_t>(batch.records.size())));
  out += records;
  sum_up(out);
  return out;
}

// Records with the values "BASE", "BASE + 1" and so on.
inline TestBatch numbered(int64_t base, int count, Packing packing = Packing::kNone, int64_t producer = -1) {
  TestBatch batch{.base = base, .packing = packing, .producer = producer};
  for (int i = 0; i < count; ++i) batch.records.push_back({i, "k" + std::to_string(i % 3), std::to_string(base + i)});
  return batch;
}

// What ends a transaction in the log.
inline TestBatch marker(int64_t offset, int64_t producer, bool commit) {
  std::string kind;
  put(kind, int16_t{0});
  put(kind, static_cast<int16_t>(commit ? 1 : 0));
  return {.base = offset, .records = {{0, kind, std::string(6, '\0')}}, .producer = producer, .control = true};
}

}  // namespace tidemark::batch_kit
