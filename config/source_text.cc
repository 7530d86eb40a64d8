// Walks a value beside its source, each style by its own rules, and notes a piece wherever the two part. References are
// replaced here too, as pieces of their own: a problem inside of one points at its beginning.
#include "config/source_text.h"

#include <algorithm>
#include <optional>
#include <vector>

#include <fmt/format.h>

namespace tidemark {

Location locate(const SourceText& text, size_t offset) {
  Location where = text.where;
  if (text.pieces.empty()) {
    where.column += static_cast<int>(offset);
    return where;
  }
  const auto after = std::ranges::upper_bound(text.pieces, offset, {}, &SourceText::Piece::offset);
  const SourceText::Piece& piece = after == text.pieces.begin() ? *after : *std::prev(after);
  where.line = piece.line;
  where.column = piece.column;
  if (!piece.fixed && offset > piece.offset) where.column += static_cast<int>(offset - piece.offset);
  return where;
}

LineIndex::LineIndex(std::string_view text) : text_(text), starts_{0} {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') starts_.push_back(i + 1);
  }
}

size_t LineIndex::line_of(size_t position) const {
  return static_cast<size_t>(std::ranges::upper_bound(starts_, position) - starts_.begin()) - 1;
}

Location LineIndex::at(const std::string& file, size_t position) const {
  const size_t line = line_of(position);
  return {file, static_cast<int>(line) + 1, static_cast<int>(position - starts_[line]) + 1};
}

size_t LineIndex::line_start(size_t position) const { return starts_[line_of(position)]; }

std::string_view LineIndex::line_at(size_t position) const {
  const size_t line = line_of(position);
  const size_t end = line + 1 < starts_.size() ? starts_[line + 1] - 1 : text_.size();
  return text_.substr(starts_[line], end - starts_[line]);
}

namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

// Walks source and value side by side.
class Aligner {
 public:
  Aligner(std::string_view source, const LineIndex& lines, size_t position, Node::Style style, std::string_view value)
      : source_(source), lines_(lines), at_(position), style_(style), value_(value) {}

  std::vector<SourceText::Piece> run() {
    if (style_ == Node::Style::kBlock) enter_block();
    if (style_ == Node::Style::kSingleQuoted || style_ == Node::Style::kDoubleQuoted) ++at_;
    mark();
    while (done_ < value_.size() && at_ < source_.size() && step()) {
    }
    return std::move(pieces_);
  }

 private:
  bool step() {
    if (style_ == Node::Style::kDoubleQuoted && source_[at_] == '\\') return escape();
    if (style_ == Node::Style::kSingleQuoted && source_.substr(at_, 2) == "''") return take(2, 1);
    if (at_line_end()) return line_break();
    if (source_[at_] != value_[done_]) return false;
    ++at_;
    ++done_;
    return true;
  }

  // Whether only blanks separate us from the end of the line, in a style that may drop them.
  bool at_line_end() const {
    size_t i = at_;
    if (style_ != Node::Style::kBlock) {
      while (i < source_.size() && is_blank(source_[i])) ++i;
    } else if (source_[i] == '\r') {
      ++i;
    }
    return i < source_.size() && source_[i] == '\n';
  }

  // A run of line ends becomes a blank or some line ends of the value.
  bool line_break() {
    if (value_[done_] != ' ' && value_[done_] != '\n') return false;
    while (at_ < source_.size() && (is_blank(source_[at_]) || source_[at_] == '\n')) {
      const bool end = source_[at_] == '\n';
      ++at_;
      if (end && style_ == Node::Style::kBlock) {
        skip_indent();
        break;
      }
    }
    if (style_ == Node::Style::kBlock) {
      // Folding drops one of several line ends, so the value may already stand behind this one.
      ++done_;
      while (at_ < source_.size() && done_ < value_.size() && source_[at_] == '\n' && value_[done_] != '\n') {
        ++at_;
        skip_indent();
      }
    } else if (value_[done_] == ' ') {
      ++done_;
    } else {
      while (done_ < value_.size() && value_[done_] == '\n') ++done_;
    }
    mark();
    return true;
  }

  bool escape() {
    static constexpr std::string_view kHex = "xuU";
    const char kind = at_ + 1 < source_.size() ? source_[at_ + 1] : '\0';
    if (kind == '\n' || kind == '\r') {  // an escaped line end stands for nothing
      at_ += 2;
      while (at_ < source_.size() && (is_blank(source_[at_]) || source_[at_] == '\n')) ++at_;
      mark();
      return true;
    }
    const size_t hex = kHex.find(kind);
    size_t bytes = 1;
    if (hex != std::string_view::npos || kind == 'N' || kind == '_' || kind == 'L' || kind == 'P') {
      const auto lead = static_cast<unsigned char>(value_[done_]);
      bytes = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    }
    return take(hex == std::string_view::npos ? 2 : 2 + (size_t{2} << hex), bytes);
  }

  bool take(size_t from_source, size_t from_value) {
    mark();  // a byte from an escape is found at its beginning
    at_ = std::min(at_ + from_source, source_.size());
    done_ = std::min(done_ + from_value, value_.size());
    mark();
    return true;
  }

