// The lexer: one pass over the text, longest match first.
#include "operators/expr/lexer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include <fmt/format.h>

#include "operators/expr/foreign.h"
#include "operators/expr/utf8.h"

namespace tidemark::expr {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_word(char c) { return is_word_start(c) || is_digit(c); }
int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

struct QuoteStyle {
  bool raw = false;
  bool bytes = false;
  std::string_view quote;  // one or three of ' or "
};

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  std::expected<std::vector<Token>, Problem> run() {
    while (true) {
      skip_blanks();
      if (at_ == text_.size()) break;
      begin_ = at_;
      if (!next()) return std::unexpected(std::move(problem_));
    }
    begin_ = at_;
    push(TokenKind::kEnd);
    return std::move(tokens_);
  }

 private:
  char peek(size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
  bool starts(std::string_view what) const { return text_.substr(at_).starts_with(what); }

  bool fail(size_t offset, std::string message, std::string hint = {}) {
    problem_ = {offset, std::move(message), std::move(hint)};
    return false;
  }
  bool push(TokenKind kind, Literal literal = nullptr) {
    tokens_.push_back({kind, begin_, at_, text_.substr(begin_, at_ - begin_), std::move(literal)});
    return true;
  }

  void skip_blanks() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f') {
        ++at_;
      } else if (starts("//")) {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else {
        return;
      }
    }
  }

  bool next() {
    const char c = peek();
    if (const auto style = quote_style()) return string(*style);
    if (is_word_start(c)) {
      while (is_word(peek())) ++at_;
      return push(TokenKind::kWord);
    }
    if (c == '`') return quoted_name();
    if (is_digit(c) || (c == '.' && is_digit(peek(1)))) return number();
    return symbol();
  }

  bool quoted_name() {
    ++at_;
    while (is_word(peek()) || peek() == '.' || peek() == '-' || peek() == '/' || peek() == ' ') ++at_;
    if (peek() != '`') return fail(begin_, "a name in backticks is not closed, or has a character that it cannot have");
    ++at_;
    if (at_ - begin_ == 2) return fail(begin_, "a name in backticks is empty");
    return push(TokenKind::kQuotedName);
  }

  bool symbol() {
    static constexpr std::array<std::string_view, 24> kSymbols{"==", "!=", "<=", ">=", "&&", "||", "<", ">",
                                                               "+",  "-",  "*",  "/",  "%",  "!",  "?", ":",
                                                               ".",  ",",  "(",  ")",  "[",  "]",  "{", "}"};
    for (const std::string_view s : kSymbols) {
      if (!starts(s)) continue;
      at_ += s.size();
      return push(TokenKind::kSymbol);
    }
    const char c = peek();
    std::string hint = hint_for_character(text_.substr(at_));
    if (c == '=' || c == '&' || c == '|') return fail(at_, fmt::format("`{}` is no operator", c), std::move(hint));
    if (c > ' ' && c < 0x7f) return fail(at_, fmt::format("`{}` has no meaning in an expression", c), std::move(hint));
    return fail(at_, fmt::format("byte 0x{:02x} has no meaning outside of a string", static_cast<unsigned char>(c)));
  }

  bool number() {
    if (starts("0x") && hex_value(peek(2)) >= 0) return hex_number();
    while (is_digit(peek())) ++at_;
    bool fractional = false;
    if (peek() == '.' && is_digit(peek(1))) {
      fractional = true;
      ++at_;
      while (is_digit(peek())) ++at_;
    }
    if (peek() == 'e' || peek() == 'E') {
      const size_t sign = peek(1) == '+' || peek(1) == '-' ? 1 : 0;
      if (is_digit(peek(1 + sign))) {
        fractional = true;
        at_ += 1 + sign;
        while (is_digit(peek())) ++at_;
      }
    }
    return fractional ? double_number() : integer(text_.substr(begin_, at_ - begin_), 10);
  }

  bool hex_number() {
    at_ += 2;
    const size_t digits = at_;
    while (hex_value(peek()) >= 0) ++at_;
    return integer(text_.substr(digits, at_ - digits), 16);
  }

  bool integer(std::string_view digits, int base) {
    uint64_t value = 0;
    const auto failed = std::from_chars(digits.data(), digits.data() + digits.size(), value, base).ec;
    const bool is_unsigned = peek() == 'u' || peek() == 'U';
    if (is_unsigned) ++at_;
    if (is_word(peek())) return glued_to_name();
    if (failed != std::errc{}) return fail(begin_, "number does not fit 64 bits", "write it with a `.` for a double");
    return push(is_unsigned ? TokenKind::kUint : TokenKind::kInt, value);
  }

  bool glued_to_name() {
    size_t end = at_;
    while (end < text_.size() && is_word(text_[end])) ++end;
    const std::string_view name = text_.substr(at_, end - at_);
    const bool unit = name == "ms" || name == "s" || name == "m" || name == "h";
    return fail(at_, "a number and a name need a space or an operator between them",
                unit ? fmt::format("write `duration('{}')`", text_.substr(begin_, end - begin_)) : std::string());
  }

  bool double_number() {
    if (is_word(peek())) return glued_to_name();
    double value = 0;
    const auto [end, failed] = std::from_chars(text_.data() + begin_, text_.data() + at_, value);
    // Out of range is either too large or too near to zero; the standard leaves `value` alone in both cases.
    if (failed == std::errc::result_out_of_range) {
      value = std::strtod(std::string(text_.substr(begin_, at_ - begin_)).c_str(), nullptr);
      if (std::isinf(value)) return fail(begin_, "number does not fit a double");
    }
    return push(TokenKind::kDouble, value);
  }

  // The style of the string that starts here, if one does; a prefix may be b, r or br, in either case.
  std::optional<QuoteStyle> quote_style() const {
    QuoteStyle style;
    size_t at = at_;
    if (at < text_.size() && (text_[at] == 'b' || text_[at] == 'B')) style.bytes = true, ++at;
    if (at < text_.size() && (text_[at] == 'r' || text_[at] == 'R')) style.raw = true, ++at;
    const std::string_view rest = text_.substr(at);
    for (const std::string_view quote : {"\"\"\"", "'''", "\"", "'"}) {
      if (!rest.starts_with(quote)) continue;
      style.quote = quote;
      return style;
    }
    return std::nullopt;
  }

  bool string(const QuoteStyle& style) {
    at_ += (style.bytes ? 1 : 0) + (style.raw ? 1 : 0) + style.quote.size();
    std::string value;
    while (!starts(style.quote)) {
      if (at_ == text_.size()) {
        return fail(begin_, "string is not closed", fmt::format("close it with {}", style.quote));
      }
      const char c = text_[at_];
      if (style.quote.size() == 1 && (c == '\n' || c == '\r')) {
        return fail(begin_, "string is not closed on its line", "write three quotes around text of several lines");
      }
      if (c == '\\' && !style.raw) {
        if (!escape(style.bytes, value)) return false;
      } else {
        value.push_back(c);
        ++at_;
      }
    }
    at_ += style.quote.size();
    if (style.bytes) return push(TokenKind::kBytes, Bytes{std::move(value)});
    if (!is_valid_utf8(value)) return fail(begin_, "string is not valid UTF-8", "write bytes as b'...'");
    return push(TokenKind::kString, std::move(value));
  }

  bool escape(bool bytes, std::string& out) {
    static constexpr std::string_view kLetters = "abfnrtv\\?\"'`";
    static constexpr std::string_view kMeanings = "\a\b\f\n\r\t\v\\?\"'`";
    const size_t start = at_++;
    const char c = peek();
    if (const size_t i = kLetters.find(c); i != std::string_view::npos && c != '\0') {
      out.push_back(kMeanings[i]);
      ++at_;
      return true;
    }
    if (c == 'x' || c == 'X') return code(start, 1, 2, 16, bytes, out);
    if (c >= '0' && c <= '3') return code(start, 0, 3, 8, bytes, out);
    if (bytes && (c == 'u' || c == 'U')) {
      return fail(start, fmt::format("`\\{}` has no meaning in bytes", c), "write `\\x..`");
    }
    if (c == 'u') return code(start, 1, 4, 16, bytes, out);
    if (c == 'U') return code(start, 1, 8, 16, bytes, out);
    return fail(start, "unknown escape in a string", "double the backslash, or write r'...'");
  }

  // A number of exactly `digits` digits behind `skip` letters: a byte, or in strings a code point.
  bool code(size_t start, size_t skip, size_t digits, int base, bool bytes, std::string& out) {
    at_ += skip;
    uint32_t value = 0;
    for (size_t i = 0; i < digits; ++i, ++at_) {
      const int digit = hex_value(peek());
      if (digit < 0 || digit >= base) return fail(start, fmt::format("escape needs {} digits", digits));
      value = value * static_cast<uint32_t>(base) + static_cast<uint32_t>(digit);
    }
    if (bytes) {
      out.push_back(static_cast<char>(value));
      return true;
    }
    if (value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) {
      return fail(start, "escape names no Unicode code point");
    }
    append_utf8(value, out);
    return true;
  }

  std::string_view text_;
  size_t at_ = 0;
  size_t begin_ = 0;
  std::vector<Token> tokens_;
  Problem problem_;
};

}  // namespace

std::expected<std::vector<Token>, Problem> tokenize(std::string_view text) { return Lexer(text).run(); }

bool is_keyword(std::string_view word) { return word == "true" || word == "false" || word == "null" || word == "in"; }

bool is_reserved_word(std::string_view word) {
  static constexpr std::array<std::string_view, 17> kWords{
      "as",      "break", "const",   "continue",  "else",   "for", "function", "if",   "import",
      "let",     "loop",  "package", "namespace", "return", "var", "void",     "while"};
  return std::ranges::find(kWords, word) != kWords.end();
}

}  // namespace tidemark::expr
