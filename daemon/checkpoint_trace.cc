// Spans lie in the order in which they were begun, so that a parent stands before its children.
#include "daemon/checkpoint_trace.h"

#include <algorithm>
#include <random>

namespace tidemark {
namespace {

constexpr size_t kLongestError = 1024;

uint64_t random_id() {
  std::random_device device;  // getrandom(2) under glibc
  uint64_t id = 0;
  while (id == 0) id = (uint64_t{device()} << 32) | device();
  return id;
}

std::string shortened(const std::string& error) { return error.substr(0, kLongestError); }

}  // namespace

CheckpointTrace::CheckpointTrace(TraceSink& sink, const Clock& clock, SpanAttributes attributes)
    : sink_(&sink), clock_(&clock), began_(clock.elapsed()), began_at_(clock.now()) {
  trace_.id = {random_id(), random_id()};
  Span& root = append("checkpoint", 0);
  root.start = root.end = began_at_;
  root.attributes = std::move(attributes);
}

Span& CheckpointTrace::append(std::string_view name, uint64_t parent) {
  Span& span = trace_.spans.emplace_back();
  span.id = random_id();
  span.parent = parent;
  span.name = name;
  span.start = span.end = at(clock_->elapsed());
  open_.push_back(true);
  return span;
}

size_t CheckpointTrace::find(std::string_view name) const {
  if (name.empty()) return 0;
  const auto found = std::find_if(trace_.spans.rbegin(), trace_.spans.rend(), [&](const Span& span) { return span.name == name; });
  return found == trace_.spans.rend() ? kNone : static_cast<size_t>(trace_.spans.rend() - found) - 1;
}

void CheckpointTrace::begin(std::string_view name, std::string_view parent) {
  if (!on()) return;
  const size_t around = find(parent);
  append(name, trace_.spans[around == kNone ? 0 : around].id);
}

void CheckpointTrace::end(std::string_view name) {
  if (!on()) return;
  const size_t span = find(name);
  if (span == kNone || !open_[span]) return;
  trace_.spans[span].end = at(clock_->elapsed());
  open_[span] = false;
}

void CheckpointTrace::set(std::string key, std::variant<int64_t, std::string> value, std::string_view span) {
  if (!on()) return;
  const size_t of = find(span);
  if (of != kNone) trace_.spans[of].attributes.emplace_back(std::move(key), std::move(value));
}

void CheckpointTrace::add(std::vector<TimedStep> steps, std::string_view parent) {
  const size_t around = on() ? find(parent) : kNone;
  if (around == kNone) return;
  if (steps.size() > kMostSteps) {
    set("tidemark.steps_left_out", static_cast<int64_t>(steps.size() - kMostSteps), parent);
    const auto took = [](const TimedStep& step) { return step.ended - step.began; };
    std::ranges::nth_element(steps, steps.begin() + kMostSteps, std::ranges::greater(), took);
    steps.resize(kMostSteps);
  }
  std::ranges::sort(steps, {}, &TimedStep::began);
  for (TimedStep& step : steps) {
    if (step.ended < began_) continue;
    Span& span = append(step.name, trace_.spans[around].id);
    span.start = at(std::max(step.began, began_));
    span.end = at(step.ended);
    span.attributes = std::move(step.attributes);
    span.attributes.emplace_back("tidemark.unit", std::move(step.unit));
    if (step.error) span.error = shortened(*step.error);
    open_.back() = false;
    trace_.spans[around].start = std::min(trace_.spans[around].start, trace_.spans.back().start);
    trace_.spans[around].end = std::max(trace_.spans[around].end, trace_.spans.back().end);
  }
}

void CheckpointTrace::finish(std::string_view result, const std::optional<std::string>& error) {
  if (!on()) return;
  set("tidemark.result", std::string(result));
  if (error) blame(under_way(), shortened(*error));
  const Time now = at(clock_->elapsed());
  for (size_t i = 0; i < open_.size(); ++i) {
    if (open_[i]) trace_.spans[i].end = std::max(now, trace_.spans[i].end);
  }
  std::exchange(sink_, nullptr)->take(std::move(trace_));
}

size_t CheckpointTrace::under_way() const {
  const auto failed = std::ranges::find_if(trace_.spans, [](const Span& span) { return span.error.has_value(); });
  if (failed != trace_.spans.end()) return static_cast<size_t>(failed - trace_.spans.begin());
  const auto last = std::find(open_.rbegin(), open_.rend(), true);
  return static_cast<size_t>(open_.rend() - last) - 1;  // the root is open
}

void CheckpointTrace::blame(size_t span, const std::string& error) {
  while (true) {
    Span& one = trace_.spans[span];
    if (!one.error) one.error = error;
    if (one.parent == 0) return;
    span = static_cast<size_t>(std::ranges::find(trace_.spans, one.parent, &Span::id) - trace_.spans.begin());
  }
}

}  // namespace tidemark
