// The table of all aggregate functions, in the order in which the reference lists them.
#include "operators/aggregates/functions.h"

namespace tidemark {

std::span<const AggregateFunction> aggregate_functions() {
  static const AggregateFunction kAll[] = {
      count_function(),
      sum_function(),
      avg_function(),
      min_function(),
      max_function(),
      first_function(),
      last_function(),
  };
  return kAll;
}

const AggregateFunction* find_aggregate_function(std::string_view name) {
  for (const AggregateFunction& f : aggregate_functions()) {
    if (f.name == name) return &f;
  }
  return nullptr;
}

}  // namespace tidemark
