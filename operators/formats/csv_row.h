// CsvRow cuts one CSV record into its cells, by RFC 4180 and strictly: what is no CSV is refused, never guessed at. Knows
// no fields and no types.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark {

// How records are written.
struct CsvLayout {
  char delimiter = ',';
  std::optional<char> quote = '"';   // none: it is a character like others
  std::vector<std::string> columns;  // in the order of a record; empty: the declared fields, in theirs
  std::string null_text;             // a cell of this text, not quoted, is null
  bool trim = false;                 // spaces and tabs around cells and around quotes do not count
};

struct CsvCell {
  std::string_view text;  // without quotes
  bool quoted = false;
};

// Single-threaded; keeps its memory.
class CsvRow {
 public:
  explicit CsvRow(const CsvLayout& layout) : delimiter_(layout.delimiter), quote_(layout.quote), trim_(layout.trim) {}

  // Cuts `record`, which may end with one line break. False where it is no CSV record, see problem(). The cells' views
  // point into `record`, or here, until the next call.
  bool split(std::string_view record);
  const std::vector<CsvCell>& cells() const { return cells_; }
  // "column 2: ...", for people.
  const std::string& problem() const { return problem_; }

 private:
  // Each passes one cell and ends at the delimiter behind it, or at the end.
  bool take_plain(std::string_view record, size_t& at);
  bool take_quoted(std::string_view record, size_t& at);
  size_t skip_blanks(std::string_view record, size_t at) const;
  bool is_blank(char c) const { return (c == ' ' || c == '\t') && c != delimiter_; }
  bool fail(std::string_view what);

  const char delimiter_;
  const std::optional<char> quote_;
  const bool trim_;
  std::vector<CsvCell> cells_;
  std::string unquoted_;  // cells with quotes inside of them
  std::string problem_;
};

}  // namespace tidemark
