// What a plan comes to, node by node: the one document that explain draws for people and prints for programs. Knows the
// plan, not how it is shown.
#pragma once

#include <nlohmann/json.hpp>

#include "operators/plan/plan.h"

namespace tidemark {

// {"pipeline", "file", "sources": [..], "steps": [..], "sinks": [..], "lanes", "recovery", "checkpoint"}; sources, steps
// and sinks are nodes: {"kind", "name", "takes": [names], "summary": half a line, "notes": [sentences], "gives": fields},
// with numbers of their own kind. Names of `takes` are those of sources and steps, `late` and `dead_letter`.
nlohmann::ordered_json explained(const Plan& plan);

}  // namespace tidemark
