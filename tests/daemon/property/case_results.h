// Random aggregates: how the file writes them, what the oracle keeps for them, and how that becomes their JSON. For cases.cc
// only.
#pragma once

#include <string>
#include <vector>

#include "tests/daemon/property/cases.h"
#include "tests/daemon/property/random.h"

namespace tidemark::property {

const char* word_of(oracle::AggregateKind kind);
oracle::Aggregate part(oracle::AggregateKind kind, oracle::Expression argument, oracle::Condition where = nullptr);
// Of a field of the usual schema, in the words of ResultField::type.
std::string type_of(const std::string& field);
// count(), and up to five more; `lists`: the fields `tags` and `marks` are there.
std::vector<ResultField> random_results(Random& random, bool lists);

}  // namespace tidemark::property
