// approx_distinct(x): about how many different values there were, by HyperLogLog over hashes of the values. Knows no
// estimate; the sketch does.
#include "operators/aggregates/functions.h"
#include "operators/aggregates/hyper_log_log.h"
#include "operators/aggregates/value_kinds.h"

namespace tidemark {
namespace {

template <class V>
class ApproxDistinct final : public Aggregate {
 public:
  explicit ApproxDistinct(const Type&) {}
  std::string_view name() const override { return "approx_distinct"; }
  Type result_type() const override { return TypeKind::kInt; }
  bool result_nullable() const override { return true; }
  size_t state_size() const override { return sizeof(HyperLogLog); }
  void create(std::byte* state) const override { state_of(state) = HyperLogLog{}; }
  void add(const AddInput& in) const override {
    for (size_t i = 0; i < in.rows.size(); ++i) {
      const uint32_t row = in.rows[i];
      if (in.arg->valid[row]) state_of(in.states[i]).add(V::hash(V::read(*in.arg, row)), in.heap);
    }
  }
  void merge(std::byte* into, const std::byte* from, Arena& heap) const override {
    state_of(into).merge(state_of(from), heap);
  }
  bool result(const std::byte* state, Column& out, size_t row, Arena&) const override {
    const uint64_t estimate = state_of(state).estimate();
    out.valid[row] = estimate > 0;
    out.ints[row] = static_cast<int64_t>(estimate);
    return true;
  }
  void encode(const std::byte* state, std::string& out) const override { state_of(state).encode(out); }
  bool decode(ByteReader& in, std::byte* state, Arena& heap) const override { return state_of(state).decode(in, heap); }

 private:
  static HyperLogLog& state_of(std::byte* state) { return *reinterpret_cast<HyperLogLog*>(state); }
  static const HyperLogLog& state_of(const std::byte* state) { return *reinterpret_cast<const HyperLogLog*>(state); }
};

Result<std::unique_ptr<const Aggregate>> make(const AggregateArgs& args) {
  auto aggregate = make_for_value<ApproxDistinct>(args.columns[0]);
  if (!aggregate) return refuse_argument("approx_distinct(x)", kOrderedTypes, args.columns[0]);
  return aggregate;
}

}  // namespace

AggregateFunction approx_distinct_function() {
  return {.name = "approx_distinct",
          .signature = "approx_distinct(x)",
          .doc = "About how many different values that are not null there were, by HyperLogLog with 8192 registers: a "
                 "standard error of 1.15%, and practically exact up to 768 values. Null over nothing.",
          .takes = kOrderedTypes,
          .gives = "int",
          .memory = "24 B, up to 8 B a value, and 16 KiB at most",
          .columns = 1,
          .columns_min = 1,
          .make = make};
}

}  // namespace tidemark
