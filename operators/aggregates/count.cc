// count(): how many rows; count(x): how many of them have a value. Knows no types: it looks at presence only.
#include "operators/aggregates/functions.h"

namespace tidemark {
namespace {

uint64_t& state_of(std::byte* state) { return *reinterpret_cast<uint64_t*>(state); }
uint64_t state_of(const std::byte* state) { return *reinterpret_cast<const uint64_t*>(state); }

class Count final : public Aggregate {
 public:
  std::string_view name() const override { return "count"; }
  Type result_type() const override { return TypeKind::kInt; }
  bool result_nullable() const override { return false; }
  size_t state_size() const override { return sizeof(uint64_t); }
  void create(std::byte* state) const override { state_of(state) = 0; }
  void add(const AddInput& in) const override {
    if (in.arg == nullptr) {
      for (std::byte* state : in.states) ++state_of(state);
      return;
    }
    for (size_t i = 0; i < in.rows.size(); ++i) state_of(in.states[i]) += in.arg->valid[in.rows[i]];
  }
  void merge(std::byte* into, const std::byte* from, Arena&) const override { state_of(into) += state_of(from); }
  bool result(const std::byte* state, Column& out, size_t row, Arena&) const override {
    out.valid[row] = 1;
    out.ints[row] = static_cast<int64_t>(state_of(state));
    return true;
  }
  void encode(const std::byte* state, std::string& out) const override { ByteWriter(out).varint(state_of(state)); }
  bool decode(ByteReader& in, std::byte* state, Arena&) const override {
    state_of(state) = in.varint();
    return in.ok();
  }
};

Result<std::unique_ptr<const Aggregate>> make(const AggregateArgs&) {
  return std::make_unique<const Count>();
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
          .make = make};
}

}  // namespace tidemark
