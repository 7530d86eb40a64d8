// Skipping needs one bit a level and no recursion, and checks each scalar that it passes. skip_rest() counts brackets
// only: what stands behind the last declared field is not judged.
#include "operators/formats/json_cursor.h"

#include <bitset>

namespace tidemark {
namespace {
constexpr const char* kTooDeep = "more than 1,024 levels";
}  // namespace

bool JsonCursor::skip_key() {
  std::string_view key;
  const size_t start = at_;
  if (!take_key(key)) return false;
  if (!may_escape_ || scalar_is_valid(TokenKind::kString, key, may_escape_)) return true;
  at_ = start;
  return fail("a broken escape in a key");
}

bool JsonCursor::skip_scalar(char first_byte) {
  const TokenKind kind = token_kind(first_byte);
  if (kind == TokenKind::kBroken || !scalar_is_valid(kind, token(), may_escape_)) return fail("expected a JSON value");
  next();
  return true;
}

bool JsonCursor::skip_value(size_t levels) {
  const char c = first();
  return c == '{' || c == '[' ? skip_container(levels) : skip_scalar(c);
}

bool JsonCursor::skip_container(size_t levels) {
  std::bitset<kMaxLevels + 1> objects;  // by level: an object, or else an array
  size_t level = levels;
  while (true) {
    const char c = first();
    if (c == '{' || c == '[') {
      if (++level > kMaxLevels) return fail(kTooDeep);
      const bool object = c == '{';
      objects[level] = object;
      next();
      if (first() != (object ? '}' : ']')) {
        if (object && !skip_key()) return false;
        continue;
      }
    } else {
      if (!skip_scalar(c)) return false;
      if (first() == ',') {
        next();
        if (objects[level] && !skip_key()) return false;
        continue;
      }
    }
    while (first() == (objects[level] ? '}' : ']')) {
      next();
      if (--level == levels) return true;
    }
    if (first() != ',') return fail("expected a comma or a closing bracket");
    next();
    if (objects[level] && !skip_key()) return false;
  }
}

bool JsonCursor::skip_rest(size_t levels) {
  if (at_ > 1 && first() != ',' && first() != '}') return fail("expected a comma or a closing bracket");
  for (; at_ < count_; ++at_) {
    const char c = text_[offsets_[at_]];
    if (c == '{' || c == '[') {
      if (++levels > kMaxLevels) return fail(kTooDeep);
    } else if (c == '}' || c == ']') {
      if (--levels > 0) continue;
      next();
      return at_ == count_ || fail("something follows the closing bracket");
    }
  }
  return fail("a bracket is not closed");
}

}  // namespace tidemark
