// avg(x): the exact sum rounded once to double, divided by the count as a double. Knows no 64-bit limit.
#include "operators/aggregates/functions.h"
#include "operators/aggregates/numeric_sums.h"
#include "operators/aggregates/value_kinds.h"

namespace tidemark {
namespace {

template <class S>
struct Average : SumAlgebra<S> {
  static constexpr std::string_view kName = "avg";

  Type result_type() const { return TypeKind::kDouble; }
  bool result(const S& sum, Column& out, size_t row, Arena&) const {
    if (sum.count == 0) return true;
    out.valid[row] = 1;
    out.doubles[row] = sum.rounded() / static_cast<double>(sum.count);
    return true;
  }
};

MadeAggregate make(const AggregateArgs& args) {
  const TypeKind kind = args.columns[0].kind;
  if (kind == TypeKind::kInt) return make_aggregate<Average<IntSum<false>>>();
  if (kind == TypeKind::kUint) return make_aggregate<Average<IntSum<true>>>();
  if (kind == TypeKind::kDouble) return make_aggregate<Average<DoubleSum>>();
  return refuse_argument("int, uint or double", args.columns[0]);
}

}  // namespace

AggregateFunction avg_function() {
  return {.name = "avg",
          .signature = "avg(x)",
          .doc = "The exact sum of the values that are not null, rounded once to double, divided by their number. Null "
                 "over nothing.",
          .takes = "int, uint, double",
          .gives = "double",
          .memory = "24 B of int; 40 B of double, and 272 B where values lie beyond 2^54 or have bits below 2^-72",
          .columns = 1,
          .columns_min = 1,
          .maker = make};
}

}  // namespace tidemark
