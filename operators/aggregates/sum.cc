// sum(x): exact in 128 bits for integers and durations, judged when the row is made; the correctly rounded exact sum for
// doubles. Null over nothing.
#include <limits>

#include "operators/aggregates/functions.h"
#include "operators/aggregates/numeric_sums.h"
#include "operators/aggregates/value_kinds.h"

namespace tidemark {
namespace {

template <bool kUnsigned>
class SumOfInts : public SumAlgebra<IntSum<kUnsigned>> {
 public:
  static constexpr std::string_view kName = "sum";
  static constexpr bool kCanOverflow = true;

  explicit SumOfInts(Type type) : type_(std::move(type)) {}
  Type result_type() const { return type_; }
  bool result(const IntSum<kUnsigned>& sum, Column& out, size_t row, Arena&) const {
    using Int = std::conditional_t<kUnsigned, uint64_t, int64_t>;
    if (sum.count == 0) return true;
    const __int128 value = sum.value();
    if (value < std::numeric_limits<Int>::min() || value > std::numeric_limits<Int>::max()) return false;
    out.valid[row] = 1;
    out.ints[row] = static_cast<int64_t>(value);
    return true;
  }

 private:
  Type type_;
};

struct SumOfDoubles : SumAlgebra<DoubleSum> {
  static constexpr std::string_view kName = "sum";

  Type result_type() const { return TypeKind::kDouble; }
  bool result(const DoubleSum& sum, Column& out, size_t row, Arena&) const {
    if (sum.count == 0) return true;
    out.valid[row] = 1;
    out.doubles[row] = sum.rounded();
    return true;
  }
};

MadeAggregate make(const AggregateArgs& args) {
  const Type& type = args.columns[0];
  switch (type.kind) {
    case TypeKind::kInt:
    case TypeKind::kDuration: return make_aggregate<SumOfInts<false>>(type);
    case TypeKind::kUint: return make_aggregate<SumOfInts<true>>(type);
    case TypeKind::kDouble: return make_aggregate<SumOfDoubles>();
    case TypeKind::kNull:
    case TypeKind::kBool:
    case TypeKind::kString:
    case TypeKind::kBytes:
    case TypeKind::kTimestamp:
    case TypeKind::kList:
    case TypeKind::kMap:
    case TypeKind::kDyn: return refuse_argument("int, uint, double or duration", type);
  }
  __builtin_unreachable();
}

}  // namespace

AggregateFunction sum_function() {
  return {.name = "sum",
          .signature = "sum(x)",
          .doc = "The exact sum of the values that are not null, whatever their order; a double is rounded once. Null "
                 "over nothing and beyond 64 bits.",
          .takes = "int, uint, double, duration",
          .gives = "the type of x",
          .memory = "24 B of int; 40 B of double, and 272 B where values lie beyond 2^54 or have bits below 2^-72",
          .columns = 1,
          .columns_min = 1,
          .maker = make};
}

}  // namespace tidemark
