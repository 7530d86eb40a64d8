// What a lane must know of itself after a restore besides its entries: how far it has fired, and which slices are open.
// It travels in the store, with the generation that it belongs to. See docs/state-format.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "operators/keyed_lane.h"
#include "operators/windows/lane_slices.h"

namespace tidemark {

struct LaneMetadata {
  struct Part {
    Time slice_start;
    std::optional<Time> slice_end;  // version 1 had none
    WindowNumber visible_from = 0;
    Time newest_kafka_time;
    bool changed = false;  // since the windows over it spoke
    bool operator==(const Part&) const = default;
  };
  // A window that the watermark has passed, and of which only the keys up to `last_key` have been given out.
  struct Unfinished {
    WindowNumber window = 0;
    std::string last_key;
    bool operator==(const Unfinished&) const = default;
  };
  Time watermark = Time::min();
  int64_t revision = 0;  // the highest given
  std::optional<Unfinished> unfinished;
  std::vector<Part> parts;  // by slice_start, then visible_from
  bool operator==(const LaneMetadata&) const = default;
};

// Where it lies in the store: no slice ends at Time::min().
std::string lane_metadata_key(uint16_t lane, uint16_t step);
// Writes what every generation begins with: what it deletes, then the metadata, whose key precedes all others of the step.
void begin_generation(uint16_t lane, uint16_t step, const ExpiredSlices::Range& expired, const std::string& metadata,
                      GenerationWriter& out);

// `unspoken`: windows from there on have changed, and a speech of that is not over.
LaneMetadata describe(Time watermark, int64_t revision, const LaneSlices& slices, std::optional<WindowNumber> unspoken);
// Every part has its slice's end.
std::string encode_lane_metadata(const LaneMetadata& metadata);
// Refuses what encode_lane_metadata did not make: external, for the store is damaged. A version that is not known is the
// user's.
Result<LaneMetadata> decode_lane_metadata(std::string_view bytes);

}  // namespace tidemark
