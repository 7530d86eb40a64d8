// avg(x): the exact sum rounded once to double, divided by the count as a double. Knows no 64-bit limit.
#include "operators/aggregates/functions.h"
#include "operators/aggregates/numeric_sums.h"
#include "operators/aggregates/value_kinds.h"

namespace tidemark {
namespace {

template <class S>
class Average final : public SumAggregate<S> {
 public:
  std::string_view name() const override { return "avg"; }
  Type result_type() const override { return TypeKind::kDouble; }
  bool result(const std::byte* state, Column& out, size_t row, Arena&) const override {
    const S& sum = this->state_of(state);
    if (sum.count == 0) return true;
    out.valid[row] = 1;
    out.doubles[row] = sum.rounded() / static_cast<double>(sum.count);
    return true;
  }
};

Result<std::unique_ptr<const Aggregate>> make(const AggregateArgs& args) {
  const Type& type = args.columns[0];
  switch (type.kind) {
    case TypeKind::kInt: return std::make_unique<const Average<IntSum<false>>>();
    case TypeKind::kUint: return std::make_unique<const Average<IntSum<true>>>();
    case TypeKind::kDouble: return std::make_unique<const Average<DoubleSum>>();
    case TypeKind::kNull:
    case TypeKind::kBool:
    case TypeKind::kString:
    case TypeKind::kBytes:
    case TypeKind::kTimestamp:
    case TypeKind::kDuration:
    case TypeKind::kList:
    case TypeKind::kMap:
    case TypeKind::kDyn: return refuse_argument("avg(x)", "int, uint or double", type);
  }
  __builtin_unreachable();
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
          .make = make};
}

}  // namespace tidemark
