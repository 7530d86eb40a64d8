// top_k(x, k[, bound]): the k most frequent values with their counts, exact as long as there are no more different values
// than the bound; beyond it no answer is given, and that is counted. approx_top_k(x, k[, bound]) goes on: where there are
// more values than the bound it forgets rare ones, and its answer may then depend on the order of rows.
//
// What is forgotten follows J. Misra and D. Gries, "Finding repeated elements", Science of Computer Programming 2 (1982),
// merged as in P. K. Agarwal et al., "Mergeable summaries", PODS 2012: a count is too low by at most what was taken off
// all counts, which is less than the rows divided by half the bound.
#include <algorithm>
#include <span>
#include <vector>

#include "operators/aggregates/algebra.h"
#include "operators/aggregates/functions.h"
#include "operators/aggregates/value_table.h"

namespace tidemark {
namespace {

constexpr double kMostValues = 1'000;
constexpr double kBound = 10'000;
constexpr double kLargestBound = 1'000'000;

template <class V, bool kApproximate>
class TopK : public Algebra {
 public:
  using Entry = typename ValueTable<V, Count>::Entry;
  struct State {
    ValueTable<V, Count> values;
    uint64_t beyond;  // 1: there were more values than the bound
  };
  static constexpr std::string_view kName = kApproximate ? "approx_top_k" : "top_k";
  static constexpr bool kCanOverflow = !kApproximate;

  explicit TopK(const AggregateArgs& args)
      : type_(args.columns[0]),
        result_type_(Type::list_of(entry_type())),
        k_(args.whole(0)),
        bound_(args.whole(1)) {}
  Type result_type() const { return result_type_; }
  void add(const AddInput& in) const {
    for_each_value<State>(in, [&](State& s, uint32_t row) { take(s, V::read(*in.arg, row), 1, in.heap); });
  }
  void merge(State& into, const State& from, Arena& heap) const {
    if (from.beyond) pass_bound(into);
    for (uint32_t i = 0; i < from.values.size(); ++i) {
      take(into, V::view(from.values[i].value), from.values[i].count, heap);
    }
  }
  bool result(const State& s, Column& out, size_t row, Arena& arena) const {
    if (s.beyond && !kApproximate) return false;
    if (s.values.size() == 0) return true;
    set_list(out, row, most_frequent(s, arena), arena, [this](const Entry* e, std::string& json) {
      json += "{\"value\":";
      append_value_json(type_.kind, V::view(e->value), json);
      json += ",\"count\":";
      append_value_json(TypeKind::kUint, static_cast<int64_t>(e->count), json);
      json += '}';
    });
    return true;
  }
  void encode(const State& s, std::string& out) const {
    ByteWriter writer(out);
    writer.fixed(static_cast<uint8_t>(s.beyond));
    writer.varint(s.values.size());
    for (uint32_t i = 0; i < s.values.size(); ++i) {
      V::encode(V::view(s.values[i].value), writer);
      writer.varint(s.values[i].count);
    }
  }
  bool decode(ByteReader& in, State& s, Arena& heap) const {
    const auto beyond = in.fixed<uint8_t>();
    const uint64_t n = in.varint();
    if (!in.ok() || beyond > 1 || n > in.rest().size()) return false;
    if (beyond == 1) pass_bound(s);
    for (uint64_t i = 0; i < n; ++i) {
      const auto value = V::decode(in);
      const uint64_t count = in.varint();
      if (!in.ok() || count == 0) return false;
      take(s, value, count, heap);
    }
    return true;
  }

 private:
  static Type entry_type() {
    Type map(TypeKind::kMap);
    map.key = std::make_shared<const Type>(TypeKind::kString);
    map.element = std::make_shared<const Type>(TypeKind::kDyn);
    return map;
  }
  static bool more_frequent(const Entry* a, const Entry* b) {
    if (a->count != b->count) return a->count > b->count;
    return V::less(V::view(a->value), V::view(b->value));
  }

  static void pass_bound(State& s) {
    if (!kApproximate) s.values.clear();
    s.beyond = 1;
  }
  void take(State& s, typename V::View v, uint64_t count, Arena& heap) const {
    if (s.beyond && !kApproximate) return;
    if (Entry* known = s.values.find(v)) {
      known->count += count;
      return;
    }
    if (s.values.size() == bound_) {
      pass_bound(s);
      if (!kApproximate) return;
      forget_rare(s);
    }
    s.values.insert(v, heap).count = count;
  }
  // Takes the median count off all counts, which leaves room for half of the bound.
  void forget_rare(State& s) const {
    std::vector<uint64_t> counts(s.values.size());
    for (uint32_t i = 0; i < counts.size(); ++i) counts[i] = s.values[i].count;
    const auto median = counts.begin() + static_cast<ptrdiff_t>(counts.size() / 2);
    std::ranges::nth_element(counts, median);
    s.values.keep_if([&](Entry& e) {
      const bool stays = e.count > *median;
      e.count -= std::min(e.count, *median);
      return stays;
    });
  }
  // In order; a heap of the k best so far, the least of them in front.
  std::span<const Entry*> most_frequent(const State& s, Arena& arena) const {
    const size_t room = std::min<size_t>(k_, s.values.size());
    const std::span best(reinterpret_cast<const Entry**>(arena.allocate(room * sizeof(Entry*))), room);
    size_t n = 0;
    for (uint32_t i = 0; i < s.values.size(); ++i) {
      const Entry* const e = &s.values[i];
      if (n == room) {
        if (!more_frequent(e, best[0])) continue;
        std::ranges::pop_heap(best, more_frequent);
        best[n - 1] = e;
      } else {
        best[n++] = e;
      }
      std::ranges::push_heap(best.first(n), more_frequent);
    }
    std::ranges::sort_heap(best, more_frequent);
    return best;
  }

  Type type_;
  Type result_type_;
  size_t k_;
  size_t bound_;
};

template <bool kApproximate>
MadeAggregate make(const AggregateArgs& args) {
  return make_matching(args, [&]<class V>(V) { return make_aggregate<TopK<V, kApproximate>>(args); });
}

}  // namespace

AggregateFunction top_k_function() {
  return {.name = "top_k",
          .signature = "top_k(x, k)",
          .doc = "The k most frequent values that are not null, up to 1000, as a list of `{value, count}`, most "
                 "frequent first, ties by value; -0.0 is 0.0. Exact: for more than 10000 different values, or than "
                 "`bound` in `top_k(x, k, bound)`, it is null and counts as a result error; `approx_top_k` goes on. "
                 "Null over nothing.",
          .takes = kOrderedTypes,
          .gives = "list",
          .memory = "32 B, and up to 96 B a value; of text up to 128 B and twice the text",
          .columns = 1,
          .columns_min = 1,
          .maker = make<false>,
          .parameters = {{.name = "k", .least = 1, .most = kMostValues, .whole = true},
                         {.name = "bound", .least = 1, .most = kLargestBound, .whole = true, .otherwise = kBound}}};
}

AggregateFunction approx_top_k_function() {
  return twin_of(top_k_function(), "approx_top_k", "approx_top_k(x, k)",
                 "As `top_k` up to its bound (10000, or `bound` in `approx_top_k(x, k, bound)`). With more different "
                 "values it forgets rare ones: a count is then too low by less than the rows divided by half the "
                 "bound, and, alone of all aggregates, the result may depend on the order of rows: a restart or a "
                 "backfill may give another one.",
                 make<true>);
}

}  // namespace tidemark
