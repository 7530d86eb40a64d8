// count(): how many rows; count(x): how many of them have a value. Knows no types: it looks at presence only.
#include "operators/aggregates/algebra.h"
#include "operators/aggregates/functions.h"

namespace tidemark {
namespace {

struct Count : Algebra {
  using State = uint64_t;
  static constexpr std::string_view kName = "count";
  static constexpr bool kResultNullable = false;

  Type result_type() const { return TypeKind::kInt; }
  void add(const AddInput& in) const {
    if (in.arg == nullptr) {
      for (std::byte* state : in.states) ++state_at<uint64_t>(state);
      return;
    }
    for (size_t i = 0; i < in.rows.size(); ++i) state_at<uint64_t>(in.states[i]) += in.arg->valid[in.rows[i]];
  }
  void merge(uint64_t& into, uint64_t from, Arena&) const { into += from; }
  bool retract(uint64_t& into, uint64_t from) const {
    into -= from;
    return true;
  }
  bool result(uint64_t n, Column& out, size_t row, Arena&) const {
    out.valid[row] = 1;
    out.ints[row] = static_cast<int64_t>(n);
    return true;
  }
  void encode(uint64_t n, std::string& out) const { ByteWriter(out).varint(n); }
  bool decode(ByteReader& in, uint64_t& n, Arena&) const {
    n = in.varint();
    return in.ok();
  }
};

MadeAggregate make(const AggregateArgs&) {
  return make_aggregate<Count>();
}

}  // namespace

AggregateFunction count_function() {
  return {.name = "count",
          .signature = "count(x)",
          .doc = "How many rows; with an argument, how many of them where it is not null. 0 over nothing.",
          .takes = "any",
          .gives = "int",
          .memory = "8 B",
          .columns = 1,
          .columns_min = 0,
          .maker = make};
}

}  // namespace tidemark
