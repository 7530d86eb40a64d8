// Doubles take the shortest digits that read back the same, with `.0` behind whole ones, and are null when not finite.
// Text is taken to be UTF-8: decoders and functions have seen to that.
#include "operators/formats/json_text.h"

#include <charconv>
#include <cmath>
#include <cstring>

#include "base/base64.h"

namespace tidemark {
namespace {

bool needs_escape(char c) { return static_cast<uint8_t>(c) < 0x20 || c == '"' || c == '\\'; }

void append_escape(char c, std::string& out) {
  constexpr std::string_view kHex = "0123456789abcdef";
  switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\b': out += "\\b"; return;
    case '\f': out += "\\f"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
  }
  out += "\\u00";
  out.push_back(kHex[static_cast<uint8_t>(c) >> 4]);
  out.push_back(kHex[static_cast<uint8_t>(c) & 0xF]);
}

}  // namespace

void append_json_string(std::string_view utf8, std::string& out) {
  out.push_back('"');
  size_t done = 0;
  for (size_t i = 0; i < utf8.size(); ++i) {
    if (!needs_escape(utf8[i])) continue;
    out.append(utf8, done, i - done);
    append_escape(utf8[i], out);
    done = i + 1;
  }
  out.append(utf8, done, utf8.size() - done);
  out.push_back('"');
}

void append_json_bytes(std::string_view bytes, std::string& out) {
  out.push_back('"');
  append_base64(bytes, out);
  out.push_back('"');
}

void append_json_double(double value, std::string& out) {
  if (!std::isfinite(value)) {
    out += "null";
    return;
  }
  const double size = std::fabs(value);
  const bool plain = size == 0 || (size >= 1e-4 && size < 1e16);
  char text[40];  // the longest: 17 digits, sign, point, exponent
  const auto format = plain ? std::chars_format::fixed : std::chars_format::scientific;
  const auto end = std::to_chars(text, text + sizeof text, value, format).ptr;
  out.append(text, end);
  if (plain && std::memchr(text, '.', static_cast<size_t>(end - text)) == nullptr) out += ".0";
}

void append_duration_seconds(int64_t ns, std::string& out) {
  constexpr uint64_t kNanos = 1'000'000'000;
  const uint64_t size = ns < 0 ? uint64_t{0} - static_cast<uint64_t>(ns) : static_cast<uint64_t>(ns);
  if (ns < 0) out.push_back('-');
  out += std::to_string(size / kNanos);
  if (size % kNanos != 0) {
    std::string fraction = std::to_string(kNanos + size % kNanos);
    fraction[0] = '.';
    fraction.resize(fraction.find_last_not_of('0') + 1);
    out += fraction;
  }
  out.push_back('s');
}

}  // namespace tidemark
