// What this build is and what it stands on.
#pragma once

#include "daemon/process_metrics.h"

namespace tidemark {

BuildInfo build_info();

}  // namespace tidemark
