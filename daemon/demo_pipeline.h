// The pipeline that the demo runs: examples/demo.yaml, carried in the binary so that an installed one works alone.
#pragma once

#include <string_view>

namespace tidemark {

std::string_view demo_pipeline();

}  // namespace tidemark
