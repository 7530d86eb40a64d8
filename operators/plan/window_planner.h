// From a window step to its plan: keys, aggregates, and what is worked out before and behind them. Knows no other steps,
// and not which lane a key goes to.
#pragma once

#include "config/pipeline.h"
#include "operators/plan/binder.h"
#include "operators/plan/plan.h"

namespace tidemark {

// What a window step comes to.
struct WindowOutcome {
  PlannedWindow planned;
  Scope output;
  Missing missing;  // in `output`
  StepSignature signature;
};

// Reports mistakes by `binder`, and plans what is left. `input` sees what the step takes; the aggregates keep `topics`.
WindowOutcome plan_window(const std::string& step_name, size_t ordinal, const WindowSpec& spec, const Sight& input,
                          Binder& binder, const TopicTable& topics, Diagnostics& diagnostics);

}  // namespace tidemark
