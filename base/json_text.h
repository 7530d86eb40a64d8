// Text as a JSON string literal. It knows nothing of numbers, objects or rows.
#pragma once

#include <string>
#include <string_view>

namespace tidemark {

// Appends `text` in quotes: quotes, backslashes and control characters escaped, other UTF-8 as it is, each byte that is
// not part of valid UTF-8 replaced by U+FFFD.
void append_json_string(std::string_view text, std::string& out);

// `text` with each byte that is not part of valid UTF-8 replaced by U+FFFD.
std::string valid_utf8(std::string_view text);

}  // namespace tidemark
