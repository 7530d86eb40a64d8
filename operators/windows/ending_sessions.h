// EndingSessions: what a segment that takes no more records holds, in the order in which its sessions end. Reads tables where
// they lie, and brings several of them, or what the store has, together in a bounded table. Decides nothing about what ends.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "operators/windows/segments.h"
#include "operators/windows/window_merge.h"

namespace tidemark {

struct EndingSession {
  Time end;  // where it ends unless the next segment goes on with it
  const HotTable::Entry* entry;
};

// Single-threaded. What it is given outlives it.
class EndingSessions {
 public:
  EndingSessions(const StateBlock& block, const Segments& segments) : block_(block), segments_(segments) {}

  // Makes the sessions of `segment` that end after `after` ready, or as many of those that end first as there is room for:
  // see all_gathered(). `sources` must stay as they are until forget(). Fails when the store cannot be read.
  Status gather(const Segment& segment, const WindowSources& sources, const View* view, Time after);
  bool gathered() const { return gathered_through_.has_value(); }
  // Whether nothing ends behind those that are ready.
  bool all_gathered() const { return gathered_through_ == Time::max(); }
  // Those that end up to this are ready. Only where gathered().
  Time gathered_through() const { return *gathered_through_; }

  // Those not yet taken, by end.
  std::span<const EndingSession> ready() const { return std::span(ready_).subspan(taken_); }
  // How many of them end by `watermark`.
  size_t ended(Time watermark) const;
  void take(size_t count) { taken_ += count; }
  void forget();

  size_t bytes() const;

 private:
  // What one segment may take here: beyond this, it is read again for those that end later.
  static constexpr size_t kMostBytes = size_t{8} << 20;
  friend struct EndingRows;

  Status gather_through(Time through, const Segment& segment, const WindowSources& sources, const View* view, Time after);
  void list(const HotTable& table, const Segment& segment, Time after);

  const StateBlock& block_;
  const Segments& segments_;
  std::optional<Time> gathered_through_;
  std::optional<HotTable> merged_;  // where the segment's own tables do not do
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
  HotTable& into;
  bool full = false;
  bool add(std::string_view key, const std::byte* states);
};

// Writes sessions as they are handed over, each of which ends with its segment.
struct CutSessions {
  Time end;
  size_t expected_rows;
  ResultWriter& rows;
  bool add(std::string_view key, const std::byte* states);
};

}  // namespace tidemark
