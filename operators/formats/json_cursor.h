// JsonCursor walks over the tokens of one JSON text and skips values strictly: what it passes is JSON. Knows no fields.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "operators/formats/json_tokens.h"
#include "operators/formats/json_values.h"

namespace tidemark {

// A light view, valid as long as the text and the token index. Functions that answer false have noted why: see
// problem().
class JsonCursor {
 public:
  // The deepest nesting allowed; the outermost container is the first level.
  static constexpr size_t kMaxLevels = 1024;

  JsonCursor() = default;
  JsonCursor(std::string_view text, const JsonTokens& tokens, bool may_escape)
      : text_(text.data()), offsets_(tokens.offsets()), count_(tokens.count()), may_escape_(may_escape) {}

  // The first byte of the token here; 0 at the end.
  char first() const { return at_ < count_ ? text_[offsets_[at_]] : '\0'; }
  // The whole token here, without the whitespace behind it. Not at the end.
  std::string_view token() const {
    const uint32_t begin = offsets_[at_];
    uint32_t end = offsets_[at_ + 1];
    while (end > begin && is_space(text_[end - 1])) --end;
    return {text_ + begin, end - begin};
  }
  void next() { ++at_; }
  size_t position() const { return at_; }
  void go_to(size_t position) { at_ = position; }
  bool may_escape() const { return may_escape_; }

  // Passes a key and its colon; `key` is its token with the quotes, escapes unjudged.
  bool take_key(std::string_view& key) {
    if (first() != '"') return fail("expected a key");
    key = token();
    if (key.size() < 2 || key.back() != '"') return fail("a broken key");
    next();
    if (first() != ':') return fail("expected a colon behind a key");
    next();
    return true;
  }
  // Passes any value; `levels` containers are open around it.
  bool skip_value(size_t levels);
  // Passes everything that is left. Judges how the last value ends (where there was one) and the nesting: the last of
  // `levels` open containers must close with the last token.
  bool skip_rest(size_t levels);

  bool fail(const char* what) {
    problem_ = what;
    return false;
  }
  const char* problem() const { return problem_; }
  // Where the present token begins, in bytes.
  size_t offset() const { return offsets_[at_ < count_ ? at_ : count_]; }

 private:
  static bool is_space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }
  bool skip_scalar(char first_byte);
  bool skip_key();
  bool skip_container(size_t levels);

  const char* text_ = nullptr;
  const uint32_t* offsets_ = nullptr;
  size_t count_ = 0;
  size_t at_ = 0;
  bool may_escape_ = false;
  const char* problem_ = nullptr;
};

}  // namespace tidemark
