// The demo: an embedded broker, a generator of events, a real pipeline and its rows on the terminal, so that a newcomer
// sees windows close within seconds of the first command. What runs is what `tidemark run` runs.
#pragma once

#include "daemon/cli.h"

namespace tidemark {

// Until a signal, the end of `command.seconds`, or nobody reads standard output; answers the exit code.
int run_demo(const DemoCommand& command);

}  // namespace tidemark
