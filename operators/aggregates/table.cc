// The table of all aggregate functions, in the order in which the reference lists them.
#include <algorithm>

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

bool is_future_aggregate(std::string_view name) {
  constexpr std::string_view kFuture[] = {"stddev", "variance", "distinct",  "approx_distinct", "quantile",
                                          "top_k",  "list",     "histogram", "arg_min",         "arg_max"};
  return std::ranges::find(kFuture, name) != std::ranges::end(kFuture);
}

}  // namespace tidemark
