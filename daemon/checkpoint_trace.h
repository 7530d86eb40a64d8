// CheckpointTrace: the spans of one checkpoint while it comes about: a root, its phases, and what was done for each recovery
// unit. It knows no phase by name: whoever moves the protocol on tells them. Of no cost where nobody takes traces.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "daemon/trace.h"

namespace tidemark {

// A piece of work of another thread, by Clock::elapsed().
struct TimedStep {
  const char* name = "";
  std::string unit;
  Duration began;
  Duration ended;
  SpanAttributes attributes;
  std::optional<std::string> error;
};

// Single-threaded. Without a sink, and once it was finished, all calls do nothing. Spans of one name: the last one begun
// is meant.
class CheckpointTrace {
 public:
  // Of longer lists of steps, those that took longest are kept.
  static constexpr size_t kMostSteps = 256;

  CheckpointTrace() = default;
  // The root begins. Both outlive this.
  CheckpointTrace(TraceSink& sink, const Clock& clock, SpanAttributes attributes);

  bool on() const { return sink_ != nullptr; }
  // Within the span `parent`, or the root.
  void begin(std::string_view name, std::string_view parent = {});
  // One that has ended, or was never begun, is left as it is.
  void end(std::string_view name);
  // Of the root, or of a span.
  void set(std::string key, std::variant<int64_t, std::string> value, std::string_view span = {});
  // What was done within the span `parent`, if that was begun. What began before the root counts from there.
  void add(std::vector<TimedStep> steps, std::string_view parent);
  // Ends all that is open and hands the trace over. With an error, the root has failed of it, and so has what was under
  // way: the span that holds failed steps, or else the one begun last, with those around it.
  void finish(std::string_view result, const std::optional<std::string>& error);

 private:
  static constexpr size_t kNone = SIZE_MAX;

  Time at(Duration elapsed) const { return began_at_ + (elapsed - began_); }
  size_t find(std::string_view name) const;
  Span& append(std::string_view name, uint64_t parent);
  void blame(size_t span, const std::string& error);
  size_t under_way() const;

  TraceSink* sink_ = nullptr;
  const Clock* clock_ = nullptr;
  // Wall time may jump: all times are the root's, and what has passed since.
  Duration began_;
  Time began_at_;
  Trace trace_;
  std::vector<bool> open_;  // by span
};

}  // namespace tidemark
