// Text forms of numbers, shared by string() and by the JSON of `tidemark eval`.
#pragma once

#include <string>

namespace tidemark::expr {

// The shortest digits that read back as `value`: "3", "0.1", "1e+21", "NaN", "Infinity", "-Infinity".
void append_double(double value, std::string& out);

}  // namespace tidemark::expr
