// A record of a test's input as a source would bring it: YAML values become the bytes of the source's format. Knows
// neither topics nor when it is read.
#pragma once

#include <string>

#include "base/diagnostic.h"
#include "config/pipeline.h"
#include "daemon/pipeline_test/memory_broker.h"

namespace tidemark {

// Key, value and headers; and the timestamp where the test says it. What cannot be written is in `diagnostics`.
MemoryRecord input_record(const TestRecordSpec& record, const SourceSpec& source, Diagnostics& diagnostics);

}  // namespace tidemark
