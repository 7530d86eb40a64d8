// JSON is put together as a tree, for a field may lie deep in it and beside others. Numbers keep the digits that were
// written.
#include "daemon/pipeline_test/input_record.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/base64.h"
#include "operators/formats/json_number.h"
#include "operators/formats/json_text.h"

namespace tidemark {
namespace {

// A value in the making: an object with members, or a text that is JSON already.
struct JsonTree {
  std::optional<std::string> leaf;
  std::vector<std::pair<std::string, JsonTree>> members;

  JsonTree& member(const std::string& name) {
    leaf.reset();
    const auto known = std::ranges::find(members, name, &std::pair<std::string, JsonTree>::first);
    return known != members.end() ? known->second : members.emplace_back(name, JsonTree{}).second;
  }
  void append_to(std::string& out) const {
    if (leaf) return void(out += *leaf);
    out += '{';
    for (size_t i = 0; i < members.size(); ++i) {
      if (i > 0) out += ',';
      append_json_string(members[i].first, out);
      out += ':';
      members[i].second.append_to(out);
    }
    out += '}';
  }
};

using Path = std::vector<std::string>;

std::string json_string(std::string_view text) {
  std::string out;
  append_json_string(text, out);
  return out;
}

bool is_json_number(std::string_view text) {
  JsonNumber ignored;
  return JsonNumber::parse(text, ignored);
}

// As YAML would have it: words, numbers, and text for the rest.
std::string untyped_scalar(const Node& node) {
  if (node.kind == Node::Kind::kNull) return "null";
  const std::string& text = node.text.value;
  if (node.style != Node::Style::kPlain) return json_string(text);
  if (text == "true" || text == "false" || is_json_number(text)) return text;
  return json_string(text);
}

std::string seconds_text(Time time) {
  const int64_t whole = floor_div(time.us, 1'000'000);
  const int64_t rest = floor_mod(time.us, 1'000'000);
  if (rest == 0) return std::to_string(whole);
  // Of a negative number with a fraction, the digits count from the other side.
  if (whole < 0) return fmt::format("-{}.{:06}", -(whole + 1), 1'000'000 - rest);
  return fmt::format("{}.{:06}", whole, rest);
}

std::string timestamp_scalar(const Node& node, TimestampForm form) {
  const auto time = node.kind == Node::Kind::kScalar ? parse_rfc3339(node.text.value) : std::nullopt;
  if (!time) return untyped_scalar(node);
  switch (form) {
    case TimestampForm::kSeconds: return seconds_text(*time);
    case TimestampForm::kMillis: return std::to_string(time->to_millis());
    case TimestampForm::kMicros: return std::to_string(time->us);
    case TimestampForm::kIso: return json_string(node.text.value);
  }
  __builtin_unreachable();
}

std::string typed_scalar(const Node& node, const Type& type, TimestampForm form) {
  if (node.kind == Node::Kind::kNull) return "null";
  if (type.kind == TypeKind::kTimestamp) return timestamp_scalar(node, form);
  const bool text = type.kind == TypeKind::kString || type.kind == TypeKind::kBytes;
  return text ? json_string(node.text.value) : untyped_scalar(node);
}

std::string untyped(const Node& node);

// The items of a declared list have its type; what lies in others has none.
std::string list_of(const Node& list, const SchemaFieldSpec* field) {
  const bool typed = field && field->type.kind == TypeKind::kList;
  std::string out = "[";
  for (const Node& item : list.items) {
    const bool scalar = item.kind == Node::Kind::kScalar || item.kind == Node::Kind::kNull;
    out += out.size() > 1 ? "," : "";
    out += typed && scalar ? typed_scalar(item, *field->type.element, field->timestamp_form) : untyped(item);
  }
  return out + "]";
}

std::string untyped(const Node& node) {
  if (node.kind == Node::Kind::kSequence) return list_of(node, nullptr);
  if (node.kind != Node::Kind::kMap) return untyped_scalar(node);
  std::string out = "{";
  for (const Node::Entry& entry : node.entries) {
    out += (out.size() > 1 ? "," : "") + json_string(entry.key.value) + ":" + untyped(entry.value);
  }
  return out + "}";
}

class JsonValue {
 public:
  explicit JsonValue(const SourceSpec& source) : source_(source) {}

  std::string of(const std::vector<Node::Entry>& fields) {
    JsonTree root;
    for (const Node::Entry& entry : fields) {
      const SchemaFieldSpec* field = source_.find(entry.key.value);
      put(root, field ? field->path : Path{entry.key.value}, entry.value);
    }
    std::string out;
    root.append_to(out);
    return out;
  }

