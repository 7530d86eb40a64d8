// Which row meets which expectation is a matching of the largest size: an expectation that names little may take a row
// that another one needs. What finds none is laid beside the row that is left and has most in common with it.
#include "daemon/pipeline_test/expectation.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "daemon/pipeline_test/yaml_text.h"

namespace tidemark {
namespace {

constexpr size_t kRowsShown = 3;

template <class Number>
std::optional<Number> number_in(const std::string& text) {
  Number number{};
  const char* begin = text.data() + (text.starts_with('+') ? 1 : 0);
  const auto [end, error] = std::from_chars(begin, text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

std::optional<Time> time_of(const Json& value, TimestampForm unit) {
  if (value.is_string()) return parse_rfc3339(value.get_ref<const std::string&>());
  if (!value.is_number()) return std::nullopt;
  switch (unit) {
    case TimestampForm::kSeconds: return Time{static_cast<int64_t>(std::llround(value.get<double>() * 1e6))};
    case TimestampForm::kMillis:
      if (value.is_number_integer()) return Time::from_millis(value.get<int64_t>());
      return std::nullopt;
    case TimestampForm::kMicros:
      if (value.is_number_integer()) return Time{value.get<int64_t>()};
      return std::nullopt;
    case TimestampForm::kIso: return std::nullopt;
  }
  __builtin_unreachable();
}

std::optional<Time> written_time(const Node& node, const ObservedField& actual) {
  if (const auto time = parse_rfc3339(node.text.value)) return time;
  if (node.style != Node::Style::kPlain) return std::nullopt;
  if (actual.unit == TimestampForm::kSeconds) {
    const auto seconds = number_in<double>(node.text.value);
    return seconds ? std::optional(Time{static_cast<int64_t>(std::llround(*seconds * 1e6))}) : std::nullopt;
  }
  const auto number = number_in<int64_t>(node.text.value);
  if (!number) return std::nullopt;
  return actual.unit == TimestampForm::kMicros ? Time{*number} : Time::from_millis(*number);
}

bool same_number(const std::string& text, const Json& value) {
  if (value.is_number_unsigned()) {
    if (const auto n = number_in<uint64_t>(text)) return *n == value.get<uint64_t>();
  } else if (value.is_number_integer()) {
    if (const auto n = number_in<int64_t>(text)) return *n == value.get<int64_t>();
  }
  const auto n = number_in<double>(text);
  return n && *n == value.get<double>();
}

bool same_scalar(const Node& expected, const Json& value) {
  const std::string& text = expected.text.value;
  if (value.is_string()) return text == value.get_ref<const std::string&>();
  if (expected.style != Node::Style::kPlain) return false;
  if (value.is_boolean()) return text == (value.get<bool>() ? "true" : "false");
  return value.is_number() && same_number(text, value);
}

bool same_value(const Node& expected, const Json& value) {
  switch (expected.kind) {
    case Node::Kind::kNull: return value.is_null();
    case Node::Kind::kScalar: return same_scalar(expected, value);
    case Node::Kind::kSequence: {
      if (!value.is_array() || value.size() != expected.items.size()) return false;
      for (size_t i = 0; i < expected.items.size(); ++i) {
        if (!same_value(expected.items[i], value[i])) return false;
      }
      return true;
    }
    case Node::Kind::kMap:
      return value.is_object() && std::ranges::all_of(expected.entries, [&](const Node::Entry& entry) {
        const auto found = value.find(entry.key.value);
        return found != value.end() && same_value(entry.value, *found);
      });
  }
  __builtin_unreachable();
}

// A field that is not there is null.
bool field_meets(const Node::Entry& entry, const ObservedRow& row) {
  const ObservedField* field = row.find(entry.key.value);
  return field ? is_as_written(entry.value, *field) : entry.value.kind == Node::Kind::kNull;
}

size_t fields_met(const Node& expected, const ObservedRow& row) {
  const auto meets = [&](const Node::Entry& entry) { return field_meets(entry, row); };
  return static_cast<size_t>(std::ranges::count_if(expected.entries, meets));
}

bool row_meets(const Node& expected, const ObservedRow& row) {
  return fields_met(expected, row) == expected.entries.size();
}

// Fields, and those words that the expectation names.
std::string shown(const ObservedRow& row, const Node* expected) {
  std::string out;
  const auto add = [&](const ObservedField& field) {
    out += (out.empty() ? "" : ", ") + yaml_scalar(field.name) + ": " + yaml_flow(field.value);
  };
  for (const ObservedField& field : row.fields) add(field);
  for (const ObservedField& word : row.words) {
    const bool named = expected && std::ranges::any_of(expected->entries,
                                                       [&](const auto& e) { return e.key.value == word.name; });
    const bool tells = word.name == "$reason" || (word.name == "$raw" && row.fields.empty());
    if (named || tells) add(word);
  }
  return "{" + out + "}";
}

std::string first_difference(const Node& expected, const ObservedRow& row) {
  for (const Node::Entry& entry : expected.entries) {
    if (field_meets(entry, row)) continue;
    const ObservedField* field = row.find(entry.key.value);
    const std::string got = field ? yaml_flow(field->value) : "nothing";
    return fmt::format("{}: expected {}, got {}", entry.key.value, yaml_flow(entry.value), got);
  }
  return {};
}

class Matching {
 public:
  Matching(const std::vector<Node>& expected, const std::vector<ObservedRow>& rows)
      : expected_(expected), rows_(rows), taker_(rows.size()) {}

  std::vector<std::optional<size_t>> run() {
    for (size_t e = 0; e < expected_.size(); ++e) {
      std::vector<bool> tried(rows_.size());
      find_row(e, tried);
    }
    std::vector<std::optional<size_t>> partner(expected_.size());
    for (size_t r = 0; r < rows_.size(); ++r) {
      if (taker_[r]) partner[*taker_[r]] = r;
    }
    return partner;
  }

 private:
  // Takes a free row, or one whose taker finds another.
  bool find_row(size_t e, std::vector<bool>& tried) {
    for (size_t r = 0; r < rows_.size(); ++r) {
      if (tried[r] || !row_meets(expected_[e], rows_[r])) continue;
      tried[r] = true;
      if (taker_[r] && !find_row(*taker_[r], tried)) continue;
      taker_[r] = e;
      return true;
    }
    return false;
  }
  const std::vector<Node>& expected_;
  const std::vector<ObservedRow>& rows_;
  std::vector<std::optional<size_t>> taker_;  // by row
};

std::optional<size_t> nearest_row(const Node& expected, const std::vector<ObservedRow>& rows,
                                  const std::vector<bool>& taken) {
  std::optional<size_t> nearest;
  for (size_t r = 0; r < rows.size(); ++r) {
    if (taken[r]) continue;
    if (!nearest || fields_met(expected, rows[r]) > fields_met(expected, rows[*nearest])) nearest = r;
  }
  return nearest;
}

void add_missing(const Node& expected, const ObservedRow* got, std::string what, Comparison& out) {
  Mismatch mismatch{expected.where(), std::move(what), yaml_flow(expected), {}, {}};
  if (got) {
    mismatch.got.push_back(shown(*got, &expected));
    mismatch.differs = first_difference(expected, *got);
  }
  out.mismatches.push_back(std::move(mismatch));
}

void add_unexpected(const Location& where, const std::vector<ObservedRow>& rows, size_t first, std::string what,
                    Comparison& out) {
  Mismatch mismatch{where, std::move(what), {}, {}, {}};
  const size_t end = std::min(rows.size(), first + kRowsShown);
  for (size_t r = first; r < end; ++r) mismatch.got.push_back(shown(rows[r], nullptr));
  if (end < rows.size()) mismatch.got.push_back(fmt::format("and {} more", rows.size() - end));
  out.mismatches.push_back(std::move(mismatch));
}

Comparison compare_in_order(const TestExpectSpec& expect, const std::vector<ObservedRow>& rows, Comparison out) {
  const std::vector<Node>& expected = expect.rows.items;
  for (size_t i = 0; i < expected.size(); ++i) {
    if (i >= rows.size()) {
      add_missing(expected[i], nullptr, fmt::format("there is no row {}: {} came", i + 1, rows.size()), out);
      continue;
    }
    out.partner[i] = i;
    out.met[i] = out.taken[i] = row_meets(expected[i], rows[i]);
    if (!out.met[i]) add_missing(expected[i], &rows[i], fmt::format("row {} is another", i + 1), out);
  }
  if (rows.size() > expected.size()) {
    const size_t more = rows.size() - expected.size();
    const std::string what = fmt::format("{} more row{} came", more, more == 1 ? "" : "s");
    add_unexpected(expect.rows.where(), rows, expected.size(), what, out);
  }
  return out;
}

}  // namespace

bool is_as_written(const Node& expected, const ObservedField& actual) {
  if (actual.is_time && expected.kind == Node::Kind::kScalar) {
    const auto time = time_of(actual.value, actual.unit);
    const auto wanted = written_time(expected, actual);
    if (time && wanted) return *time == *wanted;
  }
  return same_value(expected, actual.value);
}

Comparison compare(const TestExpectSpec& expect, const std::vector<ObservedRow>& rows) {
  const std::vector<Node>& expected = expect.rows.items;
  Comparison out;
  out.partner.resize(expected.size());
  out.met.resize(expected.size());
  out.taken.resize(rows.size());
  if (expect.exactly) return compare_in_order(expect, rows, std::move(out));
  if (expected.empty() && !rows.empty()) {
    add_unexpected(expect.rows.where(), rows, 0, fmt::format("no row was expected, and {} came", rows.size()), out);
    return out;
  }
  out.partner = Matching(expected, rows).run();
  for (size_t e = 0; e < expected.size(); ++e) {
    out.met[e] = out.partner[e].has_value();
    if (out.met[e]) out.taken[*out.partner[e]] = true;
  }
  std::vector<bool> used = out.taken;
  for (size_t e = 0; e < expected.size(); ++e) {
    if (out.met[e]) continue;
    out.partner[e] = nearest_row(expected[e], rows, used);
    if (out.partner[e]) used[*out.partner[e]] = true;
    const ObservedRow* const nearest = out.partner[e] ? &rows[*out.partner[e]] : nullptr;
    const char* why = rows.empty() ? "no row came" : nearest ? "no row is like this" : "no row is left for this";
    add_missing(expected[e], nearest, why, out);
  }
  return out;
}

}  // namespace tidemark
