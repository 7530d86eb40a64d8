// SessionLookup: the whole session that a key's records in one segment belong to, as far as it is known: its partials are
// looked up segment by segment, in tables and in the store, and put together. Changes nothing and says nothing.
#pragma once

#include <string_view>
#include <vector>

#include "base/error.h"
#include "operators/windows/lane_slices.h"
#include "operators/windows/segments.h"
#include "operators/windows/session_head.h"
#include "state/keyed_store.h"

namespace tidemark {

struct FoundSession {
  struct Part {
    Segment segment;
    SessionNote note;
  };
  SessionSpan span;
  int64_t records = 0;
  std::vector<Part> parts;      // in the order of time, at least one
  const std::byte* states = nullptr;  // of the whole; good until the next call
};

// Single-threaded. What it is given outlives it. Only for steps that speak more than once.
class SessionLookup {
 public:
  SessionLookup(const Segments& segments, const StateBlock& block, const LaneSlices& open, uint16_t lane, uint16_t step)
      : segments_(segments), open_(open), lane_(lane), step_(step), whole_(block), one_(block), decoded_(block) {}

  // Null where the key has no records in the segment, or where their session ended by `over`: it has been given out, or is
  // part of the segment that follows. Fails when the store cannot be read.
  Result<const FoundSession*> find(Time segment_start, std::string_view key, uint64_t hash, Time over, const View* view);

 private:
  using OpenSegment = std::map<Time, OpenSlice>::const_iterator;

  // Brings all that the segment has of the key into `one_`; false: nothing.
  Result<bool> read(const OpenSlice& slice, std::string_view key, uint64_t hash, const View* view);
  void take(const Segment& segment, bool in_front);
  Status look_ahead(OpenSegment at, std::string_view key, uint64_t hash, const View* view);
  Status look_back(OpenSegment at, std::string_view key, uint64_t hash, Time over, const View* view);

  const Segments& segments_;
  const LaneSlices& open_;
  uint16_t lane_;
  uint16_t step_;
  FoundSession found_;
  ScratchBlock whole_;
  ScratchBlock one_;
  ScratchBlock decoded_;
};

}  // namespace tidemark
