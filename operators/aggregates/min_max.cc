// min(x) and max(x): the least and the greatest value that is not null, in the order of value_kinds.h. Null over nothing.
#include "operators/aggregates/functions.h"
#include "operators/aggregates/value_kinds.h"

namespace tidemark {
namespace {

template <class V, bool kGreatest>
class Extreme : public Aggregate {
 public:
  explicit Extreme(Type type) : type_(std::move(type)) {}
  std::string_view name() const override { return kGreatest ? "max" : "min"; }
  Type result_type() const override { return type_; }
  bool result_nullable() const override { return true; }
  size_t state_size() const override { return sizeof(State); }
  void create(std::byte* state) const override { state_of(state) = State{}; }
  void add(const AddInput& in) const override {
    for (size_t i = 0; i < in.rows.size(); ++i) {
      const uint32_t row = in.rows[i];
      if (in.arg->valid[row]) take(state_of(in.states[i]), V::read(*in.arg, row), in.heap);
    }
  }
  void merge(std::byte* into, const std::byte* from, Arena& heap) const override {
    const State& other = state_of(from);
    if (other.seen) take(state_of(into), V::view(other.value), heap);
  }
  bool result(const std::byte* state, Column& out, size_t row, Arena& arena) const override {
    const State& s = state_of(state);
    if (!s.seen) return true;
    out.valid[row] = 1;
    V::set(out, row, V::view(s.value), arena);
    return true;
  }
  void encode(const std::byte* state, std::string& out) const override {
    const State& s = state_of(state);
    ByteWriter writer(out);
    writer.fixed(static_cast<uint8_t>(s.seen));
    if (s.seen) V::encode(V::view(s.value), writer);
  }
  bool decode(ByteReader& in, std::byte* state, Arena& heap) const override {
    create(state);
    const auto seen = in.fixed<uint8_t>();
    if (seen > 1) return false;
    if (seen == 1) take(state_of(state), V::decode(in), heap);
    return in.ok();
  }

 private:
  struct State {
    uint64_t seen;
    typename V::Stored value;
  };
  static State& state_of(std::byte* state) { return *reinterpret_cast<State*>(state); }
  static const State& state_of(const std::byte* state) { return *reinterpret_cast<const State*>(state); }
  static void take(State& s, typename V::View v, Arena& heap) {
    const bool better = kGreatest ? V::less(V::view(s.value), v) : V::less(v, V::view(s.value));
    if (s.seen && !better) return;
    V::store(s.value, v, heap);
    s.seen = 1;
  }

  Type type_;
};

template <class V>
class Min final : public Extreme<V, false> {
  using Extreme<V, false>::Extreme;
};
template <class V>
class Max final : public Extreme<V, true> {
  using Extreme<V, true>::Extreme;
};

template <template <class> class A>
Result<std::unique_ptr<const Aggregate>> make(std::string_view signature, const AggregateArgs& args) {
  auto aggregate = make_for_type<A>(args.columns[0]);
  if (!aggregate) return refuse_argument(signature, kOrderedTypes, args.columns[0]);
  return aggregate;
}

}  // namespace

AggregateFunction min_function() {
  return {.name = "min",
          .signature = "min(x)",
          .doc = "The least value that is not null; a NaN is greater than all numbers. Null over nothing.",
          .takes = kOrderedTypes,
          .gives = "the type of x",
          .memory = "16 B; of text 24 B and the text",
          .columns = 1,
          .columns_min = 1,
          .make = [](const AggregateArgs& args) { return make<Min>("min(x)", args); }};
}

AggregateFunction max_function() {
  return {.name = "max",
          .signature = "max(x)",
          .doc = "The greatest value that is not null; a NaN is greater than all numbers. Null over nothing.",
          .takes = kOrderedTypes,
          .gives = "the type of x",
          .memory = "16 B; of text 24 B and the text",
          .columns = 1,
          .columns_min = 1,
          .make = [](const AggregateArgs& args) { return make<Max>("max(x)", args); }};
}

}  // namespace tidemark
