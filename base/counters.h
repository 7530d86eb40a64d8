// Sums of structs of counters, whatever their members are called: a new counter needs no line here or where sums are made.
#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace tidemark {

namespace counters_detail {

// Fills members of type uint64_t, and no others.
struct AnyCounter {
  template <std::same_as<uint64_t> T>
  operator T() const;
};

template <class C, size_t... kMembers>
consteval bool is_made_of_counters(std::index_sequence<kMembers...>) {
  return requires { C{(static_cast<void>(kMembers), AnyCounter{})...}; };
}

}  // namespace counters_detail

// A plain struct whose members are all uint64_t.
template <class C>
concept Counters = sizeof(C) % sizeof(uint64_t) == 0 && std::is_trivially_copyable_v<C> &&
                   counters_detail::is_made_of_counters<C>(std::make_index_sequence<sizeof(C) / sizeof(uint64_t)>());

// Adds every counter of `more` to the same one of `sum`.
template <Counters C>
void add_counters(C& sum, const C& more) {
  using All = std::array<uint64_t, sizeof(C) / sizeof(uint64_t)>;
  auto all = std::bit_cast<All>(sum);
  const auto others = std::bit_cast<All>(more);
  for (size_t i = 0; i < all.size(); ++i) all[i] += others[i];
  sum = std::bit_cast<C>(all);
}

}  // namespace tidemark
