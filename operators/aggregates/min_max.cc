// min(x) and max(x): the least and the greatest value that is not null, in the order of value_kinds.h. Null over nothing.
#include "operators/aggregates/chosen_row.h"
#include "operators/aggregates/functions.h"
#include "operators/aggregates/value_kinds.h"

namespace tidemark {
namespace {

template <class V, bool kGreatest>
struct Extreme : V {
  using typename V::View, typename V::Stored;
  struct Reader {
    const Column* values;
    bool has(uint32_t row) const { return values->valid[row]; }
    View operator[](uint32_t row) const { return V::read(*values, row); }
  };
  static constexpr std::string_view kName = kGreatest ? "max" : "min";

  explicit Extreme(const AggregateArgs&) {}
  template <class Body>
  [[gnu::always_inline]] static void read(const AddInput& in, Body body) {
    body(Reader{in.arg});
  }
  static bool better(View row, const Stored& than) {
    return kGreatest ? V::less(V::view(than), row) : V::less(row, V::view(than));
  }
};

template <bool kGreatest>
MadeAggregate make(const AggregateArgs& args) {
  return make_ordered(args, [&]<class V>(V) { return make_aggregate<ChosenRow<Extreme<V, kGreatest>>>(args); });
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
          .maker = make<false>};
}

AggregateFunction max_function() {
  return twin_of(min_function(), "max", "max(x)",
                 "The greatest value that is not null; a NaN is greater than all numbers. Null over nothing.",
                 make<true>);
}

}  // namespace tidemark
