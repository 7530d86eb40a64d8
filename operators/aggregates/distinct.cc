// distinct(x[, bound]): exactly how many different values there were, as long as they are no more than the bound; beyond
// it no answer is given, and that is counted. Whether the bound was passed depends on the values alone, not on order.
#include "operators/aggregates/algebra.h"
#include "operators/aggregates/functions.h"
#include "operators/aggregates/value_table.h"

namespace tidemark {
namespace {

constexpr double kBound = 100'000;
constexpr double kLargestBound = 10'000'000;

template <class V>
class Distinct : public Algebra {
 public:
  struct State {
    ValueTable<V, NoCount> values;
    uint64_t beyond;  // 1: there were more values than the bound, and they are forgotten
  };
  static constexpr std::string_view kName = "distinct";
  static constexpr bool kCanOverflow = true;

  explicit Distinct(const AggregateArgs& args) : bound_(args.whole(0)) {}
  Type result_type() const { return TypeKind::kInt; }
  void add(const AddInput& in) const {
    for_each_value<State>(in, [&](State& s, uint32_t row) { take(s, V::read(*in.arg, row), in.heap); });
  }
  void merge(State& into, const State& from, Arena& heap) const {
    if (from.beyond) pass_bound(into);
    for (uint32_t i = 0; i < from.values.size() && !into.beyond; ++i) take(into, V::view(from.values[i].value), heap);
  }
  bool result(const State& s, Column& out, size_t row, Arena&) const {
    if (s.beyond) return false;
    if (s.values.size() == 0) return true;
    out.valid[row] = 1;
    out.ints[row] = s.values.size();
    return true;
  }
  void encode(const State& s, std::string& out) const {
    ByteWriter writer(out);
    writer.fixed(static_cast<uint8_t>(s.beyond));
    writer.varint(s.values.size());
    for (uint32_t i = 0; i < s.values.size(); ++i) V::encode(V::view(s.values[i].value), writer);
  }
  bool decode(ByteReader& in, State& s, Arena& heap) const {
    const auto beyond = in.fixed<uint8_t>();
    const uint64_t n = in.varint();
    if (!in.ok() || beyond > 1 || n > in.rest().size() || (beyond == 1 && n > 0)) return false;
    if (beyond == 1) pass_bound(s);
    for (uint64_t i = 0; i < n; ++i) {
      const auto value = V::decode(in);
      if (!in.ok()) return false;
      take(s, value, heap);
    }
    return true;
  }

 private:
  static void pass_bound(State& s) {
    s.values.clear();
    s.beyond = 1;
  }
  void take(State& s, typename V::View v, Arena& heap) const {
    if (s.beyond || s.values.find(v) != nullptr) return;
    if (s.values.size() == bound_) return pass_bound(s);
    s.values.insert(v, heap);
  }

  size_t bound_;
};

MadeAggregate make(const AggregateArgs& args) {
  return make_matching(args, [&]<class V>(V) { return make_aggregate<Distinct<V>>(args); });
}

}  // namespace

AggregateFunction distinct_function() {
  return {.name = "distinct",
          .signature = "distinct(x)",
          .doc = "The exact number of different values that are not null; -0.0 is 0.0, and NaN is one value. For more than "
                 "100000 of them, or than `bound` in `distinct(x, bound)`, it is null and counts as a result error: take "
                 "`approx_distinct` there. Null over nothing.",
          .takes = kOrderedTypes,
          .gives = "int",
          .memory = "32 B, and up to 64 B a value; of text up to 96 B and twice the text",
          .columns = 1,
          .columns_min = 1,
          .maker = make,
          .parameters = {{.name = "bound", .least = 1, .most = kLargestBound, .whole = true, .otherwise = kBound}}};
}

}  // namespace tidemark
