// What sum(x) and avg(x) share: the exact sum of the non-null numbers of a column and how many there were. Knows neither
// of the two results.
#pragma once

#include "operators/aggregates/algebra.h"
#include "operators/aggregates/exact_sum.h"

namespace tidemark {

// Integers, signed or unsigned, in 128 bits: 2^63 values of any size fit.
template <bool kUnsigned>
struct IntSum {
  uint64_t low;
  uint64_t high;
  uint64_t count;

  __int128 value() const { return static_cast<__int128>(static_cast<unsigned __int128>(high) << 64 | low); }
  // Wraps around, which only forged bytes can make it do.
  void add(__int128 v) {
    const auto sum = static_cast<unsigned __int128>(value()) + static_cast<unsigned __int128>(v);
    low = static_cast<uint64_t>(sum);
    high = static_cast<uint64_t>(sum >> 64);
  }
  void add(const Column& c, uint32_t row, Arena&) {
    const int64_t x = c.ints[row];
    add(kUnsigned ? static_cast<__int128>(static_cast<uint64_t>(x)) : static_cast<__int128>(x));
    ++count;
  }
  void merge(const IntSum& from, Arena&) {
    add(from.value());
    count += from.count;
  }
  bool retract(const IntSum& from) {
    add(static_cast<__int128>(-static_cast<unsigned __int128>(from.value())));
    count -= from.count;
    return true;
  }
  double rounded() const { return static_cast<double>(value()); }
  void encode(ByteWriter& out, std::string&) const {
    out.fixed(low);
    out.fixed(high);
    out.varint(count);
  }
  bool decode(ByteReader& in, Arena&) {
    low = in.fixed<uint64_t>();
    high = in.fixed<uint64_t>();
    count = in.varint();
    return in.ok();
  }
};

struct DoubleSum {
  ExactSum sum;
  uint64_t count;

  void add(const Column& c, uint32_t row, Arena& heap) {
    sum.add(c.doubles[row], heap);
    ++count;
  }
  void merge(const DoubleSum& from, Arena& heap) {
    sum.merge(from.sum, heap);
    count += from.count;
  }
  bool retract(const DoubleSum& from) {
    if (!sum.retract(from.sum)) return false;
    count -= from.count;
    if (count == 0) sum = {};  // what kinds of values there were is forgotten with the last one
    return true;
  }
  double rounded() const { return sum.rounded(); }
  void encode(ByteWriter& out, std::string& bytes) const {
    sum.encode(bytes);
    out.varint(count);
  }
  bool decode(ByteReader& in, Arena& heap) {
    if (!sum.decode(in, heap)) return false;
    count = in.varint();
    return in.ok();
  }
};

// All of an algebra over a sum S but its name and result.
template <class S>
struct SumAlgebra : Algebra {
  using State = S;
  void add(const AddInput& in) const {
    for_each_value<S>(in, [&](S& sum, uint32_t row) { sum.add(*in.arg, row, in.heap); });
  }
  void merge(S& into, const S& from, Arena& heap) const { into.merge(from, heap); }
  bool retract(S& into, const S& from) const { return into.retract(from); }
  void encode(const S& sum, std::string& out) const {
    ByteWriter writer(out);
    sum.encode(writer, out);
  }
  bool decode(ByteReader& in, S& sum, Arena& heap) const { return sum.decode(in, heap); }
};

}  // namespace tidemark
