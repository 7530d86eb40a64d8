// Each field is a tag and a value: numbers big-endian, so that bytes compare as they do; text behind its length, unless
// it comes last; one form for NaN and one for zero. Which fields make a key is the plan's to say.
#include "operators/key_codec.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/bytes.h"
#include "base/check.h"

namespace tidemark {
namespace {

constexpr char kNull = 0;
constexpr char kPresent = 1;
constexpr uint64_t kSign = uint64_t{1} << 63;

bool is_text(TypeKind kind) { return kind == TypeKind::kString || kind == TypeKind::kBytes; }

uint64_t ordered_bits(double v) {
  if (std::isnan(v)) v = std::numeric_limits<double>::quiet_NaN();
  if (v == 0) v = 0.0;
  const auto bits = std::bit_cast<uint64_t>(v);
  return (bits & kSign) != 0 ? ~bits : bits | kSign;
}

double double_of(uint64_t ordered) {
  return std::bit_cast<double>((ordered & kSign) != 0 ? ordered & ~kSign : ~ordered);
}

size_t varint_size(uint64_t value) {
  size_t n = 1;
  for (; value >= 0x80; value >>= 7) ++n;
  return n;
}

size_t field_size(const Column& c, uint32_t row, bool last) {
  if (!c.valid[row]) return 1;
  if (c.type.kind == TypeKind::kBool) return 2;
  if (!is_text(c.type.kind)) return 9;
  const size_t size = c.strings[row].size();
  return 1 + (last ? 0 : varint_size(size)) + size;
}

char* write_big_endian(char* at, uint64_t value) {
  const uint64_t big = __builtin_bswap64(value);
  std::memcpy(at, &big, sizeof big);
  return at + sizeof big;
}

char* write_text(char* at, std::string_view text, bool last) {
  if (!last) {
    uint64_t size = text.size();
    for (; size >= 0x80; size >>= 7) *at++ = static_cast<char>(size | 0x80);
    *at++ = static_cast<char>(size);
  }
  if (!text.empty()) std::memcpy(at, text.data(), text.size());
  return at + text.size();
}

char* write_field(char* at, const Column& c, uint32_t row, bool last) {
  *at++ = c.valid[row] ? kPresent : kNull;
  if (!c.valid[row]) return at;
  switch (c.type.kind) {
    case TypeKind::kBool: *at = static_cast<char>(c.bools[row]); return at + 1;
    case TypeKind::kInt:
    case TypeKind::kTimestamp:
    case TypeKind::kDuration: return write_big_endian(at, static_cast<uint64_t>(c.ints[row]) ^ kSign);
    case TypeKind::kUint: return write_big_endian(at, static_cast<uint64_t>(c.ints[row]));
    case TypeKind::kDouble: return write_big_endian(at, ordered_bits(c.doubles[row]));
    case TypeKind::kString:
    case TypeKind::kBytes: return write_text(at, c.strings[row], last);
    case TypeKind::kNull:
    case TypeKind::kList:
    case TypeKind::kMap:
    case TypeKind::kDyn: break;
  }
  check_failed(__FILE__, __LINE__, "a key type", "the plan admits only types that have key bytes");
}

// The usual case: one text field.
void encode_single_text(const Column& c, Rows rows, Arena& arena, KeyedRows& out) {
  for (const uint32_t row : rows) {
    const std::string_view text = c.valid[row] ? c.strings[row] : std::string_view{};
    char* key = arena.allocate(1 + text.size());
    key[0] = c.valid[row] ? kPresent : kNull;
    Arena::copy_bytes(key + 1, text);
    out.keys[row] = {key, 1 + text.size()};
  }
}

void encode_each(const Batch& batch, Rows rows, std::span<const uint32_t> key_slots, Arena& arena, KeyedRows& out) {
  for (const uint32_t row : rows) {
    size_t size = 0;
    for (size_t i = 0; i < key_slots.size(); ++i) {
      size += field_size(batch.columns[key_slots[i]], row, i + 1 == key_slots.size());
    }
    char* const key = size == 0 ? nullptr : arena.allocate(size);
    char* at = key;
    for (size_t i = 0; i < key_slots.size(); ++i) {
      at = write_field(at, batch.columns[key_slots[i]], row, i + 1 == key_slots.size());
    }
    out.keys[row] = {key, size};
  }
}

// Text that bytes alone put in order, whatever follows it: a zero in it is followed by the greatest byte, its end by zeros.
void append_ordered_text(std::string_view text, std::string& out) {
  for (const char c : text) {
    out.push_back(c);
    if (c == '\0') out.push_back('\xff');
  }
  out.append(2, '\0');
}

void append_ordered_field(const Column& c, uint32_t row, std::string& out) {
  if (c.valid[row] && is_text(c.type.kind)) {
    out.push_back(kPresent);
    return append_ordered_text(c.strings[row], out);
  }
  char bytes[9];
  out.append(bytes, write_field(bytes, c, row, true));
}

bool read_value(ByteReader& in, const Type& type, Column& c, size_t row, bool last) {
  switch (type.kind) {
    case TypeKind::kBool: {
      const auto value = in.fixed<uint8_t>();
      c.bools[row] = value;
      return value <= 1;
    }
    case TypeKind::kInt:
    case TypeKind::kTimestamp:
    case TypeKind::kDuration: c.ints[row] = in.ordered(); return true;
    case TypeKind::kUint: c.ints[row] = static_cast<int64_t>(__builtin_bswap64(in.fixed<uint64_t>())); return true;
    case TypeKind::kDouble: {
      const uint64_t bits = __builtin_bswap64(in.fixed<uint64_t>());
      c.doubles[row] = double_of(bits);
      return ordered_bits(c.doubles[row]) == bits;
    }
    case TypeKind::kString:
    case TypeKind::kBytes: c.strings[row] = last ? in.raw(in.rest().size()) : in.text(); return true;
    case TypeKind::kNull:
    case TypeKind::kList:
    case TypeKind::kMap:
    case TypeKind::kDyn: return false;
  }
  __builtin_unreachable();
}

}  // namespace

void encode_keys(const Batch& batch, Rows rows, std::span<const uint32_t> key_slots, Arena& arena, KeyedRows& out) {
  out.keys.resize(batch.rows);
  out.hashes.resize(batch.rows);
  if (key_slots.size() == 1 && is_text(batch.columns[key_slots[0]].type.kind)) {
    encode_single_text(batch.columns[key_slots[0]], rows, arena, out);
  } else {
    encode_each(batch, rows, key_slots, arena, out);
  }
  // Not row by row: a hash of bytes that were written a moment ago, piece by piece, waits for them.
  for (const uint32_t row : rows) out.hashes[row] = hash_key(out.keys[row]);
}

void encode_places(Batch& batch, size_t key_fields) {
  batch.places.resize(batch.rows);
  std::string place;
  for (uint32_t row = 0; row < batch.rows; ++row) {
    place.clear();
    append_ordered_field(batch.columns[key_fields], row, place);
    for (size_t i = 0; i < key_fields; ++i) append_ordered_field(batch.columns[i], row, place);
    batch.places[row] = batch.arena.copy(place);
  }
}

bool decode_key(std::string_view key, std::span<const Type> types, std::span<Column> columns, size_t row) {
  ByteReader in(key);
  for (size_t i = 0; i < types.size(); ++i) {
    Column& c = columns[i];
    const auto tag = in.fixed<char>();
    if (tag != kNull && tag != kPresent) return false;
    c.valid[row] = static_cast<uint8_t>(tag);
    if (tag == kPresent && !read_value(in, types[i], c, row, i + 1 == types.size())) return false;
  }
  return in.done();
}

uint64_t hash_key(std::string_view key) { return checksum64(key); }

}  // namespace tidemark
