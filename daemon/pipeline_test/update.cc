// Where rows keep their number, single values are replaced; where not, the list is written anew, with the rows that
// were right as they stood.
#include "daemon/pipeline_test/update.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "daemon/pipeline_test/yaml_spans.h"
#include "daemon/pipeline_test/yaml_text.h"

namespace tidemark {
namespace {

constexpr size_t kLineWidth = 120;
constexpr const char* kShared = "two expectations stand for each other through an alias, and differ now";
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

std::string value_text(const ObservedField* field) {
  if (!field) return "null";
  // A number that stands for an instant would not tell which.
  if (field->is_time && field->value.is_number_integer() && field->unit == TimestampForm::kMillis) {
    return format_rfc3339(Time::from_millis(field->value.get<int64_t>()));
  }
  return yaml_flow(field->value);
}

class Updater {
 public:
  explicit Updater(std::string_view text) : text_(text), spans_(text) {}

  Status add(const FailedExpectation& failed) {
    const std::vector<Node>& expected = failed.expect->rows.items;
    const std::vector<ObservedRow>& rows = *failed.rows;
    const auto& partner = failed.comparison->partner;
    const bool all_have_one = std::ranges::all_of(partner, [](const auto& p) { return p.has_value(); });
    const bool as_many = !expected.empty() && (!failed.expect->exactly || expected.size() == rows.size());
    if (!all_have_one || !as_many) return replace_list(failed);
    for (size_t e = 0; e < expected.size(); ++e) {
      if (failed.comparison->met[e]) continue;
      if (Status done = replace_values(expected[e], rows[*partner[e]]); !done) return done;
    }
    return {};
  }

  Result<std::string> result() const {
    std::string out(text_);
    size_t last = out.size() + 1;
    for (auto edit = edits_.rbegin(); edit != edits_.rend(); ++edit) {
      const auto& [begin, change] = *edit;
      if (change.end > last) return user_error(kShared);
      out.replace(begin, change.end - begin, change.text);
      last = begin;
    }
    return out;
  }

 private:
  struct Change {
    size_t end = 0;
    std::string text;
  };

  Status change(Span span, std::string text) {
    const auto [known, fresh] = edits_.try_emplace(span.begin, Change{span.end, text});
    if (fresh || known->second.text == text) return {};
    return user_error(kShared);
  }

  Result<Span> span_of(const Node& node) const {
    if (const auto span = spans_.of(node)) return *span;
    return user_error(to_string(node.where()) + ": the value stands for something that is written elsewhere; write it out");
  }

  // The fields of a row that differ.
  Status replace_values(const Node& expected, const ObservedRow& row) {
    for (const Node::Entry& entry : expected.entries) {
      const ObservedField* field = row.find(entry.key.value);
      if (field ? is_as_written(entry.value, *field) : entry.value.kind == Node::Kind::kNull) continue;
      const bool unwritten = entry.value.kind == Node::Kind::kNull && entry.value.text.value.empty();
      if (unwritten) {
        const size_t at = spans_.behind_colon(entry.key);
        if (Status done = change({at, at}, " " + value_text(field)); !done) return done;
        continue;
      }
      const auto span = span_of(entry.value);
      if (!span) return std::unexpected(span.error());
      if (Status done = change(*span, value_text(field)); !done) return done;
    }
    return {};
  }

  std::string row_text(const ObservedRow& row, const std::vector<std::string>& names) const {
    std::string out;
    for (const std::string& name : names) {
      out += (out.empty() ? "" : ", ") + (name.starts_with('$') ? name : yaml_scalar(name)) + ": " +
          value_text(row.find(name));
    }
    return "{" + out + "}";
  }

  static std::vector<std::string> names_of(const Node& expected) {
    std::vector<std::string> names;
    for (const Node::Entry& entry : expected.entries) names.push_back(entry.key.value);
    return names;
  }
  static std::vector<std::string> all_names(const ObservedRow& row) {
    std::vector<std::string> names;
    for (const ObservedField& field : row.fields) names.push_back(field.name);
    if (row.find("$reason")) names.emplace_back("$reason");
    if (row.fields.empty() && row.find("$raw")) names.emplace_back("$raw");
    return names;
  }

  // What was right stays as it was written, if that is one line.
  Result<std::string> row_in_new_list(const Node& expected, bool met, const ObservedRow& row) const {
    if (!met) return row_text(row, names_of(expected));
    const auto span = span_of(expected);
    if (!span) return std::unexpected(span.error());
    const std::string written(text_.substr(span->begin, span->end - span->begin));
    return expected.flow && written.find('\n') == std::string::npos ? written : row_text(row, names_of(expected));
  }

  Status replace_list(const FailedExpectation& failed) {
    const TestExpectSpec& expect = *failed.expect;
    const std::vector<ObservedRow>& rows = *failed.rows;
    std::vector<std::string> lines;
    for (size_t e = 0; e < expect.rows.items.size(); ++e) {
      const auto& partner = failed.comparison->partner[e];
      if (!partner) continue;
      auto line = row_in_new_list(expect.rows.items[e], failed.comparison->met[e], rows[*partner]);
      if (!line) return std::unexpected(line.error());
      lines.push_back(std::move(*line));
    }
    const bool whole = expect.exactly || expect.rows.items.empty();
    for (size_t r = expect.rows.items.size(); whole && r < rows.size(); ++r) {
      const bool named = !expect.rows.items.empty() && !expect.rows.items.back().entries.empty();
      lines.push_back(row_text(rows[r], named ? names_of(expect.rows.items.back()) : all_names(rows[r])));
    }
    const auto span = span_of(expect.rows);
    if (!span) return std::unexpected(span.error());
    return change(*span, list_text(lines, expect.rows.flow, *span, spans_.column(spans_.position(expect.of.where))));
  }

  std::string list_text(const std::vector<std::string>& lines, bool flow, Span span, size_t key_column) const {
    const size_t column = spans_.column(span.begin);
    std::string out;
    if (lines.empty()) return "[]";
    if (!flow) {
      for (const std::string& line : lines) out += (out.empty() ? "" : "\n" + std::string(column, ' ')) + "- " + line;
      return out;
    }
    for (const std::string& line : lines) out += (out.empty() ? "" : ", ") + line;
    if (lines.size() == 1 || column + out.size() + 2 <= kLineWidth) return "[" + out + "]";
    out.clear();
    for (const std::string& line : lines) out += (out.empty() ? "\n" : ",\n") + std::string(key_column + 2, ' ') + line;
    return "[" + out + "]";
  }

  std::string_view text_;
  YamlSpans spans_;
  std::map<size_t, Change> edits_;  // by where they begin
};

}  // namespace

Result<std::string> with_actual_rows(const std::string& text, const std::vector<FailedExpectation>& failed) {
  std::string_view body = text;
  const bool marked = body.starts_with(kByteOrderMark);
  if (marked) body.remove_prefix(kByteOrderMark.size());
  Updater updater(body);
  for (const FailedExpectation& one : failed) {
    if (Status added = updater.add(one); !added) return std::unexpected(added.error());
  }
  auto out = updater.result();
  if (out && marked) out->insert(0, kByteOrderMark);
  return out;
}

}  // namespace tidemark
