// The keys of keyed state in a store: laid out so that a lane is a prefix, time is the order inside a step, firing is
// one range scan and expiry one range delete. Knows the layout only, neither stores nor what the values mean.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace tidemark {

// Lanes and steps lie below these; the lane kMetaLane holds MetaKind's entries.
inline constexpr uint16_t kMetaLane = 0xFFFF;
inline constexpr uint16_t kMaxStep = 0xFFFE;
// `visible_from` of partials that count in every window over their slice.
inline constexpr Time kCommonPartial = Time::min();

// What stands before the key bytes. Bytes on disk:
//   u16 lane BE | u16 step BE | i64 slice_end ordered | i64 visible_from ordered
// ("ordered": big-endian with the sign bit flipped), so that memcmp order is the order of the members.
struct StateKeyHeader {
  static constexpr size_t kBytes = 20;

  uint16_t lane = 0;
  uint16_t step = 0;
  Time slice_end;
  Time visible_from = kCommonPartial;

  std::array<char, kBytes> encode() const;
  auto operator<=>(const StateKeyHeader&) const = default;
};

struct StateKey {
  StateKeyHeader header;
  std::string_view key;  // into the bytes that were decoded
};

std::string encode_state_key(const StateKeyHeader& header, std::string_view key);
// Nothing when the bytes are too short or belong to the meta lane. The answer points into `bytes`.
std::optional<StateKey> decode_state_key(std::string_view bytes);

// Half-open: begin <= key < end.
struct KeyRange {
  std::string begin;
  std::string end;
};

KeyRange lane_range(uint16_t lane);
KeyRange step_range(uint16_t lane, uint16_t step);
// All entries of the slices that end at `first` up to `last`, both included.
KeyRange slice_range(uint16_t lane, uint16_t step, Time first, Time last);
// The store's own small entries. Bytes on disk: u16 0xFFFF | u8 kind | rest.
enum class MetaKind : uint8_t {
  kFormat = 0,    // -> u32: the format's version
  kStep = 2,      // name -> u16 step
  kNextStep = 3,  // -> u16: the number after the highest ever given
};
std::string meta_key(MetaKind kind, std::string_view rest = {});

// The smallest string greater than every string that begins with `prefix`; `prefix` must hold a byte below 0xFF.
std::string prefix_end(std::string_view prefix);

}  // namespace tidemark
