// The specs of formats that sources read, and what a schema may be in each of them. How bytes become values is not known
// here.
#include "config/format_spec.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "config/names.h"

namespace tidemark {
namespace {

// One ASCII character that is no letter, digit or line break.
std::string wrong_with_mark(std::string_view text) {
  if (text == "\\t") return "is two characters; a tab is written \"\\t\", in double quotes";
  if (text.size() != 1) return "is not one character";
  const auto c = static_cast<unsigned char>(text[0]);
  const bool word = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  if (c >= 0x80 || word || c == '\n' || c == '\r' || c == '\0') return "may not be a letter, a digit or a line break";
  return {};
}

Kind<char> delimiter_kind() {
  const Kind<std::string> text = kinds::text({"", 16, false, wrong_with_mark});
  Kind<char> kind{text.shape, nullptr, [](const char& c) { return std::string(1, c); }};
  kind.read = [text](const Node& node, std::string_view what, char& out, Diagnostics& diagnostics) {
    std::string read;
    if (!text.read(node, what, read, diagnostics)) return false;
    out = read[0];
    return true;
  };
  return kind;
}

Kind<std::optional<char>> quote_kind() {
  const Kind<char> mark = delimiter_kind();
  const auto show = [](const std::optional<char>& c) { return c ? std::string(1, *c) : std::string("none"); };
  Kind<std::optional<char>> kind{mark.shape, nullptr, show};
  kind.read = [mark](const Node& node, std::string_view what, std::optional<char>& out, Diagnostics& diagnostics) {
    out.reset();
    if (node.kind == Node::Kind::kScalar && node.text.value == "none") return true;
    return mark.read(node, what, out.emplace(), diagnostics);
  };
  return kind;
}

// A plain NULL or ~ is YAML's own null: here it is the text that was written.
Kind<std::string> null_text_kind() {
  Kind<std::string> kind = kinds::text({"", 1024, true, {}});
  kind.read = [read = kind.read](const Node& node, std::string_view what, std::string& out, Diagnostics& diagnostics) {
    if (node.kind != Node::Kind::kNull || node.text.value.empty()) return read(node, what, out, diagnostics);
    out = node.text.value;
    return true;
  };
  return kind;
}

void check_marks(const CsvFormatSpec& csv, Diagnostics& diagnostics) {
  if (csv.quote == csv.delimiter) {
    diagnostics.error(csv.where, "format csv: `delimiter` and `quote` are the same character",
                      "write `quote: none` if nothing is quoted");
  }
  std::set<std::string_view> seen;
  for (const auto& column : csv.columns) {
    if (seen.insert(column.value).second) continue;
    diagnostics.error(column.where, fmt::format("`columns` names `{}` twice", column.value),
                      "a column that no field needs may have any other name");
  }
}

Kind<CsvFormatSpec> csv_kind() {
  return Spec<CsvFormatSpec>("csv in",
                             "Each record is one line of CSV as RFC 4180 has it: a quote inside of quotes is doubled, and quoted "
                             "values may hold line breaks. Numbers, times and base64 are written as in JSON, without quotes around "
                             "them; a bool is `true` or `false`. What is no such line, or has another number of columns, is `decode`.",
                             "format:\n  csv: {delimiter: ';', columns: [event_id, user_id, event_type, amount, ts], null_text: 'NULL'}")
      .field("delimiter", &CsvFormatSpec::delimiter, delimiter_kind(), "One character between columns; a tab is written \"\\t\".")
      .field("quote", &CsvFormatSpec::quote, quote_kind(), "One character around values that need it; or `none`.")
      .field("header", &CsvFormatSpec::header, kinds::words<CsvHeader>({{"none", CsvHeader::kNone}}),
             "Records have no header line: columns are known by their place.")
      .field("columns", &CsvFormatSpec::columns, kinds::list(kinds::lift<Located<std::string>>(kinds::text())),
             "The columns in the order of a record; a field is the column of its name, or of its `path`. Columns without a field "
             "are passed over. Default: the schema's fields in their order.")
      .field("null_text", &CsvFormatSpec::null_text, null_text_kind(),
             "The text that stands for null where it is not quoted. Default: the empty one.")
      .field("trim", &CsvFormatSpec::trim, kinds::boolean(), "Whether spaces and tabs around values and quotes are left out.")
      .foreign({"delim", "separator", "sep", "field_delimiter", "delimiters"}, "delimiter")
      .foreign({"quote_char", "quote_character", "quotes", "quotechar"}, "quote")
      .foreign({"headers", "has_header", "skip_header", "header_row", "parse_header_row", "fields", "names", "field_names"}, "columns",
               "records hold no header line: name their columns, as in `columns: [user_id, ts]`")
      .foreign({"null", "null_literal", "null_value", "null_string", "na", "nulls"}, "null_text")
      .foreign({"trim_spaces", "strip", "skip_initial_space", "trim_leading_space"}, "trim")
      .place(&CsvFormatSpec::where)
      .check(check_marks)
      .kind();
}

// `format: raw` makes one field of the whole value, and has nothing to take a time from.
void check_raw(const SourceSpec& source, Diagnostics& diagnostics) {
  if (const auto& field = source.event_time.field) {
    diagnostics.error(field->where, "`event_time`: format raw has no fields to take a time from",
                      "leave `field` out; the Kafka timestamp is the time of a record");
  }
  if (source.schema.size() != 1) {
    diagnostics.error(
        source.schema.empty() ? source.format.where : source.schema[1].name.where,
        fmt::format("format raw needs a schema of exactly one field, not {}", source.schema.size()),
        "the field holds the whole value, as in `schema: {value: bytes}` or `schema: {line: string}`");
    return;
  }
  const SchemaFieldSpec& field = source.schema.front();
  if (field.type.kind != TypeKind::kBytes && field.type.kind != TypeKind::kString) {
    diagnostics.error(field.type_where, fmt::format("format raw reads `bytes` or `string`, not {}", to_string(field.type)),
                      "the field holds the whole value");
  }
  if (field.path != std::vector<std::string>{field.name.value}) {
    diagnostics.error(field.name.where, "format raw has no paths", "the field holds the whole value; remove `path`");
  }
}

// Each field is one column.
void check_csv(const SourceSpec& source, const CsvFormatSpec& csv, Diagnostics& diagnostics) {
  if (source.schema.empty()) {
    diagnostics.error(source.format.where, "format csv needs a schema",
                      "name the columns and their types, as in `schema: {user_id: string}`");
  }
  std::vector<std::string_view> columns;
  for (const auto& column : csv.columns) columns.push_back(column.value);
  for (const SchemaFieldSpec& field : source.schema) {
    if (!field.sound) continue;
    if (field.type.kind == TypeKind::kList) {
      diagnostics.error(field.type_where, fmt::format("format csv has no lists: `{}` is {}", field.name.value, to_string(field.type)),
                        "read it as a string, and take it apart with `x.split(';')`");
    }
    if (field.path.size() > 1) {
      diagnostics.error(field.name.where, "format csv has no paths: a column has nothing inside",
                        "name the column alone, as in `path: city`");
      continue;
    }
    if (columns.empty() || std::ranges::find(columns, field.path.front()) != columns.end()) continue;
    const std::string_view near = nearest_word(field.path.front(), columns);
    diagnostics.error(field.name.where, fmt::format("`columns` names no `{}`", field.path.front()),
                      did_you_mean(near, "every field needs its column"));
  }
}

}  // namespace

Kind<SourceFormatSpec> source_format_kind() {
  const auto json = Spec<JsonFormatSpec>("json in", "Each record is one UTF-8 JSON object.").kind();
  const auto raw = Spec<RawFormatSpec>("raw in", "Each record is its bytes, undecoded.").kind();
  Kind<SourceFormatSpec> kind =
      Spec<SourceFormatSpec>("source format", "How records are decoded: a word, or a map with the format's options.",
                             "format: json")
          .choice("format", "json", &SourceFormatSpec::kind, json, "One JSON object a record.")
          .choice("format", "csv", &SourceFormatSpec::kind, csv_kind(), "One line of comma-separated values a record.")
          .choice("format", "raw", &SourceFormatSpec::kind, raw,
                  "Undecoded: the schema's one field, `bytes` or `string`, is the whole value.")
          .refused("avro", "Apache Avro.", "format")
          .refused("protobuf", "Protocol Buffers.", "format")
          .word_shorthand()
          .place(&SourceFormatSpec::where)
          .kind();
  kind.show = [](const SourceFormatSpec&) { return std::string("json"); };
  return kind;
}

void check_format(const SourceSpec& source, Diagnostics& diagnostics) {
  if (std::holds_alternative<RawFormatSpec>(source.format.kind)) check_raw(source, diagnostics);
  if (const auto* csv = std::get_if<CsvFormatSpec>(&source.format.kind)) check_csv(source, *csv, diagnostics);
}

}  // namespace tidemark
