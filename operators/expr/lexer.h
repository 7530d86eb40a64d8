// Cuts the text of an expression into tokens, with the values of literals worked out. Knows CEL's lexis and nothing of
// its grammar.
#pragma once

#include <expected>
#include <string_view>
#include <vector>

#include "operators/expr/ast.h"
#include "operators/expr/expr.h"

namespace tidemark::expr {

enum class TokenKind : uint8_t {
  kEnd,
  kWord,    // identifiers, keywords and reserved words
  kQuotedName,  // `content-type`, with its backticks; only behind a dot
  kInt,     // the magnitude, as a uint64_t literal: a minus before it belongs to the parser
  kUint,
  kDouble,
  kString,
  kBytes,
  kSymbol,  // operators and brackets
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  size_t begin = 0;
  size_t end = 0;
  std::string_view text;  // in the source
  Literal literal = nullptr;
};

// All tokens of `text`, closed by a kEnd; or the first thing that is no token.
std::expected<std::vector<Token>, Problem> tokenize(std::string_view text);

// `true`, `false`, `null`, `in`: no names anywhere.
bool is_keyword(std::string_view word);
// `namespace`, `package`, ...: words that CEL keeps back; no names of fields or functions.
bool is_reserved_word(std::string_view word);

}  // namespace tidemark::expr
