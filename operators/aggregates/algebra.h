// AggregateOf: an aggregate made of an algebra, which is all that a function's own file has to show. The bytes of states,
// the walk over rows and the virtual calls are known here only; what is done with a value is not.
#pragma once

#include <type_traits>
#include <utility>

#include "operators/aggregates/aggregate.h"

namespace tidemark {

// What holds for most algebras. An algebra A is immutable and thread-safe, derives from this and has
//   static constexpr std::string_view kName;
//   State: relocatable, and State{} = nothing seen;
//   Type result_type() const;
//   void add(const AddInput& in) const;  // by for_each_value()
//   void merge(State& into, const State& from, Arena& heap) const;
//   bool retract(State& into, const State& from) const;  // where there is one
//   bool result(const State& state, Column& out, size_t row, Arena& arena) const;
//   void encode(const State& state, std::string& out) const;
//   bool decode(ByteReader& in, State& state, Arena& heap) const;  // `state` is State{}
// each of which means what it means in Aggregate.
struct Algebra {
  static constexpr bool kResultNullable = true;
  static constexpr bool kCanOverflow = false;
};

template <class State>
State& state_at(std::byte* state) {
  return *reinterpret_cast<State*>(state);
}
template <class State>
const State& state_at(const std::byte* state) {
  return *reinterpret_cast<const State*>(state);
}

// Calls each(State&, row) for the rows whose first column is not null. Inlined, or the loop would go through a closure.
template <class State, class F>
[[gnu::always_inline]] inline void for_each_value(const AddInput& in, F&& each) {
  for (size_t i = 0; i < in.rows.size(); ++i) {
    const uint32_t row = in.rows[i];
    if (in.arg->valid[row]) each(state_at<State>(in.states[i]), row);
  }
}

template <class A>
class AggregateOf final : public Aggregate {
 public:
  using State = typename A::State;
  static_assert(std::is_trivially_copyable_v<State> && sizeof(State) % 8 == 0);

  template <class... Args>
  explicit AggregateOf(Args&&... args) : algebra_(std::forward<Args>(args)...) {}
  std::string_view name() const override { return A::kName; }
  Type result_type() const override { return algebra_.result_type(); }
  bool result_nullable() const override { return A::kResultNullable; }
  bool can_overflow() const override { return A::kCanOverflow; }
  size_t state_size() const override { return sizeof(State); }
  void create(std::byte* state) const override { state_at<State>(state) = State{}; }
  void add(const AddInput& in) const override { algebra_.add(in); }
  void merge(std::byte* into, const std::byte* from, Arena& heap) const override {
    algebra_.merge(state_at<State>(into), state_at<State>(from), heap);
  }
  bool retracts() const override { return kRetracts; }
  bool retract(std::byte* into, const std::byte* from) const override {
    if constexpr (kRetracts) {
      return algebra_.retract(state_at<State>(into), state_at<State>(from));
    } else {
      return Aggregate::retract(into, from);
    }
  }
  bool result(const std::byte* state, Column& out, size_t row, Arena& arena) const override {
    return algebra_.result(state_at<State>(state), out, row, arena);
  }
  void encode(const std::byte* state, std::string& out) const override { algebra_.encode(state_at<State>(state), out); }
  bool decode(ByteReader& in, std::byte* state, Arena& heap) const override {
    create(state);
    return algebra_.decode(in, state_at<State>(state), heap);
  }

 private:
  static constexpr bool kRetracts = requires(const A& a, State& into, const State& from) { a.retract(into, from); };

  A algebra_;
};

template <class A, class... Args>
AggregatePtr make_aggregate(Args&&... args) {
  return std::make_unique<const AggregateOf<A>>(std::forward<Args>(args)...);
}

}  // namespace tidemark