  void enter_block() {
    while (at_ < source_.size() && source_[at_] != '\n') ++at_;
    if (at_ < source_.size()) ++at_;
    // The first line with something on it sets the indentation. (A leading blank line has its own line end in the
    // value.)
    size_t line = at_;
    while (line < source_.size()) {
      size_t i = line;
      while (i < source_.size() && source_[i] == ' ') ++i;
      if (i >= source_.size() || source_[i] != '\n') {
        indent_ = i - line;
        break;
      }
      line = i + 1;
    }
    skip_indent();
  }

  void skip_indent() {
    for (size_t i = 0; i < indent_ && at_ < source_.size() && source_[at_] == ' '; ++i) ++at_;
  }

  void mark() {
    const Location where = lines_.at({}, at_);
    if (!pieces_.empty() && pieces_.back().offset == done_) pieces_.pop_back();
    pieces_.push_back({done_, where.line, where.column, false});
  }

  std::string_view source_;
  const LineIndex& lines_;
  size_t at_;        // in the source
  Node::Style style_;
  std::string_view value_;
  size_t done_ = 0;  // in the value
  size_t indent_ = 0;
  std::vector<SourceText::Piece> pieces_;
};

}  // namespace

std::vector<SourceText::Piece> align(std::string_view source, const LineIndex& lines, size_t position,
                                     Node::Style style, std::string_view value) {
  if (style == Node::Style::kPlain && source.substr(position, value.size()) == value) return {};
  return Aligner(source, lines, position, style, value).run();
}

// ---- References

namespace {

constexpr std::string_view kForms = "write ${NAME}, ${NAME:-default}, or $${ for a literal ${";

bool is_name_char(char c, bool first) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (!first && c >= '0' && c <= '9');
}

// Builds the replaced text and its pieces.
class Replacer {
 public:
  Replacer(const SourceText& in, const Environment& environment, Diagnostics& diagnostics)
      : in_(in), environment_(environment), diagnostics_(diagnostics) {}

  std::optional<SourceText> run() {
    const std::string_view rest = in_.value;
    bool ok = true;
    size_t at = 0;
    while (at < rest.size()) {
      const size_t found = rest.find('$', at);
      keep(at, std::min(found, rest.size()));
      if (found == std::string_view::npos) break;
      if (rest.substr(found, 3) == "$${") {
        keep(found + 1, found + 3);
        at = found + 3;
      } else if (rest.substr(found, 2) == "${") {
        ok &= reference(found, at);
      } else {
        keep(found, found + 1);
        at = found + 1;
      }
    }
    if (!ok) return std::nullopt;
    out_.where = in_.where;
    return std::move(out_);
  }

 private:
  // The reference that begins at `begin`; `end` is set behind it.
  bool reference(size_t begin, size_t& end) {
    const std::string_view text = in_.value;
    const size_t close = text.find('}', begin);
    end = close == std::string_view::npos ? text.size() : close + 1;
    if (close == std::string_view::npos) return refuse(begin, "the reference `${` is not closed with `}`");
    const std::string_view body = text.substr(begin + 2, close - begin - 2);
    size_t n = 0;
    while (n < body.size() && is_name_char(body[n], n == 0)) ++n;
    const std::string_view name = body.substr(0, n);
    const std::string_view rest = body.substr(n);
    const bool with_default = rest.starts_with(":-");
    if (name.empty() || (!rest.empty() && !with_default) || body.find("${") != std::string_view::npos) {
      return refuse(begin, fmt::format("`${{{}}}` is not a reference", body));
    }
    const auto found = environment_.find(name);
    const bool set = found != environment_.end() && !(with_default && found->second.empty());
    if (!set && !with_default) {
      diagnostics_.error(locate(in_, begin), fmt::format("`{}` is not set in the environment", name),
                         fmt::format("set it, or give a default with ${{{}:-default}}", name));
      return false;
    }
    out_.pieces.push_back(piece_at(begin, true));
    out_.value += set ? std::string_view(found->second) : rest.substr(2);
    return true;
  }

  bool refuse(size_t at, std::string message) {
    diagnostics_.error(locate(in_, at), std::move(message), std::string(kForms));
    return false;
  }

  SourceText::Piece piece_at(size_t offset, bool fixed) const {
    const Location where = locate(in_, offset);
    return {out_.value.size(), where.line, where.column, fixed};
  }

  void keep(size_t begin, size_t end) {
    if (begin >= end) return;
    out_.pieces.push_back(piece_at(begin, false));
    for (const SourceText::Piece& piece : in_.pieces) {
      if (piece.offset <= begin || piece.offset >= end) continue;
      out_.pieces.push_back(piece);
      out_.pieces.back().offset = out_.value.size() + piece.offset - begin;
    }
    out_.value.append(in_.value, begin, end - begin);
  }

  const SourceText& in_;
  const Environment& environment_;
  Diagnostics& diagnostics_;
  SourceText out_;
};

}  // namespace

bool replace_references(SourceText& text, const Environment& environment, Diagnostics& diagnostics) {
  if (text.value.find("${") == std::string::npos) return true;
  std::optional<SourceText> replaced = Replacer(text, environment, diagnostics).run();
  if (!replaced) return false;
  text = std::move(*replaced);
  return true;
}

}  // namespace tidemark
