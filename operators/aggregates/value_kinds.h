// How aggregates read, keep, order and write single values: one small struct for each way that a column stores its rows.
// Knows no aggregate.
#pragma once

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>

#include "base/arena.h"
#include "base/bytes.h"
#include "operators/aggregates/aggregate.h"

namespace tidemark {

inline constexpr std::string_view kKeptTypes = "bool, int, uint, double, string, bytes, timestamp, duration or a list";
inline constexpr std::string_view kOrderedTypes = "bool, int, uint, double, string, bytes, timestamp or duration";

// Spreads the bits of a number over 64: the finalizer of D. Stafford ("Better Bit Mixing", variant 13, 2011). Sketches
// keep what comes of it, so it never changes.
inline uint64_t mix64(uint64_t x) {
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
  x = (x ^ x >> 27) * 0x94d049bb133111eb;
  return x ^ x >> 31;
}

// Every kind has: View, what a row gives; Stored, what lies in a state; read a row, set a result row, store into a
// state (over whatever lies there), view a state, order two values, hash one (for ever the same), and the durable form.
struct IntValue {
  using View = int64_t;
  using Stored = int64_t;
  static View read(const Column& c, uint32_t row) { return c.ints[row]; }
  static void set(Column& c, size_t row, View v, Arena&) { c.ints[row] = v; }
  static void store(Stored& s, View v, Arena&) { s = v; }
  static View view(const Stored& s) { return s; }
  static bool less(View a, View b) { return a < b; }
  static uint64_t hash(View v) { return mix64(static_cast<uint64_t>(v)); }
  static void encode(View v, ByteWriter& out) { out.fixed(v); }
  static View decode(ByteReader& in) { return in.fixed<int64_t>(); }
};

// Unsigned integers lie in Column::ints, bit for bit.
struct UintValue : IntValue {
  static bool less(View a, View b) { return static_cast<uint64_t>(a) < static_cast<uint64_t>(b); }
};

struct BoolValue {
  using View = uint8_t;
  using Stored = uint64_t;
  static View read(const Column& c, uint32_t row) { return c.bools[row]; }
  static void set(Column& c, size_t row, View v, Arena&) { c.bools[row] = v; }
  static void store(Stored& s, View v, Arena&) { s = v; }
  static View view(const Stored& s) { return static_cast<View>(s); }
  static bool less(View a, View b) { return a < b; }
  static uint64_t hash(View v) { return mix64(v); }
  static void encode(View v, ByteWriter& out) { out.fixed(v); }
  static View decode(ByteReader& in) { return in.fixed<uint8_t>() != 0 ? 1 : 0; }
};

// A total order, so that the smallest and the greatest never depend on who came first: -0.0 before 0.0, and every NaN,
// as one value, behind infinity.
struct DoubleValue {
  using View = double;
  using Stored = double;
  static View read(const Column& c, uint32_t row) { return canonical(c.doubles[row]); }
  static void set(Column& c, size_t row, View v, Arena&) { c.doubles[row] = v; }
  static void store(Stored& s, View v, Arena&) { s = v; }
  static View view(const Stored& s) { return s; }
  static bool less(View a, View b) { return rank(a) < rank(b); }
  static uint64_t hash(View v) { return mix64(std::bit_cast<uint64_t>(v)); }
  static void encode(View v, ByteWriter& out) { out.fixed(v); }
  static View decode(ByteReader& in) { return canonical(in.fixed<double>()); }
  // An integer that sorts as the double does.
  static int64_t rank(double v) {
    const auto bits = std::bit_cast<int64_t>(v);
    return bits < 0 ? std::numeric_limits<int64_t>::min() - bits - 1 : bits;
  }

