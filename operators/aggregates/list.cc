// list(x, max): the first `max` values that are not null, in event order. A state holds no more than these, as a heap with
// the last of them in front, which gives its place to an earlier one. Knows what first(x) and last(x) know of order.
#include <algorithm>
#include <span>

#include "operators/aggregates/algebra.h"
#include "operators/aggregates/event_place.h"
#include "operators/aggregates/functions.h"
#include "operators/aggregates/value_kinds.h"

namespace tidemark {
namespace {

constexpr double kMostValues = 10'000;

template <class V>
class List : public Algebra {
 public:
  using Placed = PlacedValue<V>;
  using Entry = typename Placed::Stored;
  struct State {
    Entry* entries;  // a heap by place
    uint32_t size;
    uint32_t capacity;
  };
  static constexpr std::string_view kName = "list";

  explicit List(const AggregateArgs& args)
      : type_(args.columns[0]),
        result_type_(Type::list_of(type_)),
        max_(static_cast<uint32_t>(args.whole(0))),
        placed_(args) {}
  Type result_type() const { return result_type_; }
  void add(const AddInput& in) const {
    placed_.read(in, [&](const auto& reader) __attribute__((always_inline)) {
      for_each_value<State>(in, [&](State& s, uint32_t row) { take(s, reader[row], in.heap); });
    });
  }
  void merge(State& into, const State& from, Arena& heap) const {
    for (const Entry& e : entries_of(from)) take(into, Placed::view(e), heap);
  }
  bool result(const State& s, Column& out, size_t row, Arena& arena) const {
    const auto entries = entries_of(s);
    if (entries.empty()) return true;
    const size_t n = entries.size();
    const std::span sorted(reinterpret_cast<const Entry**>(arena.allocate(n * sizeof(Entry*))), n);
    std::ranges::transform(entries, sorted.begin(), [](const Entry& e) { return &e; });
    std::ranges::sort(sorted, [](const Entry* a, const Entry* b) { return a->place < b->place; });
    set_list(out, row, sorted, arena, [this](const Entry* e, std::string& json) {
      append_value_json(type_.kind, V::view(e->value), json);
    });
    return true;
  }
  void encode(const State& s, std::string& out) const {
    ByteWriter writer(out);
    writer.varint(s.size);
    for (const Entry& e : entries_of(s)) Placed::encode(Placed::view(e), writer);
  }
  bool decode(ByteReader& in, State& s, Arena& heap) const {
    const uint64_t n = in.varint();
    if (!in.ok() || n > max_) return false;
    for (uint64_t i = 0; i < n; ++i) {
      const auto value = placed_.decode(in);
      if (!in.ok()) return false;
      take(s, value, heap);
    }
    return true;
  }

 private:
  static std::span<const Entry> entries_of(const State& s) { return {s.entries, s.size}; }
  static bool earlier(const Entry& a, const Entry& b) { return a.place < b.place; }

  void take(State& s, const typename Placed::View& value, Arena& heap) const {
    Entry* const begin = s.entries;
    if (s.size == max_) {
      if (!(value.place < begin->place)) return;
      std::pop_heap(begin, begin + s.size, earlier);  // its text's room serves the new value
      --s.size;
    }
    if (s.size == s.capacity) grow(s, heap);
    Placed::store(s.entries[s.size++], value, heap);
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
  Placed placed_;
};

MadeAggregate make(const AggregateArgs& args) {
  return make_ordered(args, [&]<class V>(V) { return make_aggregate<List<V>>(args); });
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
          .maker = make,
          .parameters = {{.name = "max", .least = 1, .most = kMostValues, .whole = true}}};
}

}  // namespace tidemark
