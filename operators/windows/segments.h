// Segments: the arithmetic of session windows. Event time is cut into segments no longer than `gap`, so that all records
// of one key in one segment belong to one session whatever else comes, and a session is a run of segments. Pure values;
// knows no state and no watermark.
//
// Segments are counted from the multiples of `max` (from the epoch where there is none), and cut there: what lies in two
// such stretches never shares a session.
#pragma once

#include "base/time.h"
#include "operators/windows/window_shape.h"

namespace tidemark {

struct Segment {
  Time start;
  Time end;
  Time limit;  // the multiple of `max` at which its sessions are cut; Time::max() where nothing cuts them
  bool contains(Time t) const { return start <= t && t < end; }
  // All of its sessions end with it, and nothing follows them.
  bool is_cut() const { return end == limit; }
  bool operator==(const Segment&) const = default;
};

// All times saturate; Time::max() itself counts as the instant before it.
class Segments {
 public:
  // `gap` is positive, `max` no shorter.
  explicit Segments(SessionShape shape);

  Segment of(Time t) const;
  // Where a session ends whose last record, in `segment`, is at `last`. With none in the segment that follows before
  // `last + gap` it ends there; every session of a segment ends before those of the next one, or with them.
  Time end_of(const Segment& segment, Time last) const;
  // The greatest end_of() in a segment.
  Time last_end(const Segment& segment) const { return end_of(segment, {segment.end.us - 1}); }
  // Whether a session with its last record at `last` goes on with one at `first` in a later segment.
  bool joins(const Segment& segment, Time last, Time first) const { return first < end_of(segment, last); }

 private:
  SessionShape shape_;
};

}  // namespace tidemark
