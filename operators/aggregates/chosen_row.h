// ChosenRow: the algebra of what one row gives: the row that no other is better than. What min(x), first(x),
// arg_min(x, by) and their opposites share. Knows no order.
#pragma once

#include "operators/aggregates/algebra.h"

namespace tidemark {

// A choice C is a kind as in value_kinds.h, of all that is kept of a row, with
//   static constexpr std::string_view kName;  // of the aggregate
//   explicit C(const AggregateArgs& args);
//   void read(const AddInput& in, Body body) const;  // body(reader): it has has(row); [row] is the row's View
//   View decode(ByteReader& in) const;
//   static bool better(const View& row, const Stored& than);
template <class C>
class ChosenRow : public Algebra {
 public:
  struct State {
    uint64_t seen;
    typename C::Stored row;
  };
  static constexpr std::string_view kName = C::kName;

  explicit ChosenRow(const AggregateArgs& args) : type_(args.columns[0]), choice_(args) {}
  Type result_type() const { return type_; }
  void add(const AddInput& in) const {
    choice_.read(in, [&](const auto& reader) __attribute__((always_inline)) {
      for (size_t i = 0; i < in.rows.size(); ++i) {
        const uint32_t row = in.rows[i];
        if (reader.has(row)) take(state_at<State>(in.states[i]), reader[row], in.heap);
      }
    });
  }
  void merge(State& into, const State& from, Arena& heap) const {
    if (from.seen) take(into, C::view(from.row), heap);
  }
  bool result(const State& s, Column& out, size_t row, Arena& arena) const {
    if (!s.seen) return true;
    out.valid[row] = 1;
    C::set(out, row, C::view(s.row), arena);
    return true;
  }
  void encode(const State& s, std::string& out) const {
    ByteWriter writer(out);
    writer.fixed(static_cast<uint8_t>(s.seen));
    if (s.seen) C::encode(C::view(s.row), writer);
  }
  bool decode(ByteReader& in, State& s, Arena& heap) const {
    const auto seen = in.fixed<uint8_t>();
    if (seen > 1) return false;
    if (seen == 0) return in.ok();
    const auto row = choice_.decode(in);
    if (!in.ok()) return false;
    take(s, row, heap);
    return true;
  }

 private:
  static void take(State& s, const typename C::View& row, Arena& heap) {
    const bool better = C::better(row, s.row);  // asked even where nothing was seen, which spares numbers a branch
    if (s.seen && !better) return;
    C::store(s.row, row, heap);
    s.seen = 1;
  }

  Type type_;
  C choice_;
};

}  // namespace tidemark
