// Which fields are known to be present where a condition holds: the flow analysis behind the warnings about nulls.
#pragma once

#include <set>
#include <string>

#include "operators/expr/ast.h"

namespace tidemark::expr {

using Facts = std::set<std::string>;  // names of fields that are not null

// `facts` and what follows when `condition` came out as `outcome`. Only from conditions that cannot themselves fail on
// the null in question, so that both sides of `&&` may rely on each other.
Facts facts_when(const Node& condition, bool outcome, Facts facts);

}  // namespace tidemark::expr
