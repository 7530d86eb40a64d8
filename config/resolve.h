// What the maps of a pipeline file can only know together: names, who feeds whom, defaults that come from elsewhere,
// and the rules between sections. Works on read structs; it deliberately does not know YAML.
#pragma once

#include "config/pipeline.h"

namespace tidemark {

// Fills in names, inputs and defaults; reports names that clash or lead nowhere, and what breaks a rule between sections
// that are sound.
void resolve(PipelineSpec& pipeline, Diagnostics& diagnostics);

}  // namespace tidemark