 private:
  static double canonical(double v) { return std::isnan(v) ? std::numeric_limits<double>::quiet_NaN() : v; }
};

// Doubles as values that are equal or not: -0.0 is 0.0.
struct EqualDouble : DoubleValue {
  static View read(const Column& c, uint32_t row) { return DoubleValue::read(c, row) + 0.0; }
  static View decode(ByteReader& in) { return DoubleValue::decode(in) + 0.0; }
};

// Anything but text, as an integer that sorts as it does; equal values are equal, -0.0 and 0.0 too.
struct RankValue : IntValue {
  static bool fits(const Type& type) {
    return type.kind == TypeKind::kDouble || type.kind == TypeKind::kBool || type.kind == TypeKind::kInt ||
           type.kind == TypeKind::kUint || type.kind == TypeKind::kTimestamp || type.kind == TypeKind::kDuration;
  }
  static View read(const Column& c, uint32_t row) {
    if (c.type.kind == TypeKind::kDouble) return DoubleValue::rank(EqualDouble::read(c, row));
    if (c.type.kind == TypeKind::kBool) return c.bools[row];
    if (c.type.kind == TypeKind::kUint) return c.ints[row] ^ std::numeric_limits<int64_t>::min();
    return c.ints[row];
  }
};

// Text lies in the heap arena. A new value that fits takes the place of the old one, and room grows by doubling: a key
// that changes its value for ever holds at most four times its longest value.
struct TextValue {
  using View = std::string_view;
  struct Stored {
    char* data;
    uint32_t size;
    uint32_t capacity;
  };
  static View read(const Column& c, uint32_t row) { return c.strings[row]; }
  static void set(Column& c, size_t row, View v, Arena& arena) { c.strings[row] = arena.copy(v); }
  static void store(Stored& s, View v, Arena& heap) {
    if (v.size() > s.capacity) {
      s.capacity = std::bit_ceil(std::max<uint32_t>(static_cast<uint32_t>(v.size()), 16));
      s.data = heap.allocate(s.capacity);
    }
    s.size = static_cast<uint32_t>(v.size());
    if (!v.empty()) std::memcpy(s.data, v.data(), v.size());
  }
  static View view(const Stored& s) { return {s.data, s.size}; }
  static bool less(View a, View b) { return a < b; }
  static uint64_t hash(View v) { return checksum64(v); }
  static void encode(View v, ByteWriter& out) { out.text(v); }
  static View decode(ByteReader& in) { return in.text(); }
};

// Appends a value as result rows write it in JSON. In lists timestamps are RFC 3339 whatever the sink says.
void append_value_json(TypeKind kind, int64_t value, std::string& out);
void append_value_json(TypeKind kind, uint8_t value, std::string& out);
void append_value_json(TypeKind kind, double value, std::string& out);
void append_value_json(TypeKind kind, std::string_view value, std::string& out);

// Sets a result row to the list of `elements`; `append(element, json)` appends one as JSON.
template <class Elements, class F>
void set_list(Column& out, size_t row, const Elements& elements, Arena& arena, F&& append) {
  std::string json = "[";
  for (const auto& element : elements) {
    if (json.size() > 1) json += ',';
    append(element, json);
  }
  json += ']';
  out.valid[row] = 1;
  out.strings[row] = arena.copy(json);
}

// Refuses the type of a column.
std::unexpected<std::string> refuse_argument(std::string_view takes, const Type& got);

// Answers make(V{}), an AggregatePtr, where V is the kind for the first column's type; refuses types without an order.
// `D` is the kind of doubles.
template <class D = DoubleValue, class F>
MadeAggregate make_ordered(const AggregateArgs& args, F&& make) {
  switch (args.columns[0].kind) {
    case TypeKind::kInt:
    case TypeKind::kTimestamp:
    case TypeKind::kDuration: return make(IntValue{});
    case TypeKind::kUint: return make(UintValue{});
    case TypeKind::kDouble: return make(D{});
    case TypeKind::kBool: return make(BoolValue{});
    case TypeKind::kString:
    case TypeKind::kBytes: return make(TextValue{});
    case TypeKind::kNull:
    case TypeKind::kList:
    case TypeKind::kMap:
    case TypeKind::kDyn: return refuse_argument(kOrderedTypes, args.columns[0]);
  }
  __builtin_unreachable();
}

// The same for aggregates that keep values and compare none: lists too, as their text.
template <class F>
MadeAggregate make_kept(const AggregateArgs& args, F&& make) {
  if (args.columns[0].kind == TypeKind::kList) return make(TextValue{});
  return make_ordered(args, std::forward<F>(make));
}

// The same for aggregates that ask whether values are equal.
template <class F>
MadeAggregate make_matching(const AggregateArgs& args, F&& make) {
  return make_ordered<EqualDouble>(args, std::forward<F>(make));
}

}  // namespace tidemark
