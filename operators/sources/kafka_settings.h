// What librdkafka itself says of the settings in a pipeline file, asked without a connection. Which properties the
// guarantees forbid is config's business; whether anything answers at an address is not looked at.
#pragma once

#include "base/diagnostic.h"
#include "config/pipeline.h"

namespace tidemark {

// Reports every property that the library does not know, or whose value it does not take, and a topic pattern that is no
// regular expression, where they are written. The pipeline may be unsound: what was refused before is passed over.
void check_kafka_settings(const PipelineSpec& spec, Diagnostics& diagnostics);

}  // namespace tidemark
