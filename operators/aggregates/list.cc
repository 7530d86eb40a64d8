// list(x, max): the first `max` values that are not null, in event order. A state holds no more than these, as a heap with
// the last of them in front, which gives its place to an earlier one. Knows what first(x) and last(x) know of order.
#include <algorithm>
#include <span>

#include "operators/aggregates/event_place.h"
#include "operators/aggregates/functions.h"
#include "operators/aggregates/value_kinds.h"

namespace tidemark {
namespace {

constexpr double kMostValues = 10'000;

template <class V>
class List final : public Aggregate {
 public:
  List(const Type& type, size_t max, const TopicTable& topics)
      : type_(type), result_type_(Type::list_of(type)), max_(static_cast<uint32_t>(max)), topics_(topics) {}
  std::string_view name() const override { return "list"; }
  Type result_type() const override { return result_type_; }
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
    for (const Entry& e : entries_of(state_of(from))) take(state_of(into), e.place, V::view(e.value), heap);
  }
  bool result(const std::byte* state, Column& out, size_t row, Arena& arena) const override {
    const auto entries = entries_of(state_of(state));
    if (entries.empty()) return true;
    const size_t n = entries.size();
    const std::span sorted(reinterpret_cast<const Entry**>(arena.allocate(n * sizeof(Entry*))), n);
    std::ranges::transform(entries, sorted.begin(), [](const Entry& e) { return &e; });
    std::ranges::sort(sorted, [](const Entry* a, const Entry* b) { return a->place < b->place; });
    std::string json;
    for (const Entry* e : sorted) {
      json += json.empty() ? '[' : ',';
      append_value_json(type_.kind, V::view(e->value), json);
    }
    json += ']';
    out.valid[row] = 1;
    out.strings[row] = arena.copy(json);
    return true;
  }
  void encode(const std::byte* state, std::string& out) const override {
    ByteWriter writer(out);
    writer.varint(state_of(state).size);
    for (const Entry& e : entries_of(state_of(state))) {
      PlaceCodec::encode(e.place, writer);
      V::encode(V::view(e.value), writer);
    }
  }
  bool decode(ByteReader& in, std::byte* state, Arena& heap) const override {
    create(state);
    const uint64_t n = in.varint();
    if (!in.ok() || n > max_) return false;
    for (uint64_t i = 0; i < n; ++i) {
      const EventPlace place = codec_.decode(in);
      const auto value = V::decode(in);
      if (!in.ok()) return false;
      take(state_of(state), place, value, heap);
    }
    return true;
  }

 private:
  struct Entry {
    EventPlace place;
    typename V::Stored value;
  };
  struct State {
    Entry* entries;  // a heap by place
    uint32_t size;
    uint32_t capacity;
  };
  static State& state_of(std::byte* state) { return *reinterpret_cast<State*>(state); }
  static const State& state_of(const std::byte* state) { return *reinterpret_cast<const State*>(state); }
  static std::span<const Entry> entries_of(const State& s) { return {s.entries, s.size}; }
  static bool earlier(const Entry& a, const Entry& b) { return a.place < b.place; }

  void take(State& s, const EventPlace& place, typename V::View v, Arena& heap) const {
    Entry* const begin = s.entries;
    if (s.size == max_) {
      if (!(place < begin->place)) return;
      std::pop_heap(begin, begin + s.size, earlier);  // its text's room serves the new value
      --s.size;
    }
    if (s.size == s.capacity) grow(s, heap);
    Entry& e = s.entries[s.size++];
    V::store(e.value, v, heap);
    e.place = place;
    std::push_heap(s.entries, s.entries + s.size, earlier);
  }
  void grow(State& s, Arena& heap) const {
    const uint32_t capacity = std::min(max_, s.capacity == 0 ? 4 : 2 * s.capacity);
    auto* const entries = reinterpret_cast<Entry*>(heap.allocate(capacity * sizeof(Entry)));
    std::copy_n(s.entries, s.size, entries);
    std::fill(entries + s.size, entries + capacity, Entry{});
    s.entries = entries;
    s.capacity = capacity;
  }

  Type type_;
  Type result_type_;
  uint32_t max_;
  const TopicTable& topics_;
  PlaceCodec codec_;
};

Result<std::unique_ptr<const Aggregate>> make(const AggregateArgs& args) {
  auto aggregate = make_for_type<List>(args.columns[0], args.whole(0), args.topics);
  if (!aggregate) return refuse_argument("list(x, max)", kOrderedTypes, args.columns[0]);
  return aggregate;
}

}  // namespace

AggregateFunction list_function() {
  return {.name = "list",
          .signature = "list(x, max)",
          .doc = "The first `max` values that are not null, up to 10000, by event time; ties go by topic, partition and "
                 "offset. Timestamps in it are RFC 3339. Null over nothing.",
          .takes = kOrderedTypes,
          .gives = "list of the type of x",
          .memory = "16 B, and up to 160 B a value; of text up to 192 B and twice the text",
          .columns = 1,
          .columns_min = 1,
          .make = make,
          .parameters = {{.name = "max", .least = 1, .most = kMostValues, .whole = true}}};
}

}  // namespace tidemark
