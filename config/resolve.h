// What the maps of a pipeline file can only know together: names, who feeds whom, defaults that come from elsewhere,
// and the rules between sections. Works on read structs; it deliberately does not know YAML.
#pragma once

#include "config/pipeline.h"

namespace tidemark {

// Fills in names, inputs and defaults; reports names that clash or lead nowhere. `whole`: every section was read
// without an error, so that rules about what is missing make sense too.
void resolve(PipelineSpec& pipeline, bool whole, Diagnostics& diagnostics);

}  // namespace tidemark
