// Runs the input of one test through the real engine, on a broker and a clock of its own: one life of the pipeline
// after another, each from the checkpoint that the one before left. What must come out is not known here.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "base/diagnostic.h"
#include "config/pipeline.h"
#include "daemon/pipeline_test/memory_broker.h"
#include "daemon/pipeline_test/test_input.h"

namespace tidemark {

// What a read_committed consumer sees in the topics of observed_topic(), in the order of its writing; or where the test
// stood when the pipeline failed or hung, and why.
std::expected<std::vector<WrittenRecord>, Diagnostic> run_test(const PipelineSpec& pipeline, const TestSpec& test,
                                                               const TestInput& input);

}  // namespace tidemark
