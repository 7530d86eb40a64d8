// Walks from UTF-8 sequence to sequence; overlong forms, surrogates and stray bytes become one U+FFFD each byte.
// Escapes quotes, backslashes and control characters; all else stays as it was written.
#include "base/safe_text.h"

#include <cstddef>
#include <cstdint>

namespace tidemark {

namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// The lead byte says how long a sequence is and how small its code point may not be.
struct SequenceShape {
  size_t length = 0;  // 0: no lead byte
  uint32_t bits = 0;
  uint32_t smallest = 0;
};

SequenceShape shape_of(uint8_t lead) {
  if (lead < 0x80) return {1, lead, 0};
  if ((lead & 0xE0) == 0xC0) return {2, lead & 0x1Fu, 0x80};
  if ((lead & 0xF0) == 0xE0) return {3, lead & 0x0Fu, 0x800};
  if ((lead & 0xF8) == 0xF0) return {4, lead & 0x07u, 0x10000};
  return {};
}

// The length of the valid sequence at the front of `text`, or 0. Overlong forms and surrogates are not valid.
size_t sequence_length(std::string_view text) {
  const SequenceShape shape = shape_of(static_cast<uint8_t>(text[0]));
  if (shape.length == 0 || shape.length > text.size()) return 0;
  uint32_t code = shape.bits;
  for (size_t i = 1; i < shape.length; ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    if ((byte & 0xC0) != 0x80) return 0;
    code = code << 6 | (byte & 0x3Fu);
  }
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  return code < shape.smallest || code > 0x10FFFF || surrogate ? 0 : shape.length;
}

void append_escaped(char c, std::string& out) {
  switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
  }
  const auto byte = static_cast<uint8_t>(c);
  if (byte >= 0x20 && byte != 0x7F) {
    out += c;
    return;
  }
  constexpr std::string_view kHex = "0123456789abcdef";
  out += "\\u00";
  out += kHex[byte >> 4];
  out += kHex[byte & 0xF];
}

// Calls `keep` with each valid sequence, or with the replacement for each byte that belongs to none.
template <class Keep>
void for_each_sequence(std::string_view text, Keep keep) {
  while (!text.empty()) {
    const size_t length = sequence_length(text);
    keep(length == 0 ? kReplacement : text.substr(0, length));
    text.remove_prefix(length == 0 ? 1 : length);
  }
}

}  // namespace

std::string valid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for_each_sequence(text, [&](std::string_view sequence) { out += sequence; });
  return out;
}

void append_quoted(std::string_view text, std::string& out) {
  out += '"';
  for_each_sequence(text, [&](std::string_view sequence) {
    if (sequence.size() == 1) {
      append_escaped(sequence[0], out);
    } else {
      out += sequence;
    }
  });
  out += '"';
}

}  // namespace tidemark
