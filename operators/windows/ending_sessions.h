// EndingSessions: what a segment holds, in the order in which its sessions end. Tables are listed where they lie; what the store
// has is brought together in a bounded table. Decides nothing about what ends.
#pragma once

#include <algorithm>
#include <optional>
#include <span>
#include <vector>

#include "operators/windows/segments.h"
#include "operators/windows/session_rows.h"
#include "operators/windows/window_merge.h"

namespace tidemark {

struct EndingSession {
  Time end;  // where it ends unless the next segment goes on with it
  const HotTable::Entry* entry;  // one of those that the segment has of its key
};

// Single-threaded. What it is given outlives it.
class EndingSessions {
 public:
  EndingSessions(const StateBlock& block, const Segments& segments) : block_(block), segments_(segments) {}

  // Makes the sessions of `segment` that end after `after` ready, or as many of those that end first as there is room for:
  // see all_gathered(). Tables of `sources` must not go before forget(). Fails when the store cannot be read.
  Status gather(const Segment& segment, const WindowSources& sources, const View* view, Time after);
  bool gathered() const { return gathered_through_.has_value(); }
  // Whether nothing ends behind those that are ready.
  bool all_gathered() const { return gathered_through_ == Time::max(); }
  // Whether entries are copies, of all that the segment has.
  bool are_copies() const { return merged_.has_value(); }
  // Those that end up to this are ready. Only where gathered().
  Time gathered_through() const { return *gathered_through_; }

  // Those not yet taken, by end.
  std::span<const EndingSession> ready() const { return std::span(ready_).subspan(taken_); }
  // How many of them end by `watermark`.
  size_t ended(Time watermark) const;
  void take(size_t count) { taken_ += count; }
  // One more that ends then.
  void insert(const EndingSession& session);
  // What is said of a session, of which there may be a copy here.
  void put_note(const Segment& segment, std::string_view key, uint64_t hash, const SessionNote& note);
  void forget();

  size_t bytes() const;
  // What copies may take: beyond this, the segment is read again for those that end later. No less than kLeastRoom.
  void set_room(size_t bytes) { room_ = std::max(bytes, kLeastRoom); }

 private:
  static constexpr size_t kLeastRoom = size_t{8} << 20;

  void list(std::vector<const HotTable*> tables, const Segment& segment, Time after);

  const StateBlock& block_;
  const Segments& segments_;
  Time segment_start_;  // of what was gathered
  std::optional<Time> gathered_through_;
  size_t room_ = kLeastRoom;
  std::optional<Duration> stretch_;  // of ends that there was room for the last time; nothing: for all
  std::optional<HotTable> merged_;  // where some of the segment is in the store
  std::vector<EndingSession> ready_;
  size_t taken_ = 0;
};

// Takes the merged entries of a segment: those that end in time are copied into `into`, until there is no more room.
struct EndingRows {
  const StateBlock& block;
  const Segments& segments;
  const Segment& segment;
  Time after;
  Time through;
  size_t most_bytes;
  HotTable& into;
  bool full = false;
  bool add(std::string_view key, const std::byte* states);
};

// Writes sessions as they are handed over, each of which ends with its segment.
struct CutSessions {
  Time end;
  SessionRows& rows;
  bool add(std::string_view key, const std::byte* states);
};

}  // namespace tidemark
