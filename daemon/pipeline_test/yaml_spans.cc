// Nodes know where they begin. Scalars know where each of their bytes lies, and so where they end; a collection ends
// with its last part, or with its bracket.
#include "daemon/pipeline_test/yaml_spans.h"

#include <algorithm>

namespace tidemark {

YamlSpans::YamlSpans(std::string_view text) : text_(text), lines_{0} {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') lines_.push_back(i + 1);
  }
}

size_t YamlSpans::position(const Location& where) const {
  const auto line = static_cast<size_t>(std::max(where.line, 1)) - 1;
  const size_t begin = line < lines_.size() ? lines_[line] : text_.size();
  return std::min(begin + static_cast<size_t>(std::max(where.column, 1)) - 1, text_.size());
}

size_t YamlSpans::column(size_t position) const {
  return position - *std::prev(std::ranges::upper_bound(lines_, position));
}

size_t YamlSpans::behind_colon(const Located<std::string>& key) const {
  const size_t at = text_.find(':', position(key.where) + key.value.size());
  return at == std::string_view::npos ? text_.size() : at + 1;
}

std::optional<size_t> YamlSpans::end_of_scalar(const Node& node) const {
  const bool refers = std::ranges::any_of(node.text.pieces, &SourceText::Piece::fixed);
  if (refers) return std::nullopt;
  size_t end = position(locate(node.text, node.text.value.size()));
  switch (node.style) {
    case Node::Style::kPlain: return end;
    case Node::Style::kSingleQuoted: return std::min(text_.find('\'', end), text_.size() - 1) + 1;
    case Node::Style::kDoubleQuoted: return std::min(text_.find('"', end), text_.size() - 1) + 1;
    case Node::Style::kBlock: break;
  }
  // Its last line end may lie in the indentation of what follows.
  const auto is_blank = [](char c) { return c == ' ' || c == '\n' || c == '\r'; };
  while (end > position(node.where()) + 1 && is_blank(text_[end - 1])) --end;
  return end;
}

size_t YamlSpans::behind_bracket(size_t at, char bracket) const {
  for (; at < text_.size() && text_[at] != bracket; ++at) {
    if (text_[at] == '#') at = std::min(text_.find('\n', at), text_.size() - 1);
  }
  return std::min(at + 1, text_.size());
}

std::optional<size_t> YamlSpans::end_of(const Node& node) const {
  const size_t begin = position(node.where());
  if (node.kind == Node::Kind::kNull) return begin + node.text.value.size();
  if (node.kind == Node::Kind::kScalar) return end_of_scalar(node);
  size_t end = begin + 1;
  const bool is_map = node.kind == Node::Kind::kMap;
  if (is_map && !node.entries.empty()) {
    const Node::Entry& last = node.entries.back();
    const bool unwritten = last.value.kind == Node::Kind::kNull && last.value.text.value.empty();
    const auto inner = unwritten ? std::optional(behind_colon(last.key)) : end_of(last.value);
    if (!inner) return std::nullopt;
    end = *inner;
  } else if (!is_map && !node.items.empty()) {
    const auto inner = end_of(node.items.back());
    if (!inner) return std::nullopt;
    end = *inner;
  }
  return node.flow ? behind_bracket(end, is_map ? '}' : ']') : end;
}

std::optional<Span> YamlSpans::of(const Node& node) const {
  const auto end = end_of(node);
  if (!end) return std::nullopt;
  const size_t begin = position(node.where());
  // What an alias stands for was written elsewhere, but is whole there all the same.
  if (*end < begin) return std::nullopt;
  const bool unwritten = node.kind == Node::Kind::kNull && node.text.value.empty();
  return unwritten ? Span{begin, begin} : Span{begin, *end};
}

}  // namespace tidemark
