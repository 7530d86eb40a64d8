// What is right in a plan and will hurt all the same: said at `validate`, where it is written. Knows the plan and its file;
// what must be refused is found before.
#pragma once

#include "config/pipeline.h"
#include "operators/plan/plan.h"

namespace tidemark {

// Warns of filters that stand behind a window and could stand before it, of windows that wait longer than they last, and of
// sessions that nothing ends. `plan` is that of `spec`, which is sound.
void warn_of_costs(const PipelineSpec& spec, const Plan& plan, Diagnostics& diagnostics);

}  // namespace tidemark
