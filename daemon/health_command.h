// `tidemark health`: asks a running process over HTTP whether it lives, or is ready, and answers with the exit code: for
// containers and packages, which have no shell and no curl. It knows nothing of pipelines.
#pragma once

#include <iosfwd>

#include "daemon/cli.h"

namespace tidemark {

// 0: it answered 200; 1: it answered otherwise, or not within the time; what it said goes to `out` or `err`.
int health_command(const HealthCommand& command, std::ostream& out, std::ostream& err,
                   Duration within = Duration::seconds(5));

}  // namespace tidemark
