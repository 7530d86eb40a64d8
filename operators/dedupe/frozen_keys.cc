// Expiry is written first, then the metadata, whose key precedes all entries of its step, then the keys by slice. They
// are sorted here, on the writer's thread.
#include "operators/dedupe/frozen_keys.h"

#include <algorithm>
#include <tuple>

#include "base/bytes.h"
#include "operators/windows/lane_metadata.h"

namespace tidemark {
namespace {

struct Placed {
  Time slice_end;
  std::string_view key;
  Time first;
};

}  // namespace

Time DedupeSlices::end_of(Time first) const {
  return {saturating_add(saturating_sub(first.us, floor_mod(first.us, size_.us)), size_.us)};
}

std::string encode_first_seen(Time first) {
  std::string bytes;
  ByteWriter(bytes).fixed(first.us);
  return bytes;
}

std::optional<Time> decode_first_seen(std::string_view bytes) {
  ByteReader in(bytes);
  const Time first{in.fixed<int64_t>()};
  return in.done() ? std::optional(first) : std::nullopt;
}

bool merge_first_seen(std::string& accumulator, std::string_view operand) {
  const auto had = decode_first_seen(accumulator);
  const auto more = decode_first_seen(operand);
  if (!had || !more) return false;
  accumulator = encode_first_seen(std::max(*had, *more));
  return true;
}

Status FrozenKeys::write_to(GenerationWriter& out) const {
  begin_generation(contents_.lane, contents_.step, contents_.expired, contents_.metadata, out);
  std::vector<Placed> placed;
  placed.reserve(contents_.keys.size());
  for (const auto& [entry, first] : contents_.keys) placed.push_back({slices_.end_of(first), entry->key(), first});
  std::ranges::sort(placed, {}, [](const Placed& p) { return std::tuple(p.slice_end, p.key); });
  for (const Placed& p : placed) {
    const StateKeyHeader header{contents_.lane, contents_.step, p.slice_end, kCommonPartial};
    if (Status written = out.merge(header, p.key, encode_first_seen(p.first)); !written) return written;
  }
  return {};
}

}  // namespace tidemark
