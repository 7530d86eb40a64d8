// What the sources of one pipeline must have in common: the consumer that reads them, and the schema. Works on read
// structs whose names and defaults are filled in; it deliberately does not know YAML, nor who takes their records.
#pragma once

#include "config/pipeline.h"

namespace tidemark {

// Reports where sources differ in what they have to share, as far as what they hold is sound.
void resolve_sources(const PipelineSpec& pipeline, Diagnostics& diagnostics);

}  // namespace tidemark