 private:
  void put(JsonTree& root, const Path& path, const Node& node) {
    if (node.kind == Node::Kind::kMap) {
      JsonTree& tree = at(root, path);
      if (node.entries.empty()) tree.leaf = "{}";
      for (const Node::Entry& entry : node.entries) {
        Path deeper = path;
        deeper.push_back(entry.key.value);
        put(root, deeper, entry.value);
      }
      return;
    }
    const auto found = std::ranges::find(source_.schema, path, &SchemaFieldSpec::path);
    const SchemaFieldSpec* const field = found == source_.schema.end() ? nullptr : &*found;
    if (node.kind == Node::Kind::kSequence) {
      at(root, path).leaf = list_of(node, field);
    } else {
      at(root, path).leaf = field ? typed_scalar(node, field->type, field->timestamp_form) : untyped_scalar(node);
    }
  }
  static JsonTree& at(JsonTree& root, const Path& path) {
    JsonTree* tree = &root;
    for (const std::string& name : path) tree = &tree->member(name);
    return *tree;
  }

  const SourceSpec& source_;
};

// The one field of format raw is the value.
std::optional<std::string> raw_value(const TestRecordSpec& record, const SourceSpec& source, Diagnostics& diagnostics) {
  const SchemaFieldSpec& field = source.schema.front();
  for (const Node::Entry& entry : record.fields) {
    if (entry.key.value == field.name.value) continue;
    diagnostics.error(entry.key.where, fmt::format("a record of format raw has only the field `{}`", field.name.value),
                      "write the value there, or as `$raw`");
    return std::nullopt;
  }
  if (record.fields.empty() || record.fields[0].value.kind == Node::Kind::kNull) return std::nullopt;
  const Node& value = record.fields[0].value;
  std::string bytes;
  if (value.kind == Node::Kind::kScalar && field.type.kind == TypeKind::kString) return value.text.value;
  if (value.kind == Node::Kind::kScalar && append_decoded_base64(value.text.value, bytes)) return bytes;
  diagnostics.error(value.where(), fmt::format("`{}` must be {}", field.name.value,
                                               field.type.kind == TypeKind::kString ? "text" : "bytes in base64"),
                    "or write the value as it is, as `$raw: '...'`");
  return std::nullopt;
}

// A value as a cell holds it. All but null is quoted where anything may be, so that nothing in it means more than itself.
std::string csv_cell(const Node* node, const SchemaFieldSpec& field, const CsvFormatSpec& csv) {
  if (node == nullptr || node->kind == Node::Kind::kNull) return csv.null_text;
  const bool time = field.type.kind == TypeKind::kTimestamp && field.timestamp_form != TimestampForm::kIso;
  const std::string text = time ? timestamp_scalar(*node, field.timestamp_form) : node->text.value;
  if (!csv.quote) return text;
  std::string cell(1, *csv.quote);
  for (const char c : text) cell.append(c == *csv.quote ? 2 : 1, c);
  return cell + *csv.quote;
}

// The columns that the source has, in their order; those of no field are empty.
std::optional<std::string> csv_value(const TestRecordSpec& record, const SourceSpec& source, const CsvFormatSpec& csv,
                                     Diagnostics& diagnostics) {
  for (const Node::Entry& entry : record.fields) {
    if (source.find(entry.key.value)) continue;
    diagnostics.error(entry.key.where, fmt::format("the schema has no field `{}`", entry.key.value),
                      "or write the line as it is, as `$raw: '...'`");
    return std::nullopt;
  }
  const auto value_of_field = [&](const SchemaFieldSpec& field) -> const Node* {
    const auto entry = std::ranges::find(record.fields, field.name.value, [](const Node::Entry& e) { return e.key.value; });
    return entry == record.fields.end() ? nullptr : &entry->value;
  };
  std::vector<std::string> cells;
  for (const SchemaFieldSpec& field : source.schema) {
    if (csv.columns.empty()) cells.push_back(csv_cell(value_of_field(field), field, csv));
  }
  for (const auto& column : csv.columns) {
    const auto field = std::ranges::find(source.schema, column.value, [](const SchemaFieldSpec& f) { return f.path.front(); });
    cells.push_back(field == source.schema.end() ? std::string() : csv_cell(value_of_field(*field), *field, csv));
  }
  return fmt::format("{}", fmt::join(cells, std::string(1, csv.delimiter)));
}

std::optional<std::string> value_of(const TestRecordSpec& record, const SourceSpec& source, Diagnostics& diagnostics) {
  if (record.raw) return *record.raw;
  if (std::holds_alternative<RawFormatSpec>(source.format.kind)) return raw_value(record, source, diagnostics);
  if (std::holds_alternative<JsonFormatSpec>(source.format.kind)) return JsonValue(source).of(record.fields);
  return csv_value(record, source, std::get<CsvFormatSpec>(source.format.kind), diagnostics);
}

}  // namespace

MemoryRecord input_record(const TestRecordSpec& record, const SourceSpec& source, Diagnostics& diagnostics) {
  MemoryRecord out;
  if (record.key) out.key = *record.key;
  out.headers = record.headers;
  out.value = value_of(record, source, diagnostics);
  if (record.timestamp) out.timestamp = Time::from_millis(record.timestamp->value.to_millis());
  return out;
}

}  // namespace tidemark
