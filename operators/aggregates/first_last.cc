// first(x) and last(x): the value that is not null of the first or last row in event order: event time, then the
// topic's name, partition and offset. Knows source rows only: rows behind a window have no offsets to order them by.
#include "base/check.h"
#include "operators/aggregates/functions.h"
#include "operators/aggregates/value_kinds.h"

namespace tidemark {
namespace {

// Where a row stands in event order. The topic's name lies in a TopicTable.
struct Place {
  int64_t event_us;
  int64_t offset;
  const char* topic;
  uint32_t topic_size;
  int32_t partition;

  std::string_view topic_name() const { return {topic, topic_size}; }
};

bool before(const Place& a, const Place& b) {
  if (a.event_us != b.event_us) return a.event_us < b.event_us;
  if (a.topic != b.topic) {
    const int order = a.topic_name().compare(b.topic_name());
    if (order != 0) return order < 0;
  }
  if (a.partition != b.partition) return a.partition < b.partition;
  return a.offset < b.offset;
}

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
    const Batch& batch = in.batch;
    CHECK_OR_DIE(batch.offsets.size() == batch.rows, "first and last need rows of a source");
    const std::string_view topic = topics_.name_of(batch.topic);
    for (size_t i = 0; i < in.rows.size(); ++i) {
      const uint32_t row = in.rows[i];
      if (!in.arg->valid[row]) continue;
      const Place place{batch.event_times[row].us, batch.offsets[row], topic.data(),
                        static_cast<uint32_t>(topic.size()), batch.partition};
      take(state_of(in.states[i]), place, V::read(*in.arg, row), in.heap);
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
    writer.fixed(s.place.event_us);
    writer.text(s.place.topic_name());
    writer.fixed(s.place.partition);
    writer.fixed(s.place.offset);
    V::encode(V::view(s.value), writer);
  }
  bool decode(ByteReader& in, std::byte* state, Arena& heap) const override {
    create(state);
    const auto seen = in.fixed<uint8_t>();
    if (seen > 1) return false;
    if (seen == 0) return in.ok();
    Place place{};
    place.event_us = in.fixed<int64_t>();
    const std::string_view topic = in.text();
    place.partition = in.fixed<int32_t>();
    place.offset = in.fixed<int64_t>();
    const auto value = V::decode(in);
    if (!in.ok()) return false;
    const std::string_view kept = stored_topics_.name_of(stored_topics_.number_of(topic));
    place.topic = kept.data();
    place.topic_size = static_cast<uint32_t>(kept.size());
    take(state_of(state), place, value, heap);
    return true;
  }

 private:
  struct State {
    uint64_t seen;
    Place place;
    typename V::Stored value;
  };
  static State& state_of(std::byte* state) { return *reinterpret_cast<State*>(state); }
  static const State& state_of(const std::byte* state) { return *reinterpret_cast<const State*>(state); }
  static void take(State& s, const Place& place, typename V::View v, Arena& heap) {
    if (s.seen && !(kLast ? before(s.place, place) : before(place, s.place))) return;
    V::store(s.value, v, heap);
    s.place = place;
    s.seen = 1;
  }

  Type type_;
  const TopicTable& topics_;
  // Names read back from durable states, each kept once so that states can point to it; thread-safe in itself.
  mutable TopicTable stored_topics_;
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
Result<std::unique_ptr<const Aggregate>> make(std::string_view signature, const Type& type, const TopicTable& topics) {
  auto aggregate = make_for_type<A>(type, topics);
  if (!aggregate) return refuse_argument(signature, kOrderedTypes, type);
  return aggregate;
}

}  // namespace

AggregateFunction first_function() {
  return {"first", "first(x)",
          "The first value that is not null, by event time; ties go by topic, partition and offset. Null over nothing.",
          1, 1, [](std::span<const Type> args, const TopicTable& topics) { return make<First>("first(x)", args[0], topics); }};
}

AggregateFunction last_function() {
  return {"last", "last(x)",
          "The last value that is not null, by event time; ties go by topic, partition and offset. Null over nothing.",
          1, 1, [](std::span<const Type> args, const TopicTable& topics) { return make<Last>("last(x)", args[0], topics); }};
}

}  // namespace tidemark
