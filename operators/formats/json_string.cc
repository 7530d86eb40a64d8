// One loop unescapes, and checks when its output is thrown away. Surrogates come in pairs or are refused; bare control
// characters are for others to find.
#include "operators/formats/json_string.h"

#include <cstdint>
#include <optional>

namespace tidemark {
namespace {

struct Discard {
  void append(std::string_view) {}
  void push_back(char) {}
};

std::optional<uint32_t> take_hex4(std::string_view& text) {
  if (text.size() < 4) return std::nullopt;
  uint32_t value = 0;
  for (const char c : text.substr(0, 4)) {
    value <<= 4;
    if (c >= '0' && c <= '9') {
      value |= static_cast<uint32_t>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      value |= static_cast<uint32_t>(c - 'a' + 10);
    } else if (c >= 'A' && c <= 'F') {
      value |= static_cast<uint32_t>(c - 'A' + 10);
    } else {
      return std::nullopt;
    }
  }
  text.remove_prefix(4);
  return value;
}

// Behind `\u`: one code point, of one unit or of a surrogate pair.
std::optional<uint32_t> take_code_point(std::string_view& text) {
  const auto high = take_hex4(text);
  if (!high || *high < 0xD800 || *high > 0xDFFF) return high;
  if (*high > 0xDBFF || !text.starts_with("\\u")) return std::nullopt;
  text.remove_prefix(2);
  const auto low = take_hex4(text);
  if (!low || *low < 0xDC00 || *low > 0xDFFF) return std::nullopt;
  return 0x10000 + ((*high - 0xD800) << 10) + (*low - 0xDC00);
}

template <class Out>
void append_utf8(uint32_t code_point, Out& out) {
  const auto continuation = [&](int shift) { out.push_back(static_cast<char>(0x80 | ((code_point >> shift) & 0x3F))); };
  if (code_point < 0x80) {
    out.push_back(static_cast<char>(code_point));
  } else if (code_point < 0x800) {
    out.push_back(static_cast<char>(0xC0 | (code_point >> 6)));
    continuation(0);
  } else if (code_point < 0x10000) {
    out.push_back(static_cast<char>(0xE0 | (code_point >> 12)));
    continuation(6);
    continuation(0);
  } else {
    out.push_back(static_cast<char>(0xF0 | (code_point >> 18)));
    continuation(12);
    continuation(6);
    continuation(0);
  }
}

// The byte that `\c` stands for; 0 where there is none.
char simple_escape(char c) {
  switch (c) {
    case '"': return '"';
    case '\\': return '\\';
    case '/': return '/';
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
  }
  return 0;
}

template <class Out>
bool unescape(std::string_view text, Out& out) {
  while (true) {
    const size_t at = text.find('\\');
    out.append(text.substr(0, at));
    if (at == std::string_view::npos) return true;
    text.remove_prefix(at + 1);
    if (text.empty()) return false;
    const char c = text[0];
    text.remove_prefix(1);
    if (c == 'u') {
      const auto code_point = take_code_point(text);
      if (!code_point) return false;
      append_utf8(*code_point, out);
    } else {
      const char plain = simple_escape(c);
      if (plain == 0) return false;
      out.push_back(plain);
    }
  }
}

}  // namespace

bool append_unescaped(std::string_view escaped, std::string& out) { return unescape(escaped, out); }

bool escapes_are_valid(std::string_view escaped) {
  Discard nowhere;
  return unescape(escaped, nowhere);
}

}  // namespace tidemark
