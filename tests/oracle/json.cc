// A recursive-descent JSON reader, written for plainness. Knows only RFC 8259; speed is no concern here.
#include "tests/oracle/json.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>

namespace tidemark::oracle {
namespace {

constexpr int kMaxLevels = 1024;

void append_utf8(std::string& out, uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | (code >> 6));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | (code >> 12));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | (code >> 18));
    out += static_cast<char>(0x80 | ((code >> 12) & 0x3F));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  }
}

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool document(Json& out) {
    blanks();
    if (!value(out, 0)) return false;
    blanks();
    return at_ == text_.size();
  }

 private:
  bool peek(char c) const { return at_ < text_.size() && text_[at_] == c; }
  bool take(char c) {
    if (!peek(c)) return false;
    ++at_;
    return true;
  }
  bool word(std::string_view w) {
    if (text_.substr(at_, w.size()) != w) return false;
    at_ += w.size();
    return true;
  }
  void blanks() {
    while (peek(' ') || peek('\t') || peek('\n') || peek('\r')) ++at_;
  }

  bool value(Json& out, int level) {
    if (at_ >= text_.size()) return false;
    switch (text_[at_]) {
      case 'n': return out.kind = Json::Kind::kNull, word("null");
      case 't': return out.kind = Json::Kind::kBool, out.boolean = true, word("true");
      case 'f': return out.kind = Json::Kind::kBool, word("false");
      case '"': return out.kind = Json::Kind::kString, string(out.text);
      case '[': return out.kind = Json::Kind::kArray, array(out, level + 1);
      case '{': return out.kind = Json::Kind::kObject, object(out, level + 1);
      default: return out.kind = Json::Kind::kNumber, number(out.text);
    }
  }

  bool array(Json& out, int level) {
    if (level > kMaxLevels) return false;
    ++at_;
    blanks();
    if (take(']')) return true;
    do {
      blanks();
      if (!value(out.items.emplace_back(), level)) return false;
      blanks();
    } while (take(','));
    return take(']');
  }

  bool object(Json& out, int level) {
    if (level > kMaxLevels) return false;
    ++at_;
    blanks();
    if (take('}')) return true;
    do {
      blanks();
      auto& [name, member] = out.members.emplace_back();
      if (!peek('"') || !string(name)) return false;
      blanks();
      if (!take(':')) return false;
      blanks();
      if (!value(member, level)) return false;
      blanks();
    } while (take(','));
    return take('}');
  }

  bool digits() {
    const size_t start = at_;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
    return at_ > start;
  }

  bool number(std::string& token) {
    const size_t start = at_;
    take('-');
    if (!take('0') && !digits()) return false;
    if (take('.') && !digits()) return false;
    if (peek('e') || peek('E')) {
      ++at_;
      if (!take('+')) take('-');
      if (!digits()) return false;
    }
    token = text_.substr(start, at_ - start);
    return true;
  }

  bool hex4(uint32_t& code) {
    if (at_ + 4 > text_.size()) return false;
    const char* first = text_.data() + at_;
    auto [end, error] = std::from_chars(first, first + 4, code, 16);
    at_ += 4;
    return error == std::errc() && end == first + 4;
  }

  bool escape_u(std::string& out) {
    uint32_t code = 0;
    if (!hex4(code)) return false;
    if (code >= 0xDC00 && code <= 0xDFFF) return false;
    if (code >= 0xD800 && code <= 0xDBFF) {
      uint32_t low = 0;
      if (!take('\\') || !take('u') || !hex4(low) || low < 0xDC00 || low > 0xDFFF) return false;
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    append_utf8(out, code);
    return true;
  }

  bool string(std::string& out) {
    ++at_;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '"') return true;
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c != '\\') {
        out += c;
        continue;
      }
      if (at_ >= text_.size()) return false;
      const char escape = text_[at_++];
      constexpr std::string_view kFrom = "\"\\/bfnrt";
      constexpr std::string_view kTo = "\"\\/\b\f\n\r\t";
      const size_t index = kFrom.find(escape);
      if (escape == 'u' ? !escape_u(out) : index == std::string_view::npos) return false;
      if (escape != 'u') out += kTo[index];
    }
    return false;
  }

  std::string_view text_;
  size_t at_ = 0;
};

int utf8_length(std::string_view rest) {
  const auto byte = [&](size_t i) { return i < rest.size() ? static_cast<unsigned char>(rest[i]) : 0u; };
  const auto tail = [&](size_t i) { return (byte(i) & 0xC0) == 0x80; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return tail(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    const bool shortest = lead != 0xE0 || byte(1) >= 0xA0;
    const bool no_surrogate = lead != 0xED || byte(1) < 0xA0;
    return tail(1) && tail(2) && shortest && no_surrogate ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const bool in_range = (lead != 0xF0 || byte(1) >= 0x90) && (lead != 0xF4 || byte(1) < 0x90);
    return tail(1) && tail(2) && tail(3) && in_range ? 4 : 0;
  }
  return 0;
}

}  // namespace

const Json* Json::find(std::string_view name) const {
  for (const auto& [member, value] : members) {
    if (member == name) return &value;
  }
  return nullptr;
}

bool is_utf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const int length = utf8_length(text.substr(i));
    if (length == 0) return false;
    i += static_cast<size_t>(length);
  }
  return true;
}

std::optional<Json> parse_json(std::string_view text) {
  Json out;
  if (!is_utf8(text) || !Reader(text).document(out)) return std::nullopt;
  return out;
}

std::string quote_json(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      constexpr char kHex[] = "0123456789abcdef";
      out += "\\u00";
      out += kHex[static_cast<unsigned char>(c) >> 4];
      out += kHex[c & 0xF];
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string render_double(double value) {
  if (!std::isfinite(value)) return "null";
  char buffer[64];
  auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, value);
  std::string out(buffer, end);
  return out.find_first_of(".e") == std::string::npos ? out + ".0" : out;
}

std::string render_json(const Json& value) {
  std::string out;
  switch (value.kind) {
    case Json::Kind::kNull: return "null";
    case Json::Kind::kBool: return value.boolean ? "true" : "false";
    case Json::Kind::kString: return quote_json(value.text);
    case Json::Kind::kNumber:
      if (value.text.find_first_of(".eE") == std::string::npos) return value.text;
      return render_double(std::strtod(value.text.c_str(), nullptr));
    case Json::Kind::kArray:
      for (const Json& item : value.items) out += (out.empty() ? "" : ",") + render_json(item);
      return "[" + out + "]";
    case Json::Kind::kObject:
      for (const auto& [name, member] : value.members) {
        out += (out.empty() ? "" : ",") + quote_json(name) + ":" + render_json(member);
      }
      return "{" + out + "}";
  }
  return out;
}

}  // namespace tidemark::oracle
