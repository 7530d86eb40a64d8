// Undoes the escapes of JSON strings. Knows nothing of quotes: the text between them is what it reads.
#pragma once

#include <string>
#include <string_view>

namespace tidemark {

// Appends the text with its escapes undone; never more bytes than `escaped` has. False (with `out` partly written) on
// an unknown escape, a short \u, or half of a surrogate pair, which UTF-8 cannot hold.
[[nodiscard]] bool append_unescaped(std::string_view escaped, std::string& out);

// Whether append_unescaped would succeed.
[[nodiscard]] bool escapes_are_valid(std::string_view escaped);

}  // namespace tidemark
