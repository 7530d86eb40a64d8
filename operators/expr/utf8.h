// The little of UTF-8 that expressions need: encode, validate, count. Knows no Unicode properties.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tidemark::expr {

// Appends `code_point`, which must be at most 0x10ffff and no surrogate.
void append_utf8(uint32_t code_point, std::string& out);
bool is_valid_utf8(std::string_view text);
// Code points of valid UTF-8.
inline int64_t count_code_points(std::string_view text) {
  int64_t n = 0;
  for (const char c : text) n += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  return n;
}

}  // namespace tidemark::expr
