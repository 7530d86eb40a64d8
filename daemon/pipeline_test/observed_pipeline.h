// A pipeline as its tests run it: the same sources and steps, and beside its own Kafka sinks one for each stream that
// can be looked at, so that rows are seen which no sink takes. Knows no records and no expectations.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/pipeline.h"
#include "operators/plan/plan.h"

namespace tidemark {

// The topic in which the rows of a step, of a source, `late` or `dead_letter` are seen.
std::string observed_topic(std::string_view stream);
bool is_observed_topic(std::string_view topic);

// Of a sound pipeline, in which `test` watches its streams. Rows are committed by transactions, and only when somebody
// asks for a checkpoint; results have one lane, so that their order is the same each time.
PipelineSpec observed_pipeline(const PipelineSpec& pipeline, const TestSpec& test);

}  // namespace tidemark
