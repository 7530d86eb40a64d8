// first(x) and last(x): the value that is not null of the first or last row in event order. Null over nothing.
#include "operators/aggregates/chosen_row.h"
#include "operators/aggregates/event_place.h"
#include "operators/aggregates/functions.h"
#include "operators/aggregates/value_kinds.h"

namespace tidemark {
namespace {

template <class V, bool kLast>
struct Edge : PlacedValue<V> {
  using typename PlacedValue<V>::View, typename PlacedValue<V>::Stored;
  using PlacedValue<V>::PlacedValue;
  static constexpr std::string_view kName = kLast ? "last" : "first";
  static bool better(const View& row, const Stored& than) {
    return kLast ? than.place < row.place : row.place < than.place;
  }
};

template <bool kLast>
MadeAggregate make(const AggregateArgs& args) {
  return make_kept(args, [&]<class V>(V) { return make_aggregate<ChosenRow<Edge<V, kLast>>>(args); });
}

}  // namespace

AggregateFunction first_function() {
  return {.name = "first",
          .signature = "first(x)",
          .doc = "The first value that is not null, by event time; ties go by topic, partition and offset. Null over "
                 "nothing.",
          .takes = kKeptTypes,
          .gives = "the type of x",
          .memory = "48 B; of text 56 B and the text",
          .columns = 1,
          .columns_min = 1,
          .maker = make<false>};
}

AggregateFunction last_function() {
  return twin_of(first_function(), "last", "last(x)",
                 "The last value that is not null, by event time; ties go by topic, partition and offset. Null over "
                 "nothing.",
                 make<true>);
}

}  // namespace tidemark
