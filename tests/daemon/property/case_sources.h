// The sources of a random pipeline: one, or two that a union brings together, alike in nothing but their fields. For
// cases.cc only.
#pragma once

#include <string>

#include "tests/daemon/property/random.h"
#include "tests/oracle/oracle.h"

namespace tidemark::property {

// Fills the pipeline's one source, and may add another; with ids where repeats are to be told.
void choose_sources(Random& random, oracle::Pipeline& pipeline, bool ids);
bool has_lists(const oracle::Pipeline& pipeline);

// `sources:` of the file; a source that does not say its topics reads `TOPICS`.
std::string sources_yaml(Random& random, const oracle::Pipeline& pipeline, bool partitioned_by_user);

std::string us_text(int64_t us);

}  // namespace tidemark::property
