// Text of unknown origin made safe to show: valid UTF-8, and a JSON string literal on one line.
// It knows nothing of rows; results are written by operators/formats.
#pragma once

#include <string>
#include <string_view>

namespace tidemark {

// `text` with each byte that is not part of valid UTF-8 replaced by U+FFFD.
std::string valid_utf8(std::string_view text);

// Appends valid_utf8(text) in double quotes, with quotes, backslashes and control characters escaped as in JSON.
void append_quoted(std::string_view text, std::string& out);

}  // namespace tidemark
