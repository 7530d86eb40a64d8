// Random partition logs for a pipeline: disorder, late and future records, poison, gaps. For cases.cc only.
#pragma once

#include "tests/daemon/property/cases.h"

namespace tidemark::property {

// Fills logs and log_ends of a case whose pipeline is described.
void make_logs(Random& random, Case& one);

}  // namespace tidemark::property
