// distinct(x[, bound]): exactly how many different values there were, as long as they are no more than the bound; beyond
// it no answer is given, and that is counted. Whether the bound was passed depends on the values alone, not on order.
#include "operators/aggregates/functions.h"
#include "operators/aggregates/value_table.h"

namespace tidemark {
namespace {

constexpr double kBound = 100'000;
constexpr double kLargestBound = 10'000'000;

template <class V>
class Distinct final : public Aggregate {
 public:
  Distinct(const Type&, size_t bound) : bound_(bound) {}
  std::string_view name() const override { return "distinct"; }
  Type result_type() const override { return TypeKind::kInt; }
  bool result_nullable() const override { return true; }
  bool can_overflow() const override { return true; }
  size_t state_size() const override { return sizeof(State); }
  void create(std::byte* state) const override { state_of(state) = State{}; }
  void add(const AddInput& in) const override {
    for (size_t i = 0; i < in.rows.size(); ++i) {
      const uint32_t row = in.rows[i];
      if (in.arg->valid[row]) take(state_of(in.states[i]), V::read(*in.arg, row), in.heap);
    }
  }
  void merge(std::byte* into, const std::byte* from, Arena& heap) const override {
    State& s = state_of(into);
    const State& other = state_of(from);
    if (other.beyond) pass_bound(s);
    for (uint32_t i = 0; i < other.values.size() && !s.beyond; ++i) take(s, V::view(other.values[i].value), heap);
  }
  bool result(const std::byte* state, Column& out, size_t row, Arena&) const override {
    const State& s = state_of(state);
    if (s.beyond) return false;
    if (s.values.size() == 0) return true;
    out.valid[row] = 1;
    out.ints[row] = s.values.size();
    return true;
  }
  void encode(const std::byte* state, std::string& out) const override {
    const State& s = state_of(state);
    ByteWriter writer(out);
    writer.fixed(static_cast<uint8_t>(s.beyond));
    writer.varint(s.values.size());
    for (uint32_t i = 0; i < s.values.size(); ++i) V::encode(V::view(s.values[i].value), writer);
  }
  bool decode(ByteReader& in, std::byte* state, Arena& heap) const override {
    create(state);
    const auto beyond = in.fixed<uint8_t>();
    const uint64_t n = in.varint();
    if (!in.ok() || beyond > 1 || n > in.rest().size() || (beyond == 1 && n > 0)) return false;
    State& s = state_of(state);
    if (beyond == 1) pass_bound(s);
    for (uint64_t i = 0; i < n; ++i) {
      const auto value = V::decode(in);
      if (!in.ok()) return false;
      take(s, value, heap);
    }
    return true;
  }

 private:
  struct State {
    ValueTable<V, NoCount> values;
    uint64_t beyond;  // 1: there were more values than the bound, and they are forgotten
  };
  static State& state_of(std::byte* state) { return *reinterpret_cast<State*>(state); }
  static const State& state_of(const std::byte* state) { return *reinterpret_cast<const State*>(state); }
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

Result<std::unique_ptr<const Aggregate>> make(const AggregateArgs& args) {
  auto aggregate = make_for_value<Distinct>(args.columns[0], args.whole(0));
  if (!aggregate) return refuse_argument("distinct(x)", kOrderedTypes, args.columns[0]);
  return aggregate;
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
          .make = make,
          .parameters = {{.name = "bound", .least = 1, .most = kLargestBound, .whole = true, .otherwise = kBound}}};
}

}  // namespace tidemark
