// histogram(x, [bounds]): how many values lie up to each bound and above the one before, and how many above the last: one
// count more than there are bounds, as in OpenTelemetry's explicit bounds. The counts lie in the state itself.
#include <algorithm>
#include <cmath>
#include <limits>

#include "operators/aggregates/functions.h"
#include "operators/aggregates/value_kinds.h"

namespace tidemark {
namespace {

// Bounds as doubles and, for integers, as the greatest integers that are not beyond them.
template <class T>
std::vector<T> bounds_of(const std::vector<double>& bounds) {
  if constexpr (std::is_same_v<T, double>) {
    return bounds;
  } else {
    std::vector<T> out;
    for (const double bound : bounds) out.push_back(static_cast<T>(std::floor(bound)));
    return out;
  }
}

template <class T>
class Histogram final : public Aggregate {
 public:
  explicit Histogram(const std::vector<double>& bounds) : bounds_(bounds_of<T>(bounds)) {}
  std::string_view name() const override { return "histogram"; }
  Type result_type() const override { return Type::list_of(TypeKind::kInt); }
  bool result_nullable() const override { return true; }
  size_t state_size() const override { return buckets() * sizeof(uint64_t); }
  void create(std::byte* state) const override { std::fill_n(counts_of(state), buckets(), 0); }
  void add(const AddInput& in) const override {
    for (size_t i = 0; i < in.rows.size(); ++i) {
      const uint32_t row = in.rows[i];
      if (in.arg->valid[row]) ++counts_of(in.states[i])[bucket_of(*in.arg, row)];
    }
  }
  void merge(std::byte* into, const std::byte* from, Arena&) const override {
    for (size_t i = 0; i < buckets(); ++i) counts_of(into)[i] += counts_of(from)[i];
  }
  bool retracts() const override { return true; }
  bool retract(std::byte* into, const std::byte* from) const override {
    for (size_t i = 0; i < buckets(); ++i) counts_of(into)[i] -= counts_of(from)[i];
    return true;
  }
  bool result(const std::byte* state, Column& out, size_t row, Arena& arena) const override {
    const std::span counts(counts_of(state), buckets());
    if (std::ranges::all_of(counts, [](uint64_t n) { return n == 0; })) return true;
    set_list(out, row, counts, arena, [](uint64_t n, std::string& json) {
      append_value_json(TypeKind::kUint, static_cast<int64_t>(n), json);
    });
    return true;
  }
  void encode(const std::byte* state, std::string& out) const override {
    ByteWriter writer(out);
    for (size_t i = 0; i < buckets(); ++i) writer.varint(counts_of(state)[i]);
  }
  bool decode(ByteReader& in, std::byte* state, Arena&) const override {
    for (size_t i = 0; i < buckets(); ++i) counts_of(state)[i] = in.varint();
    return in.ok();
  }

 private:
  static uint64_t* counts_of(std::byte* state) { return reinterpret_cast<uint64_t*>(state); }
  static const uint64_t* counts_of(const std::byte* state) { return reinterpret_cast<const uint64_t*>(state); }
  size_t buckets() const { return bounds_.size() + 1; }
  // The first bound that is not below the value; none is for a NaN, which is above all numbers.
  size_t bucket_of(const Column& c, uint32_t row) const {
    T value;
    if constexpr (std::is_same_v<T, double>) {
      value = c.doubles[row];
      if (std::isnan(value)) return bounds_.size();
    } else {
      value = static_cast<T>(c.ints[row]);
    }
    return static_cast<size_t>(std::ranges::lower_bound(bounds_, value) - bounds_.begin());
  }

  std::vector<T> bounds_;
};

MadeAggregate make(const AggregateArgs& args) {
  const Type& type = args.columns[0];
  const std::vector<double>& bounds = args.parameters[0];
  if (type.kind == TypeKind::kDouble) return std::make_unique<const Histogram<double>>(bounds);
  if (type.kind == TypeKind::kInt) return std::make_unique<const Histogram<int64_t>>(bounds);
  return refuse_argument("int or double", type);
}

// Whole numbers up to here are exact as doubles.
constexpr double kMostBound = 0x1p53;

}  // namespace

AggregateFunction histogram_function() {
  return {.name = "histogram",
          .signature = "histogram(x, [bounds])",
          .doc = "How many values that are not null lie in each bucket, as a list: those up to and with the first bound, "
                 "those above it up to and with the second, and so on, and those above the last; one count more than "
                 "bounds, of which there may be 256, written out in ascending order. A NaN is above all. Null over nothing.",
          .takes = "int, double",
          .gives = "list<int>",
          .memory = "8 B a bucket",
          .columns = 1,
          .columns_min = 1,
          .maker = make,
          .parameters = {{.name = "bounds", .least = -kMostBound, .most = kMostBound, .list = true}}};
}

}  // namespace tidemark
