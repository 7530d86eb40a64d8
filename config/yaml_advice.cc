// The parser's messages are told apart by their text, and one that is not known is passed on as it is. Only the line at
// fault, the last node and the bracket still open are looked at.
#include "config/yaml_advice.h"

#include <algorithm>

#include <fmt/format.h>

namespace tidemark {
namespace {

constexpr std::string_view kQuoteAll = "quote the whole value, for example with '...' (a ' inside is written '')";

// Where the value of a `- key: value` line begins: behind its dashes and its first `: `.
size_t value_of_line(std::string_view line) {
  size_t at = line.find_first_not_of(" \t");
  if (at == std::string_view::npos) return line.size();
  while (line.substr(at, 2) == "- ") at = std::min(line.find_first_not_of(' ', at + 1), line.size());
  const size_t colon = line.find(": ", at);
  if (colon == std::string_view::npos) return at;
  return std::min(line.find_first_not_of(' ', colon + 1), line.size());
}

struct Line {
  size_t value_position = 0;  // in the source
  char first = '\0';          // of the value
};

Line line_at(const SyntaxProblem& p) {
  const std::string_view line = p.lines.line_at(p.position);
  const size_t value = value_of_line(line);
  return {p.lines.line_start(p.position) + value, value < line.size() ? line[value] : '\0'};
}

bool only_blanks_follow(std::string_view source, size_t position) {
  return source.find_first_not_of(" \t\r\n", position) == std::string_view::npos;
}

std::string place(const SyntaxProblem& p, size_t position) {
  const Location where = p.lines.at({}, position);
  return fmt::format("{}:{}", where.line, where.column);
}

Advice begins_with(const SyntaxProblem& p, std::string_view what) {
  return {line_at(p).value_position, fmt::format("a plain value may not begin with `{}`", what),
          std::string(kQuoteAll)};
}

bool tab_indents(const SyntaxProblem& p) {
  const std::string_view line = p.lines.line_at(p.position);
  const size_t text = std::min(line.find_first_not_of(" \t"), line.size());
  return line.substr(0, text).find('\t') != std::string_view::npos;
}

Advice tab(const SyntaxProblem& p) { return {p.lines.line_start(p.position), "a tab may not indent", "use spaces"}; }

Advice map_value(const SyntaxProblem& p) {
  const Line line = line_at(p);
  if (tab_indents(p)) return tab(p);
  if (p.position > line.value_position) {
    return {p.position, "a plain value may not contain `: `", std::string(kQuoteAll)};
  }
  return {p.position, "a key cannot stand here", "check the indentation of this line and of the one above"};
}

Advice unknown_token(const SyntaxProblem& p) {
  const char c = p.position < p.source.size() ? p.source[p.position] : '\0';
  if (p.open_flow) {
    return {p.position, fmt::format("`{}` may not stand here inside {{}} or []", c), std::string(kQuoteInFlow)};
  }
  return begins_with(p, std::string_view(&c, 1));
}

Advice flow_end(const SyntaxProblem& p) {
  const size_t open = p.open_flow.value_or(p.last_position);
  const char bracket = open < p.source.size() ? p.source[open] : '{';
  if (only_blanks_follow(p.source, p.position)) {
    return {open, fmt::format("the `{}` is never closed", bracket), "close it, and quote brackets that belong to text"};
  }
  if (p.position > 0 && p.source.substr(p.position - 1, 2) == "${") {
    return {p.position - 1, "a reference inside {} and [] needs quotes", "quote the whole value: '${NAME}'"};
  }
  return {p.position, fmt::format("unexpected text inside the `{}` opened at {}", bracket, place(p, open)),
          std::string(kQuoteInFlow)};
}

Advice block_end(const SyntaxProblem& p) {
  const Line line = line_at(p);
  if (tab_indents(p)) return tab(p);
  const char last = p.last_position < p.source.size() ? p.source[p.last_position] : '\0';
  if ((last == '\'' || last == '"') && p.lines.line_start(p.last_position) != p.lines.line_start(p.position)) {
    return {p.position, fmt::format("text stands behind the quoted value that began at {}", place(p, p.last_position)),
            "close that quote where its value ends"};
  }
  switch (line.first) {
    case '\'': case '"': return {p.position, "text stands behind a quoted value", std::string(kQuoteAll)};
    case '[': return {p.position, "text stands behind a list", std::string(kQuoteAll)};
    case '{': return {p.position, "text stands behind a map in braces", std::string(kQuoteAll)};
    case ',': return begins_with(p, ",");
    default: break;
  }
  return {p.position, "this line does not line up with the lines above", "check its indentation"};
}

Advice open_quote(const SyntaxProblem& p) {
  for (size_t i = p.last_position; i < p.source.size(); ++i) {
    const char before = i == 0 ? ' ' : p.source[i - 1];
    if ((p.source[i] == '\'' || p.source[i] == '"') &&
        std::string_view(" \n\t[{,:").find(before) != std::string_view::npos) {
      return {i, fmt::format("the quote {} is never closed", p.source[i]), "close it at the end of the value"};
    }
  }
  return {p.position, "the file ends inside a quoted text", "close the quote"};
}

Advice alias(const SyntaxProblem& p) {
  return {p.position, "`*` at the beginning of a value refers to an anchor, and there is none of this name",
          std::string(kQuoteAll)};
}

}  // namespace

Advice explain_syntax(const SyntaxProblem& p) {
  const std::string_view m = p.parser_message;
  if (m == "illegal map value") return map_value(p);
  if (m == "unknown token") return unknown_token(p);
  if (m == "end of map not found" || m == "end of sequence not found") return block_end(p);
  if (m == "end of map flow not found" || m == "end of sequence flow not found") return flow_end(p);
  if (m == "unexpected character in block scalar" || m.starts_with("cannot set zero indentation")) {
    const char c = line_at(p).first;
    return begins_with(p, c == '|' ? "|" : ">");
  }
  if (m == "illegal block entry") return tab_indents(p) ? tab(p) : begins_with(p, "- ");
  if (m == "illegal map key") return begins_with(p, "? ");
  if (m.find("anchor is not defined") != m.npos || m.starts_with("alias not found") || m.ends_with("scanning alias")) {
    return alias(p);
  }
  if (m.starts_with("anchor not found") || m.ends_with("scanning anchor")) return begins_with(p, "&");
  if (m.find("tag") != m.npos || m.find("TAG") != m.npos) return begins_with(p, "!");
  if (m == "illegal flow end") {
    return {p.position, "this bracket closes nothing", std::string(kQuoteAll)};
  }
  if (m == "illegal EOF in scalar") return open_quote(p);
  if (m.starts_with("unknown escape character")) {
    return {p.position, fmt::format("{} in a double-quoted text", m),
            "write \\\\ for a backslash, or use single quotes"};
  }
  if (m == "illegal tab when looking for indentation") return tab(p);
  return {p.position, std::string(m), "this is no YAML that can be read"};
}

}  // namespace tidemark
