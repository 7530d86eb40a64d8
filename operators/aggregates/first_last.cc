// first(x) and last(x): the value that is not null of the first or last row in event order. Null over nothing.
#include "operators/aggregates/event_place.h"
#include "operators/aggregates/functions.h"
#include "operators/aggregates/value_kinds.h"

namespace tidemark {
namespace {

template <class V, bool kLast>
class Edge : public Aggregate {
 public:
  Edge(Type type, const TopicTable& topics) : type_(std::move(type)), topics_(topics) {}
  std::string_view name() const override { return kLast ? "last" : "first"; }
  Type result_type() const override { return type_; }
  bool result_nullable() const override { return true; }
  size_t state_size() const override { return sizeof(State); }
  void create(std::byte* state) const override { state_of(state) = State{}; }
  void add(const AddInput& in) const override {
    const BatchPlaces places(in.batch, topics_);
    for (size_t i = 0; i < in.rows.size(); ++i) {
      const uint32_t row = in.rows[i];
      if (in.arg->valid[row]) take(state_of(in.states[i]), places[row], V::read(*in.arg, row), in.heap);
    }
  }
  void merge(std::byte* into, const std::byte* from, Arena& heap) const override {
    const State& other = state_of(from);
    if (other.seen) take(state_of(into), other.place, V::view(other.value), heap);
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
    if (!s.seen) return;
    PlaceCodec::encode(s.place, writer);
    V::encode(V::view(s.value), writer);
  }
  bool decode(ByteReader& in, std::byte* state, Arena& heap) const override {
    create(state);
    const auto seen = in.fixed<uint8_t>();
    if (seen > 1) return false;
    if (seen == 0) return in.ok();
    const EventPlace place = codec_.decode(in);
    const auto value = V::decode(in);
    if (!in.ok()) return false;
    take(state_of(state), place, value, heap);
    return true;
  }

 private:
  struct State {
    uint64_t seen;
    EventPlace place;
    typename V::Stored value;
  };
  static State& state_of(std::byte* state) { return *reinterpret_cast<State*>(state); }
  static const State& state_of(const std::byte* state) { return *reinterpret_cast<const State*>(state); }
  static void take(State& s, const EventPlace& place, typename V::View v, Arena& heap) {
    if (s.seen && !(kLast ? s.place < place : place < s.place)) return;
    V::store(s.value, v, heap);
    s.place = place;
    s.seen = 1;
  }

  Type type_;
  const TopicTable& topics_;
  PlaceCodec codec_;
};

template <class V>
class First final : public Edge<V, false> {
  using Edge<V, false>::Edge;
};
template <class V>
class Last final : public Edge<V, true> {
  using Edge<V, true>::Edge;
};

template <template <class> class A>
Result<std::unique_ptr<const Aggregate>> make(std::string_view signature, const AggregateArgs& args) {
  auto aggregate = make_for_type<A>(args.columns[0], args.topics);
  if (!aggregate) return refuse_argument(signature, kOrderedTypes, args.columns[0]);
  return aggregate;
}

}  // namespace

AggregateFunction first_function() {
  return {.name = "first",
          .signature = "first(x)",
          .doc = "The first value that is not null, by event time; ties go by topic, partition and offset. Null "
                 "over nothing.",
          .takes = kOrderedTypes,
          .gives = "the type of x",
          .memory = "48 B; of text 56 B and the text",
          .columns = 1,
          .columns_min = 1,
          .make = [](const AggregateArgs& args) { return make<First>("first(x)", args); }};
}

AggregateFunction last_function() {
  return {.name = "last",
          .signature = "last(x)",
          .doc = "The last value that is not null, by event time; ties go by topic, partition and offset. Null "
                 "over nothing.",
          .takes = kOrderedTypes,
          .gives = "the type of x",
          .memory = "48 B; of text 56 B and the text",
          .columns = 1,
          .columns_min = 1,
          .make = [](const AggregateArgs& args) { return make<Last>("last(x)", args); }};
}

}  // namespace tidemark
