// One version and one checksum around the open parts of slices; their tables are not described, they lie in the store
// already. Damage is worth another attempt, an unknown version is not:
// another program can read it.
#include "operators/windows/lane_metadata.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "state/state_key.h"

namespace tidemark {
namespace {

// The last one is written only where there is an unfinished window: the others can be read by what came before it.
constexpr uint8_t kWithoutRevision = 1;
constexpr uint8_t kVersion = 2;
constexpr uint8_t kUnfinished = 3;

}  // namespace

std::string lane_metadata_key(uint16_t lane, uint16_t step) {
  return encode_state_key({lane, step, Time::min(), kCommonPartial}, {});
}

LaneMetadata describe(Time watermark, int64_t revision, const LaneSlices& slices, std::optional<WindowNumber> unspoken) {
  LaneMetadata metadata;
  metadata.watermark = watermark;
  metadata.revision = revision;
  for (const auto& [start, open] : slices.open()) {
    const bool unsaid = unspoken && open.slice.last_window >= *unspoken;
    for (const auto& [visible_from, part] : open.parts) {
      metadata.parts.push_back({start, open.slice.end, visible_from, part.newest_kafka_time,
                                unsaid || part.changed.any()});
    }
  }
  return metadata;
}

std::string encode_lane_metadata(const LaneMetadata& metadata) {
  std::string bytes;
  ByteWriter out(bytes);
  out.fixed(metadata.unfinished ? kUnfinished : kVersion);
  out.fixed(metadata.watermark.us);
  out.fixed(metadata.revision);
  if (metadata.unfinished) {
    out.fixed(metadata.unfinished->window);
    out.text(metadata.unfinished->last_key);
  }
  out.varint(metadata.parts.size());
  for (const LaneMetadata::Part& p : metadata.parts) {
    out.fixed(p.slice_start.us);
    out.fixed(p.slice_end->us);
    out.fixed(p.visible_from);
    out.fixed(p.newest_kafka_time.us);
    out.fixed(static_cast<uint8_t>(p.changed));
  }
  out.fixed(checksum64(bytes));
  return bytes;
}

Result<LaneMetadata> decode_lane_metadata(std::string_view bytes) {
  const auto damaged = [] { return external_error("the metadata of a window lane is damaged"); };
  if (bytes.size() < sizeof(uint64_t)) return damaged();
  const std::string_view body = bytes.substr(0, bytes.size() - sizeof(uint64_t));
  if (ByteReader(bytes.substr(body.size())).fixed<uint64_t>() != checksum64(body)) return damaged();
  ByteReader in(body);
  const auto version = in.fixed<uint8_t>();
  if (version < kWithoutRevision || version > kUnfinished) {
    return user_error(fmt::format(
        "the state of a window lane has version {}, and this program reads {} to {}: it was written by another version of "
        "Tidemark. Ways out: start that version, or one that reads it; --reset-state drops all state of this pipeline",
        version, kWithoutRevision, kUnfinished));
  }
  LaneMetadata metadata;
  metadata.watermark = {in.fixed<int64_t>()};
  if (version != kWithoutRevision) metadata.revision = in.fixed<int64_t>();
  if (version == kUnfinished) {
    auto& unfinished = metadata.unfinished.emplace();
    unfinished.window = in.fixed<int64_t>();
    unfinished.last_key = in.text();
  }
  const uint64_t count = in.varint();
  for (uint64_t i = 0; i < count && in.ok(); ++i) {
    LaneMetadata::Part p;
    p.slice_start = {in.fixed<int64_t>()};
    if (version != kWithoutRevision) p.slice_end = {in.fixed<int64_t>()};
    p.visible_from = in.fixed<int64_t>();
    p.newest_kafka_time = {in.fixed<int64_t>()};
    if (version != kWithoutRevision) p.changed = in.fixed<uint8_t>() != 0;
    metadata.parts.push_back(p);
  }
  if (!in.done()) return damaged();
  return metadata;
}

void begin_generation(uint16_t lane, uint16_t step, const ExpiredSlices::Range& expired, const std::string& metadata,
                      GenerationWriter& out) {
  out.begin(lane);
  if (expired.through) {
    const Time first{saturating_add(expired.after.us, 1)};
    out.expire(slice_range(lane, step, first, *expired.through));
  }
  out.put(lane_metadata_key(lane, step), metadata);
}

}  // namespace tidemark
