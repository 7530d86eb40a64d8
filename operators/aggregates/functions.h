// The specs of all aggregate functions, one for each file of this corner; the table lists them. Knows no algebra.
#pragma once

#include "operators/aggregates/aggregate.h"

namespace tidemark {

AggregateFunction count_function();
AggregateFunction sum_function();
AggregateFunction avg_function();
AggregateFunction min_function();
AggregateFunction max_function();
AggregateFunction first_function();
AggregateFunction last_function();

}  // namespace tidemark
