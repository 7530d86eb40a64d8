// approx_distinct(x): about how many different values there were, by HyperLogLog over hashes of the values. Knows no
// estimate; the sketch does.
#include "operators/aggregates/algebra.h"
#include "operators/aggregates/functions.h"
#include "operators/aggregates/hyper_log_log.h"
#include "operators/aggregates/value_kinds.h"

namespace tidemark {
namespace {

template <class V>
struct ApproxDistinct : Algebra {
  using State = HyperLogLog;
  static constexpr std::string_view kName = "approx_distinct";

  Type result_type() const { return TypeKind::kInt; }
  void add(const AddInput& in) const {
    for_each_value<HyperLogLog>(
        in, [&](HyperLogLog& s, uint32_t row) { s.add(V::hash(V::read(*in.arg, row)), in.heap); });
  }
  void merge(HyperLogLog& into, const HyperLogLog& from, Arena& heap) const { into.merge(from, heap); }
  bool result(const HyperLogLog& s, Column& out, size_t row, Arena&) const {
    const uint64_t estimate = s.estimate();
    out.valid[row] = estimate > 0;
    out.ints[row] = static_cast<int64_t>(estimate);
    return true;
  }
  void encode(const HyperLogLog& s, std::string& out) const { s.encode(out); }
  bool decode(ByteReader& in, HyperLogLog& s, Arena& heap) const { return s.decode(in, heap); }
};

MadeAggregate make(const AggregateArgs& args) {
  return make_matching(args, []<class V>(V) { return make_aggregate<ApproxDistinct<V>>(); });
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
          .maker = make};
}

}  // namespace tidemark
