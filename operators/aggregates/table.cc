// The table of all aggregate functions, in the order in which the reference lists them, and what other systems call them.
#include <utility>

#include <fmt/core.h>

#include "operators/aggregates/functions.h"

namespace tidemark {
namespace {

constexpr std::pair<std::string_view, std::string_view> kForeign[] = {
    {"any_value", "first"},
    {"approx_count_distinct", "approx_distinct"},
    {"approx_percentile", "quantile"},
    {"array_agg", "list"},
    {"average", "avg"},
    {"collect", "list"},
    {"collect_list", "list"},
    {"count_distinct", "distinct"},
    {"earliest", "first"},
    {"first_value", "first"},
    {"last_value", "last"},
    {"latest", "last"},
    {"max_by", "arg_max"},
    {"maximum", "max"},
    {"mean", "avg"},
    {"median", "quantile"},
    {"min_by", "arg_min"},
    {"minimum", "min"},
    {"mode", "top_k"},
    {"percentile", "quantile"},
    {"percentile_approx", "quantile"},
    {"percentile_cont", "quantile"},
    {"std", "stddev"},
    {"stddev_samp", "stddev"},
    {"stdev", "stddev"},
    {"uniq", "distinct"},
    {"var", "variance"},
    {"var_samp", "variance"},
};

}  // namespace

std::span<const AggregateFunction> aggregate_functions() {
  static const AggregateFunction kAll[] = {
      count_function(),
      sum_function(),
      avg_function(),
      variance_function(),
      stddev_function(),
      min_function(),
      max_function(),
      first_function(),
      last_function(),
      arg_min_function(),
      arg_max_function(),
      list_function(),
      distinct_function(),
      approx_distinct_function(),
      top_k_function(),
      approx_top_k_function(),
      quantile_function(),
      histogram_function(),
  };
  return kAll;
}

Result<AggregatePtr> AggregateFunction::make(const AggregateArgs& args) const {
  auto made = maker(args);
  if (!made) return user_error(fmt::format("{} takes {}", signature, made.error()));
  return std::move(*made);
}

const AggregateFunction* find_aggregate_function(std::string_view name) {
  for (const AggregateFunction& f : aggregate_functions()) {
    if (f.name == name) return &f;
  }
  return nullptr;
}

std::string_view foreign_aggregate(std::string_view name) {
  for (const auto& [foreign, ours] : kForeign) {
    if (foreign == name) return ours;
  }
  return {};
}

}  // namespace tidemark
