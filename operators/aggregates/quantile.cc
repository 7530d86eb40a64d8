// quantile(x, q[, error]): the value at rank floor(q (n - 1)) of the sorted values, counted from 0, within a relative
// error, by DDSketch. Knows no buckets; the sketch does.
#include <algorithm>
#include <cmath>
#include <limits>

#include "operators/aggregates/algebra.h"
#include "operators/aggregates/dd_sketch.h"
#include "operators/aggregates/functions.h"
#include "operators/aggregates/value_kinds.h"

namespace tidemark {
namespace {

constexpr double kError = 0.01;

// The fewest bits whose buckets keep to the error.
unsigned bits_for(double error) {
  unsigned bits = 1;
  while (std::ldexp(1.0, -static_cast<int>(bits + 1)) > error) ++bits;
  return bits;
}

int64_t to_int(double value) {
  constexpr double kBeyond = 0x1p63;
  if (value >= kBeyond) return std::numeric_limits<int64_t>::max();
  if (value < -kBeyond) return std::numeric_limits<int64_t>::min();
  return std::llrint(value);
}

class Quantile : public Algebra {
 public:
  using State = DdSketch;
  static constexpr std::string_view kName = "quantile";

  Quantile(Type type, double q, unsigned bits) : type_(std::move(type)), q_(q), bits_(bits) {}
  Type result_type() const { return type_.kind == TypeKind::kDuration ? type_ : Type(TypeKind::kDouble); }
  void add(const AddInput& in) const {
    const Column& c = *in.arg;
    if (type_.kind == TypeKind::kDouble) {
      add_each(in, [&](uint32_t row) { return c.doubles[row]; });
    } else if (type_.kind == TypeKind::kUint) {
      add_each(in, [&](uint32_t row) { return static_cast<double>(static_cast<uint64_t>(c.ints[row])); });
    } else {
      add_each(in, [&](uint32_t row) { return static_cast<double>(c.ints[row]); });
    }
  }
  void merge(DdSketch& into, const DdSketch& from, Arena& heap) const { into.merge(from, heap); }
  bool result(const DdSketch& s, Column& out, size_t row, Arena&) const {
    const uint64_t n = s.count();
    if (n == 0) return true;
    const auto rank = static_cast<uint64_t>(q_ * static_cast<double>(n - 1));
    const double value = s.at_rank(std::min(rank, n - 1), bits_);
    out.valid[row] = 1;
    if (type_.kind == TypeKind::kDuration) {
      out.ints[row] = to_int(value);
    } else {
      out.doubles[row] = value;
    }
    return true;
  }
  void encode(const DdSketch& s, std::string& out) const { s.encode(bits_, out); }
  bool decode(ByteReader& in, DdSketch& s, Arena& heap) const { return s.decode(in, bits_, heap); }

 private:
  template <class F>
  void add_each(const AddInput& in, F&& value) const {
    for_each_value<DdSketch>(in, [&](DdSketch& s, uint32_t row) { s.add(value(row), bits_, in.heap); });
  }

  Type type_;
  double q_;
  unsigned bits_;
};

MadeAggregate make(const AggregateArgs& args) {
  const Type& type = args.columns[0];
  const bool fits = type.kind == TypeKind::kInt || type.kind == TypeKind::kUint || type.kind == TypeKind::kDouble ||
                    type.kind == TypeKind::kDuration;
  if (!fits) return refuse_argument("int, uint, double or duration", type);
  return make_aggregate<Quantile>(type, args.number(0), bits_for(args.number(1)));
}

}  // namespace

AggregateFunction quantile_function() {
  return {.name = "quantile",
          .signature = "quantile(x, q)",
          .doc = "The value at rank floor(q (n - 1)) of the n values that are not null in ascending order, counted from "
                 "0; a NaN is greater than all numbers. By DDSketch, within 1% of itself, or within `error` (0.001 to 0.1) in "
                 "`quantile(x, q, error)`. Null over nothing.",
          .takes = "int, uint, double, duration",
          .gives = "double; duration of durations",
          .memory = "16 B, and within 1% 256 B for each half of a power of two that values fall into: 5 KiB from 1 ms to 1 s, "
                    "3 MiB at most; in proportion to 1 / error. Calls in one window that differ only in q share it",
          .columns = 1,
          .columns_min = 1,
          .maker = make,
          .parameters = {{.name = "q", .least = 0, .most = 1, .reads_only = true},
                         {.name = "error", .least = 0.001, .most = 0.1, .otherwise = kError}}};
}

}  // namespace tidemark
