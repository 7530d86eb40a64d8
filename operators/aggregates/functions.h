// The specs of all aggregate functions, each made in the file of its algebra; the table lists them. Knows no algebra.
#pragma once

#include "operators/aggregates/aggregate.h"

namespace tidemark {

AggregateFunction count_function();
AggregateFunction sum_function();
AggregateFunction avg_function();
AggregateFunction variance_function();
AggregateFunction stddev_function();
AggregateFunction min_function();
AggregateFunction max_function();
AggregateFunction first_function();
AggregateFunction last_function();
AggregateFunction arg_min_function();
AggregateFunction arg_max_function();
AggregateFunction list_function();
AggregateFunction distinct_function();
AggregateFunction approx_distinct_function();
AggregateFunction top_k_function();
AggregateFunction approx_top_k_function();
AggregateFunction quantile_function();
AggregateFunction histogram_function();

// The function that differs from its twin, such as max(x) from min(x), in these alone.
inline AggregateFunction twin_of(AggregateFunction twin, std::string_view name, std::string_view signature,
                                 std::string_view doc, AggregateMaker maker) {
  twin.name = name;
  twin.signature = signature;
  twin.doc = doc;
  twin.maker = maker;
  return twin;
}

}  // namespace tidemark
