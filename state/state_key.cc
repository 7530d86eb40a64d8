// Numbers stand big-endian, times with their sign bit turned, so that bytes compare as the values do. A range ends
// where the next prefix begins; what lies inside is not looked at.
#include "state/state_key.h"

#include <bit>
#include <cstring>

#include "base/bytes.h"
#include "base/check.h"

namespace tidemark {
namespace {

constexpr uint16_t big_endian(uint16_t value) { return static_cast<uint16_t>(value << 8 | value >> 8); }

uint64_t ordered_bits(Time t) { return __builtin_bswap64(static_cast<uint64_t>(t.us) ^ (uint64_t{1} << 63)); }

std::string step_prefix(uint16_t lane, uint16_t step) {
  std::string prefix;
  ByteWriter out(prefix);
  out.fixed(big_endian(lane));
  out.fixed(big_endian(step));
  return prefix;
}

std::string slice_prefix(uint16_t lane, uint16_t step, Time slice_end) {
  std::string prefix = step_prefix(lane, step);
  ByteWriter(prefix).ordered(slice_end.us);
  return prefix;
}

}  // namespace

std::array<char, StateKeyHeader::kBytes> StateKeyHeader::encode() const {
  std::array<char, kBytes> bytes;
  const uint16_t lane_be = big_endian(lane);
  const uint16_t step_be = big_endian(step);
  const uint64_t end_be = ordered_bits(slice_end);
  const uint64_t visible_be = ordered_bits(visible_from);
  std::memcpy(bytes.data(), &lane_be, 2);
  std::memcpy(bytes.data() + 2, &step_be, 2);
  std::memcpy(bytes.data() + 4, &end_be, 8);
  std::memcpy(bytes.data() + 12, &visible_be, 8);
  return bytes;
}

std::string encode_state_key(const StateKeyHeader& header, std::string_view key) {
  const auto head = header.encode();
  std::string bytes;
  bytes.reserve(head.size() + key.size());
  bytes.append(head.data(), head.size());
  bytes.append(key);
  return bytes;
}

std::optional<StateKey> decode_state_key(std::string_view bytes) {
  ByteReader in(bytes);
  StateKey key;
  key.header.lane = big_endian(in.fixed<uint16_t>());
  key.header.step = big_endian(in.fixed<uint16_t>());
  key.header.slice_end = {in.ordered()};
  key.header.visible_from = {in.ordered()};
  if (!in.ok() || key.header.lane == kMetaLane) return std::nullopt;
  key.key = in.rest();
  return key;
}

KeyRange lane_range(uint16_t lane) {
  std::string prefix;
  ByteWriter(prefix).fixed(big_endian(lane));
  std::string end = prefix_end(prefix);
  return {std::move(prefix), std::move(end)};
}

KeyRange step_range(uint16_t lane, uint16_t step) {
  std::string prefix = step_prefix(lane, step);
  std::string end = prefix_end(prefix);
  return {std::move(prefix), std::move(end)};
}

KeyRange slice_range(uint16_t lane, uint16_t step, Time first, Time last) {
  return {slice_prefix(lane, step, first), prefix_end(slice_prefix(lane, step, last))};
}

std::string meta_key(MetaKind kind, std::string_view rest) {
  std::string key;
  ByteWriter out(key);
  out.fixed(kMetaLane);
  out.fixed(kind);
  out.raw(rest);
  return key;
}

std::string prefix_end(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && end.back() == '\xff') end.pop_back();
  CHECK_OR_DIE(!end.empty(), "a prefix of 0xFF bytes alone has no end");
  end.back() = static_cast<char>(end.back() + 1);
  return end;
}

}  // namespace tidemark
