// What a YAML syntax error probably means, for people who write expressions into YAML: a table from the parser's words
// and the line at fault to a message and a way out. It deliberately does not parse, and does not know yaml-cpp.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "config/source_text.h"

namespace tidemark {

struct SyntaxProblem {
  std::string_view source;
  const LineIndex& lines;
  std::string parser_message;
  size_t position = 0;               // where the parser stopped
  size_t last_position = 0;          // where the last node that it understood began
  std::optional<size_t> open_flow;   // the innermost { or [ that is not closed yet
};

struct Advice {
  size_t position = 0;
  std::string message;
  std::string hint;
};

Advice explain_syntax(const SyntaxProblem& problem);

inline constexpr std::string_view kQuoteInFlow =
    "inside {} and [], quote text that contains any of , [ ] { } ? or begins with a quote";

}  // namespace tidemark
