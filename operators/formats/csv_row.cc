// Source: RFC 4180, section 2. A record is all there is: a line break outside of quotes may only end it.
#include "operators/formats/csv_row.h"

#include <algorithm>

#include <fmt/format.h>

namespace tidemark {
namespace {

std::string_view without_line_break(std::string_view record) {
  if (!record.ends_with('\n')) return record;
  record.remove_suffix(1);
  if (record.ends_with('\r')) record.remove_suffix(1);
  return record;
}

}  // namespace

bool CsvRow::fail(std::string_view what) {
  problem_ = fmt::format("column {}: {}", cells_.size() + 1, what);
  return false;
}

size_t CsvRow::skip_blanks(std::string_view record, size_t at) const {
  while (trim_ && at < record.size() && is_blank(record[at])) ++at;
  return at;
}

bool CsvRow::split(std::string_view record) {
  record = without_line_break(record);
  cells_.clear();
  unquoted_.clear();
  unquoted_.reserve(record.size());  // so that views into it stay valid
  for (size_t at = 0;; ++at) {
    at = skip_blanks(record, at);
    const bool quoted = quote_ && at < record.size() && record[at] == *quote_;
    if (!(quoted ? take_quoted(record, at) : take_plain(record, at))) return false;
    if (at == record.size()) return true;
  }
}

bool CsvRow::take_plain(std::string_view record, size_t& at) {
  const size_t begin = at;
  at = std::min(record.find(delimiter_, begin), record.size());
  std::string_view text = record.substr(begin, at - begin);
  if (text.find_first_of("\r\n") != std::string_view::npos) return fail("a line break that is not quoted");
  if (quote_ && text.find(*quote_) != std::string_view::npos) return fail("a quote in a value that is not quoted");
  while (trim_ && !text.empty() && is_blank(text.back())) text.remove_suffix(1);
  cells_.push_back({text, false});
  return true;
}

bool CsvRow::take_quoted(std::string_view record, size_t& at) {
  const char quote = *quote_;
  const size_t begin = at + 1;
  size_t part = begin;  // of the text, up to a doubled quote
  const size_t kept = unquoted_.size();
  bool doubled = false;
  size_t end = 0;
  while (true) {
    end = record.find(quote, part);
    if (end == std::string_view::npos) return fail("a quoted value that does not end");
    if (end + 1 == record.size() || record[end + 1] != quote) break;
    unquoted_.append(record.substr(part, end + 1 - part));
    doubled = true;
    part = end + 2;
  }
  at = skip_blanks(record, end + 1);
  if (at < record.size() && record[at] != delimiter_) return fail("something follows the closing quote");
  if (doubled) unquoted_.append(record.substr(part, end - part));
  const std::string_view text = doubled ? std::string_view(unquoted_).substr(kept) : record.substr(begin, end - begin);
  cells_.push_back({text, true});
  return true;
}

}  // namespace tidemark
