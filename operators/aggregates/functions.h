// The specs of all aggregate functions, one for each file of this corner; the table lists them. Knows no algebra.
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

}  // namespace tidemark
