// `tidemark eval`: expressions in, their types and values as JSON out.
#pragma once

#include <iosfwd>

#include "daemon/cli.h"

namespace tidemark {

// Answers the exit code: 1 when an expression failed (one) or a line was no JSON (`--lines`).
int eval_command(const EvalCommand& command, std::istream& in, std::ostream& out);

}  // namespace tidemark
