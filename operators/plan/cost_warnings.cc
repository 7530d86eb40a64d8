// Each warning says what it costs and what to write instead. Steps have the same numbers in the file and in the plan.
#include "operators/plan/cost_warnings.h"

#include <algorithm>

#include <fmt/format.h>

#include "operators/expr/expr.h"

namespace tidemark {
namespace {

// Whether nobody else takes rows of the window, nor of what stands between it and the step.
bool alone_behind(const PipelineSpec& spec, const Plan& plan, const PlannedStep& window, size_t step) {
  for (size_t at = step; &plan.steps[at] != &window;) {
    at = spec.steps[at].input.index;
    if (plan.steps[at].next_steps.size() + plan.steps[at].next_sinks.size() > 1) return false;
  }
  return true;
}

// What such a filter drops need not have been gathered.
void check_filter(const PipelineSpec& spec, const Plan& plan, size_t number, const FilterSpec& filter, Diagnostics& diagnostics) {
  const PlannedStep& step = plan.steps[number];
  if (!step.behind_window) return;
  const PlannedStep& window = plan.window_step(*step.behind_window);
  const auto ast = expr::parse(filter.condition.value);
  const auto fields = ast ? expr::fields_of(*ast) : std::vector<std::string>{};
  const auto is_key = [&](const std::string& name) {
    const Field* const field = step.output.find(name);
    return field && field->slot < window.window()->key_slots.size();
  };
  if (fields.empty() || !std::ranges::all_of(fields, is_key) || !alone_behind(spec, plan, window, number)) return;
  diagnostics.warn(filter.condition.where,
                   fmt::format("this filter reads only keys of the window `{}`, so it could stand before it", window.name),
                   "there it spares the state and the work of what it drops");
}

// The shortest time that a window may take, and how to speak of it. A calendar's is not written anywhere.
struct LeastSpan {
  Located<Duration> value;
  std::string_view what = "this window of";
  std::string_view closes = "which closes";
};
LeastSpan least_span(const TumblingSpec& w) { return {w.size}; }
LeastSpan least_span(const SlidingSpec& w) { return {w.size}; }
LeastSpan least_span(const CumulativeSpec& w) { return {w.size}; }
LeastSpan least_span(const SessionSpec& w) { return {w.gap, "the gap of", "and a session closes"}; }
LeastSpan least_span(const RunningSpec& w) { return {w.ttl, "the ttl of", "and a total ends"}; }
LeastSpan least_span(const CalendarSpec&) { return {{Duration::hours(23), {}}}; }

void check_delay(const PipelineSpec& spec, const WindowSpec& window, Diagnostics& diagnostics) {
  const auto [span, what, closes] = std::visit([](const auto& kind) { return least_span(kind); }, window.kind);
  for (const SourceSpec& source : spec.sources) {
    const Duration delay = source.event_time.max_delay;
    if (delay <= span.value) continue;
    diagnostics.warn(span.where.line == 0 ? window.where : span.where,
                     fmt::format("`max_delay` of `{}` is {}, longer than {} {}, {} only that long after its end", source.name.value,
                                 format_duration(delay), what, format_duration(span.value), closes),
                     "a shorter `max_delay` tells results earlier, and `allowed_lateness` corrects them by what comes later");
  }
}

void check_session(const WindowSpec& window, Diagnostics& diagnostics) {
  const auto* const session = std::get_if<SessionSpec>(&window.kind);
  if (!session || session->max) return;
  diagnostics.warn(session->gap.where,
                   fmt::format("nothing bounds this session: of a key that is never quiet for {} it stays open without end",
                               format_duration(session->gap.value)),
                   "`max` cuts sessions, as in `session: {gap: 30s, max: 1h}`");
}

}  // namespace

void warn_of_costs(const PipelineSpec& spec, const Plan& plan, Diagnostics& diagnostics) {
  for (size_t i = 0; i < spec.steps.size(); ++i) {
    if (const auto* filter = std::get_if<FilterSpec>(&spec.steps[i].what)) check_filter(spec, plan, i, *filter, diagnostics);
    const auto* const window = std::get_if<WindowSpec>(&spec.steps[i].what);
    if (!window) continue;
    if (!plan.steps[i].behind_window) check_delay(spec, *window, diagnostics);
    check_session(*window, diagnostics);
  }
}

}  // namespace tidemark
