// Steps and aggregates over what sources make columns of beside plain fields: parts of records, and lists. For cases.cc
// only.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tests/daemon/property/random.h"
#include "tests/oracle/oracle.h"

namespace tidemark::property {

struct WrittenStep {
  std::string yaml;  // behind `- `
  oracle::Condition filter;
  std::vector<std::pair<std::string, oracle::Expression>> map;
};

// Of parts of a record beside its value.
WrittenStep record_step(Random& random);
// Of the fields `tags` (list<string>?), `marks` (list<timestamp(ms)>) and `n`.
WrittenStep list_step(Random& random);

// What an aggregate of `kind` may take; kArgMax takes any `by` beside it.
struct Argument {
  oracle::AggregateKind kind;
  std::string text;
  oracle::Expression expression;
};
Argument record_argument(Random& random);
Argument list_argument(Random& random);

}  // namespace tidemark::property
