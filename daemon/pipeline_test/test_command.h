// `tidemark test`: runs the tests of pipeline files and tells how they went.
#pragma once

#include <ostream>

#include "daemon/cli.h"

namespace tidemark {

// Results to `out`, what is wrong with the files to `err`. Answers the exit code: 0, 1 where a test failed, 2 where a
// file or a test in it is wrong, or a file cannot be written.
int test_command(const TestCommand& command, std::ostream& out, std::ostream& err);

}  // namespace tidemark
