// Whether the tests of a pipeline speak of fields that there are. What they expect of them is not looked at.
#pragma once

#include "base/diagnostic.h"
#include "config/pipeline.h"
#include "operators/plan/plan.h"

namespace tidemark {

// Of a pipeline that was planned without an error.
void check_tests(const PipelineSpec& pipeline, const Plan& plan, Diagnostics& diagnostics);

}  // namespace tidemark
