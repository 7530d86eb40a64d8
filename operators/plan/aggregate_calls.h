// What a call of an aggregate says besides its columns: how many arguments there may be, the numbers that are written out,
// and which aggregate an unknown word may mean. Knows the syntax of calls, not what the arguments are worth.
#pragma once

#include <expected>
#include <optional>
#include <vector>

#include "operators/aggregates/aggregate.h"
#include "operators/expr/expr.h"

namespace tidemark {

// Whether a call by this name is one of an aggregate.
bool is_aggregate(std::string_view name);

// The numbers of `call` for AggregateArgs::parameters, with defaults where they are not written; or what is wrong with
// the number of arguments or with one of them.
std::expected<std::vector<std::vector<double>>, expr::Problem> read_parameters(const expr::AggregateCall& call,
                                                                               const AggregateFunction& function);

// How many of `call`'s arguments are columns, once read_parameters() was content.
size_t column_count(const expr::AggregateCall& call, const AggregateFunction& function);

// The first call in `rest` by a name that other systems give an aggregate, as the mistake that it is.
std::optional<expr::Problem> foreign_aggregate_in(const expr::Ast& rest);

}  // namespace tidemark
