// Positions in UTF-8 text by code point, as CEL counts them, and the bound on texts that functions build.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace tidemark::expr {

inline constexpr size_t kMaxTextBytes = 16 * 1024 * 1024;  // of one text that replace, join, format ... build
inline constexpr const char* kTooLong = "the text would be longer than 16 MiB";

// The byte at which code point `index` begins; the end for the index behind the last; nothing beyond it or below 0.
std::optional<size_t> byte_of(std::string_view text, int64_t index);

}  // namespace tidemark::expr
