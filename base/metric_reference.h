// What the table of metrics says about itself, for people. It knows nothing of who counts or what alerts there are.
#pragma once

#include <string>

namespace tidemark {

// docs/metrics.md, whole.
std::string metrics_markdown();

}  // namespace tidemark
