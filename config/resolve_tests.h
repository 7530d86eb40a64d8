// What tests say together with the rest of the file: their names, and the sources and steps that they speak of. Which
// fields these have is not known here.
#pragma once

#include "base/diagnostic.h"
#include "config/pipeline.h"

namespace tidemark {

// Gives tests without a name one by their place, and reports what they name and is not there.
void resolve_tests(PipelineSpec& pipeline, Diagnostics& diagnostics);

}  // namespace tidemark
