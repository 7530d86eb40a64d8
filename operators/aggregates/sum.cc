// sum(x): exact in 128 bits for integers and durations, judged when the row is made; the correctly rounded exact sum for
// doubles. Null over nothing.
#include <limits>

#include "operators/aggregates/functions.h"
#include "operators/aggregates/numeric_sums.h"
#include "operators/aggregates/value_kinds.h"

namespace tidemark {
namespace {

template <bool kUnsigned>
class SumOfInts final : public SumAggregate<IntSum<kUnsigned>> {
 public:
  explicit SumOfInts(Type type) : type_(std::move(type)) {}
  std::string_view name() const override { return "sum"; }
  Type result_type() const override { return type_; }
  bool can_overflow() const override { return true; }
  bool result(const std::byte* state, Column& out, size_t row, Arena&) const override {
    using Int = std::conditional_t<kUnsigned, uint64_t, int64_t>;
    const auto& sum = this->state_of(state);
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

class SumOfDoubles final : public SumAggregate<DoubleSum> {
 public:
  std::string_view name() const override { return "sum"; }
  Type result_type() const override { return TypeKind::kDouble; }
  bool result(const std::byte* state, Column& out, size_t row, Arena&) const override {
    if (state_of(state).count == 0) return true;
    out.valid[row] = 1;
    out.doubles[row] = state_of(state).rounded();
    return true;
  }
};

Result<std::unique_ptr<const Aggregate>> make(const AggregateArgs& args) {
  const Type& type = args.columns[0];
  switch (type.kind) {
    case TypeKind::kInt:
    case TypeKind::kDuration: return std::make_unique<const SumOfInts<false>>(type);
    case TypeKind::kUint: return std::make_unique<const SumOfInts<true>>(type);
    case TypeKind::kDouble: return std::make_unique<const SumOfDoubles>();
    case TypeKind::kNull:
    case TypeKind::kBool:
    case TypeKind::kString:
    case TypeKind::kBytes:
    case TypeKind::kTimestamp:
    case TypeKind::kList:
    case TypeKind::kMap:
    case TypeKind::kDyn: return refuse_argument("sum(x)", "int, uint, double or duration", type);
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
          .make = make};
}

}  // namespace tidemark
