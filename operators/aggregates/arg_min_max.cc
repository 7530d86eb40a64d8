// arg_min(x, by) and arg_max(x, by): the x of the row whose `by` is the least or the greatest, of the rows where neither
// is null; of several such rows the first in event order. Null over nothing.
#include "operators/aggregates/event_place.h"
#include "operators/aggregates/functions.h"
#include "operators/aggregates/value_kinds.h"

namespace tidemark {
namespace {

template <class V, class B, bool kGreatest>
class ArgExtreme : public Aggregate {
 public:
  ArgExtreme(Type type, const TopicTable& topics) : type_(std::move(type)), topics_(topics) {}
  std::string_view name() const override { return kGreatest ? "arg_max" : "arg_min"; }
  Type result_type() const override { return type_; }
  bool result_nullable() const override { return true; }
  size_t state_size() const override { return sizeof(State); }
  void create(std::byte* state) const override { state_of(state) = State{}; }
  void add(const AddInput& in) const override {
    const BatchPlaces places(in.batch, topics_);
    for (size_t i = 0; i < in.rows.size(); ++i) {
      const uint32_t row = in.rows[i];
      if (!in.arg->valid[row] || !in.by->valid[row]) continue;
      take(state_of(in.states[i]), B::read(*in.by, row), places[row], V::read(*in.arg, row), in.heap);
    }
  }
  void merge(std::byte* into, const std::byte* from, Arena& heap) const override {
    const State& other = state_of(from);
    if (other.seen) take(state_of(into), B::view(other.by), other.place, V::view(other.value), heap);
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
    B::encode(B::view(s.by), writer);
    PlaceCodec::encode(s.place, writer);
    V::encode(V::view(s.value), writer);
  }
  bool decode(ByteReader& in, std::byte* state, Arena& heap) const override {
    create(state);
    const auto seen = in.fixed<uint8_t>();
    if (seen > 1) return false;
    if (seen == 0) return in.ok();
    const auto by = B::decode(in);
    const EventPlace place = codec_.decode(in);
    const auto value = V::decode(in);
    if (!in.ok()) return false;
    take(state_of(state), by, place, value, heap);
    return true;
  }

 private:
  struct State {
    uint64_t seen;
    EventPlace place;
    typename B::Stored by;
    typename V::Stored value;
  };
  static State& state_of(std::byte* state) { return *reinterpret_cast<State*>(state); }
  static const State& state_of(const std::byte* state) { return *reinterpret_cast<const State*>(state); }
  static bool better(typename B::View a, typename B::View b) { return kGreatest ? B::less(b, a) : B::less(a, b); }
  static void take(State& s, typename B::View by, const EventPlace& place, typename V::View v, Arena& heap) {
    if (s.seen && !better(by, B::view(s.by)) && (better(B::view(s.by), by) || !(place < s.place))) return;
    B::store(s.by, by, heap);
    V::store(s.value, v, heap);
    s.place = place;
    s.seen = 1;
  }

  Type type_;
  const TopicTable& topics_;
  PlaceCodec codec_;
};

template <class V>
class MinByNumber final : public ArgExtreme<V, RankValue, false> {
  using ArgExtreme<V, RankValue, false>::ArgExtreme;
};
template <class V>
class MinByText final : public ArgExtreme<V, TextValue, false> {
  using ArgExtreme<V, TextValue, false>::ArgExtreme;
};
template <class V>
class MaxByNumber final : public ArgExtreme<V, RankValue, true> {
  using ArgExtreme<V, RankValue, true>::ArgExtreme;
};
template <class V>
class MaxByText final : public ArgExtreme<V, TextValue, true> {
  using ArgExtreme<V, TextValue, true>::ArgExtreme;
};

template <template <class> class ByNumber, template <class> class ByText>
Result<std::unique_ptr<const Aggregate>> make(std::string_view signature, const AggregateArgs& args) {
  const Type& by = args.columns[1];
  const bool text = by.kind == TypeKind::kString || by.kind == TypeKind::kBytes;
  if (!text && !RankValue::fits(by)) return refuse_argument(signature, "a `by` of " + std::string(kOrderedTypes), by);
  const Type& type = args.columns[0];
  auto aggregate = text ? make_for_type<ByText>(type, args.topics) : make_for_type<ByNumber>(type, args.topics);
  if (!aggregate) return refuse_argument(signature, kOrderedTypes, type);
  return aggregate;
}

constexpr std::string_view kMemory = "56 B, and for each text 8 B and up to twice the text";

}  // namespace

AggregateFunction arg_min_function() {
  return {.name = "arg_min",
          .signature = "arg_min(x, by)",
          .doc = "The x of the row with the least `by`, of the rows where neither is null; of several the first by "
                 "event time, topic, partition and offset. A NaN is greater than all numbers. Null over nothing.",
          .takes = kOrderedTypes,
          .gives = "the type of x",
          .memory = kMemory,
          .columns = 2,
          .columns_min = 2,
          .make = [](const AggregateArgs& args) { return make<MinByNumber, MinByText>("arg_min(x, by)", args); }};
}

AggregateFunction arg_max_function() {
  return {.name = "arg_max",
          .signature = "arg_max(x, by)",
          .doc = "The x of the row with the greatest `by`, of the rows where neither is null; of several the first by "
                 "event time, topic, partition and offset. A NaN is greater than all numbers. Null over nothing.",
          .takes = kOrderedTypes,
          .gives = "the type of x",
          .memory = kMemory,
          .columns = 2,
          .columns_min = 2,
          .make = [](const AggregateArgs& args) { return make<MaxByNumber, MaxByText>("arg_max(x, by)", args); }};
}

}  // namespace tidemark
