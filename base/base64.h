// Base64 with the standard alphabet and padding (RFC 4648 section 4), strict in what it reads. Knows nothing of JSON.
#pragma once

#include <string>
#include <string_view>

namespace tidemark {

void append_base64(std::string_view bytes, std::string& out);

// Appends the decoded bytes. False, with `out` as it was: wrong length, a character outside the alphabet (line breaks
// and the URL alphabet included), misplaced padding, or bits set behind the last byte. So each byte string has one
// form.
[[nodiscard]] bool append_decoded_base64(std::string_view text, std::string& out);

}  // namespace tidemark
