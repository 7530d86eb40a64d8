// SessionVoice: speaks of sessions before their last row: of what has changed, and of those whose end time has reached while
// late records may still come. What it says is remembered beside the partials (SessionNote), so that nothing is said twice
// and what is no session any more is withdrawn. Which row is the last is not decided here.
#pragma once

#include <deque>

#include "operators/windows/ending_sessions.h"
#include "operators/windows/session_lookup.h"
#include "operators/windows/session_rows.h"

namespace tidemark {

// Single-threaded. What it is given outlives it. Only for steps that speak more than once.
class SessionVoice {
 public:
  SessionVoice(const WindowPlan& plan, const Segments& segments, const StateBlock& block, LaneSlices& open,
               EndingSessions& ending, uint16_t lane, uint16_t step);

  // Rows of `batch`, with these keys, were counted in `part` when the lane's watermark stood at `watermark`.
  void note_changed(SlicePart& part, const Batch& batch, const KeyedRows& keyed, Rows rows, Time watermark);
  // Whether there is something to be said although the watermark stands where it stood.
  bool has_more() const { return !round_.empty() || (changed_ && at_once_); }

  // Says what there is to say when the watermark comes to `watermark`, and the sessions that ended by `over` are done with.
  // Where `out` wanted a pause before all was said, has_more() is true.
  Status speak(Time watermark, Time over, const View* view, SessionRows& rows, ResultEmitter& out);
  // Any key of `part` may have changed.
  void note_all_changed(SlicePart& part);
  // All that ended by `watermark` counts as spoken of.
  void restore(Time watermark) { closed_through_ = spoken_at_ = watermark; }

  // Tables and the view change: pointers into them are dropped.
  void forget_tables() { closing_.forget(); }
  void shed();
  size_t bytes() const;

 private:
  static constexpr size_t kKeysBetweenPauses = 256;

  // What is left to be said of a segment's changed keys.
  struct Changed {
    Time segment_start;
    ChangedKeys keys;
    size_t next = 0;
  };
  struct Moment {
    Time watermark;
    Time over;
    const View* view;
    SessionRows& rows;
    bool only_ended;  // nothing is said of sessions that go on
  };

  bool is_due(Time watermark) const;
  void begin_round();
  Status go_round(const Moment& now, ResultEmitter& out);
  Status speak_of_all(Time segment_start, const Moment& now);
  Status gather_ended(const Segment& segment, const SlicePart& part, const View* view);
  Result<bool> speak_of_ended_in(const Segment& segment, const SlicePart& part, const Moment& now);
  Status speak_of_ended(const Moment& now);
  Status speak_of(Time segment_start, std::string_view key, uint64_t hash, const Moment& now);
  Status say(const FoundSession& session, std::string_view key, uint64_t hash, const Moment& now);
  void requeue(const FoundSession& session, Time end, std::string_view key, uint64_t hash);
  void put_note(const Segment& segment, std::string_view key, uint64_t hash, const SessionNote& note);

  const WindowPlan& plan_;
  const Segments& segments_;
  LaneSlices& open_;
  EndingSessions& ending_;
  uint16_t lane_;
  uint16_t step_;
  const bool at_once_;      // speaks of changes when they come
  const bool at_the_end_;   // and of sessions when time reaches their end
  SessionLookup lookup_;
  std::vector<uint32_t> late_;  // scratch of note_changed()
  bool changed_ = false;    // keys were noted since the last round began
  std::deque<Changed> round_;
  EndingSessions closing_;  // of the segment that begins at closing_segment_
  Time closing_segment_;
  Time closed_through_ = Time::min();  // sessions that ended by this have been spoken of when they did
  Time spoken_at_ = Time::min();       // the watermark when was last looked whether it is time to speak
};

}  // namespace tidemark
