// arg_min(x, by) and arg_max(x, by): the x of the row whose `by` is the least or the greatest, of the rows where neither
// is null; of several such rows the first in event order. Null over nothing.
#include "operators/aggregates/chosen_row.h"
#include "operators/aggregates/event_place.h"
#include "operators/aggregates/functions.h"
#include "operators/aggregates/value_kinds.h"

namespace tidemark {
namespace {

// `B` is the kind of `by`.
template <class V, class B, bool kGreatest>
class ArgExtreme {
 public:
  using Placed = PlacedValue<V>;
  struct View {
    typename B::View by;
    typename Placed::View x;
  };
  struct Stored {
    typename B::Stored by;
    typename Placed::Stored x;
  };
  template <class Xs>
  struct Reader {
    const Xs& xs;
    const Column* by;
    bool has(uint32_t row) const { return xs.has(row) && by->valid[row]; }
    View operator[](uint32_t row) const { return {B::read(*by, row), xs[row]}; }
  };
  static constexpr std::string_view kName = kGreatest ? "arg_max" : "arg_min";

  explicit ArgExtreme(const AggregateArgs& args) : placed_(args) {}
  template <class Body>
  [[gnu::always_inline]] void read(const AddInput& in, Body body) const {
    placed_.read(in, [&](const auto& xs) __attribute__((always_inline)) {
      body(Reader<std::remove_cvref_t<decltype(xs)>>{xs, in.by});
    });
  }
  static void set(Column& c, size_t row, const View& v, Arena& arena) { Placed::set(c, row, v.x, arena); }
  static void store(Stored& s, const View& v, Arena& heap) {
    B::store(s.by, v.by, heap);
    Placed::store(s.x, v.x, heap);
  }
  static View view(const Stored& s) { return {B::view(s.by), Placed::view(s.x)}; }
  static bool better(const View& row, const Stored& than) {
    const auto by = B::view(than.by);
    return before(row.by, by) || (!before(by, row.by) && row.x.place < than.x.place);
  }
  static void encode(const View& v, ByteWriter& out) {
    B::encode(v.by, out);
    Placed::encode(v.x, out);
  }
  View decode(ByteReader& in) const {
    const auto by = B::decode(in);
    return {by, placed_.decode(in)};
  }

 private:
  static bool before(typename B::View a, typename B::View b) { return kGreatest ? B::less(b, a) : B::less(a, b); }

  Placed placed_;
};

template <bool kGreatest>
MadeAggregate make(const AggregateArgs& args) {
  const Type& by = args.columns[1];
  const bool text = by.kind == TypeKind::kString || by.kind == TypeKind::kBytes;
  if (!text && !RankValue::fits(by)) return refuse_argument("a `by` of " + std::string(kOrderedTypes), by);
  return make_kept(args, [&]<class V>(V) {
    return text ? make_aggregate<ChosenRow<ArgExtreme<V, TextValue, kGreatest>>>(args)
                : make_aggregate<ChosenRow<ArgExtreme<V, RankValue, kGreatest>>>(args);
  });
}

}  // namespace

AggregateFunction arg_min_function() {
  return {.name = "arg_min",
          .signature = "arg_min(x, by)",
          .doc = "The x of the row with the least `by`, of the rows where neither is null; of several the first by "
                 "event time, topic, partition and offset. A NaN is greater than all numbers. Null over nothing.",
          .takes = kKeptTypes,
          .gives = "the type of x",
          .memory = "56 B, and for each text 8 B and up to twice the text",
          .columns = 2,
          .columns_min = 2,
          .maker = make<false>};
}

AggregateFunction arg_max_function() {
  return twin_of(arg_min_function(), "arg_max", "arg_max(x, by)",
                 "The x of the row with the greatest `by`, of the rows where neither is null; of several the first "
                 "by event time, topic, partition and offset. A NaN is greater than all numbers. Null over nothing.",
                 make<true>);
}

}  // namespace tidemark
