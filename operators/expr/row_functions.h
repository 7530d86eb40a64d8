// Functions over values of any kind, for what kernels cannot take or answer: lists, maps, types, optionals, addresses.
// The tables lie in the files of their functions, as those of the kernels do.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "operators/expr/rows.h"

namespace tidemark::expr {

struct RowFunction {
  std::string_view name;
  size_t min_args;
  size_t max_args;
  bool global;
  bool receiver;
  // The result's shape, or nothing where the function does not take such operands. Open shapes fit everything.
  std::optional<Shape> (*shape)(std::span<const Shape> args);
  // Takes no errors, and no nulls unless `takes_null`; answers no_overload() for kinds that it does not know.
  Value (*apply)(std::span<const Value> args, RowContext& context);
  bool takes_null = false;
};

inline constexpr size_t kAnyCount = 64;  // the most operands of a function that takes as many as it is given

// Says that a function does not take operands of these kinds.
Value no_overload(std::string_view name, std::span<const Value> args, RowContext& context);

std::vector<RowFunction> list_functions();      // + size join split, math.greatest, math.least
std::vector<RowFunction> type_functions();      // type dyn, string of anything
std::vector<RowFunction> format_functions();    // format
std::vector<RowFunction> optional_functions();  // optional.of, orValue, ...
std::vector<RowFunction> network_functions();   // ip cidr isIP ...

}  // namespace tidemark::expr
