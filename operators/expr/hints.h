// What to suggest when types do not fit: the conversion to write, the default to coalesce with. Only words, no rules.
#pragma once

#include <string>
#include <string_view>

#include "base/types.h"

namespace tidemark::expr {

// How `a SYMBOL b` could be written so that it works: "write `double(x) + y`"; empty when there is no telling.
std::string conversion_hint(std::string_view symbol, const std::string& a, TypeKind type_of_a, const std::string& b,
                            TypeKind type_of_b);
// How to keep `operand`, which may be null, from failing.
std::string null_hint(const std::string& operand, TypeKind type, bool is_field);

}  // namespace tidemark::expr
