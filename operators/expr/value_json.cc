// One walk over a parsed document, one over a value.
#include "operators/expr/value_json.h"

#include <array>

#include <simdjson.h>

#include "base/base64.h"
#include "base/safe_text.h"
#include "operators/expr/conversions.h"
#include "operators/expr/network.h"
#include "operators/expr/times.h"

namespace tidemark::expr {
namespace {

constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

class Builder {
 public:
  explicit Builder(Arena& arena) : arena_(arena) {}

  std::optional<Value> read(simdjson::dom::element element, const Shape& shape) {
    using simdjson::dom::element_type;
    switch (element.type()) {
      case element_type::NULL_VALUE: return Value();
      case element_type::BOOL: return Value::of_bool(element.get_bool().value_unsafe());
      case element_type::INT64: return integer(element.get_int64().value_unsafe(), shape.kind);
      case element_type::UINT64:
        if (shape.kind == Kind::kDouble) return Value::of_double(element.get_double().value_unsafe());
        return Value::of_uint(element.get_uint64().value_unsafe());
      case element_type::DOUBLE: return Value::of_double(element.get_double().value_unsafe());
      case element_type::STRING: return text(element.get_string().value_unsafe(), shape.kind);
      case element_type::ARRAY: return list(element.get_array().value_unsafe(), shape.element_or_dyn());
      case element_type::OBJECT: return map(element.get_object().value_unsafe(), shape.element_or_dyn());
    }
    return std::nullopt;
  }

 private:
  static std::optional<Value> integer(int64_t v, Kind kind) {
    if (kind == Kind::kDouble) return Value::of_double(static_cast<double>(v));
    if (kind == Kind::kUint && v >= 0) return Value::of_uint(static_cast<uint64_t>(v));
    return Value::of_int(v);
  }

  std::optional<Value> text(std::string_view text, Kind kind) {
    if (kind == Kind::kBytes) {
      std::string bytes;
      if (!read_base64(text, bytes)) return std::nullopt;
      return Value::of_text(Kind::kBytes, arena_.copy(bytes));
    }
    if (kind == Kind::kTimestamp) {
      const auto t = parse_timestamp(text);
      return t ? std::optional(Value::of_timestamp(*t)) : std::nullopt;
    }
    if (kind == Kind::kDuration) {
      const auto ns = parse_duration_nanos(text);
      return ns ? std::optional(Value::of_duration(*ns)) : std::nullopt;
    }
    return Value::of_string(arena_.copy(text));
  }

  std::optional<Value> list(simdjson::dom::array array, const Shape& shape) {
    std::vector<Value> elements;
    for (const simdjson::dom::element element : array) {
      const auto value = read(element, shape);
      if (!value) return std::nullopt;
      elements.push_back(*value);
    }
    const std::span<Value> copy = allocate<Value>(arena_, elements.size());
    std::ranges::copy(elements, copy.begin());
    return Value::of_list(copy);
  }

  std::optional<Value> map(simdjson::dom::object object, const Shape& shape) {
    std::vector<Entry> entries;
    for (const auto& [key, element] : object) {
      const auto known = std::ranges::find(entries, key, [](const Entry& e) { return e.key.text(); });
      if (known != entries.end()) continue;  // the first of duplicates counts
      const auto value = read(element, shape);
      if (!value) return std::nullopt;
      entries.push_back({Value::of_string(arena_.copy(key)), *value});
    }
    const std::span<Entry> copy = allocate<Entry>(arena_, entries.size());
    std::ranges::copy(entries, copy.begin());
    return make_map(arena_, copy);
  }

  Arena& arena_;
};

void append_json_double(double value, std::string& out) {
  std::string text;
  append_double(value, text);
  if (text.find_first_of("NI") != std::string::npos) return append_quoted(text, out);
  out += text;
  if (text.find_first_of(".e") == std::string::npos) out += ".0";
}

void append_key(const Value& key, std::string& out) {
  if (key.kind() == Kind::kString) return append_quoted(key.text(), out);
  out.push_back('"');
  append_json(key, out);
  out.push_back('"');
}

void append_list(std::span<const Value> list, std::string& out) {
  out.push_back('[');
  for (const Value& value : list) {
    if (&value != list.data()) out.push_back(',');
    append_json(value, out);
  }
  out.push_back(']');
}

void append_map(std::span<const Entry> entries, std::string& out) {
  out.push_back('{');
  for (const Entry& entry : entries) {
    if (&entry != entries.data()) out.push_back(',');
    append_key(entry.key, out);
    out.push_back(':');
    append_json(entry.value, out);
  }
  out.push_back('}');
}

template <class F>
void append_as_text(std::string& out, F&& append) {
  std::string text;
  append(text);
  append_quoted(text, out);
}

}  // namespace

struct JsonReader::Parser {
  simdjson::dom::parser dom;
};

JsonReader::JsonReader() : parser_(std::make_unique<Parser>()) {}
JsonReader::~JsonReader() = default;

std::optional<Value> JsonReader::read(std::string_view json, const Shape& shape, Arena& arena) {
  simdjson::dom::element root;
  if (parser_->dom.parse(json.data(), json.size()).get(root) != simdjson::SUCCESS) return std::nullopt;
  return Builder(arena).read(root, shape);
}

void append_json(const Value& value, std::string& out) {
  switch (value.kind()) {
    case Kind::kNull:
    case Kind::kDyn:
    case Kind::kNever: out += "null"; return;
    case Kind::kBool: out += value.as_bool() ? "true" : "false"; return;
    case Kind::kInt: out += std::to_string(value.as_int()); return;
    case Kind::kUint: out += std::to_string(value.as_uint()); return;
    case Kind::kDouble: return append_json_double(value.as_double(), out);
    case Kind::kString:
    case Kind::kType:
    case Kind::kError: return append_quoted(value.text(), out);
    case Kind::kBytes: return append_as_text(out, [&](std::string& text) { append_base64(value.text(), text); });
    case Kind::kTimestamp:
      return append_as_text(out, [&](std::string& text) { append_timestamp(value.as_timestamp(), text); });
    case Kind::kDuration:
      return append_as_text(out, [&](std::string& text) { append_duration(value.as_duration(), text); });
    case Kind::kIp:
    case Kind::kCidr: return append_as_text(out, [&](std::string& text) { append_network(value, text); });
    case Kind::kOptional:
      if (value.optional() != nullptr) return append_json(*value.optional(), out);
      out += "null";
      return;
    case Kind::kList: return append_list(value.list(), out);
    case Kind::kMap: return append_map(value.map().entries, out);
  }
}

bool read_base64(std::string_view text, std::string& out) {
  if (text.size() % 4 == 0 && text.ends_with('=')) text.remove_suffix(text.ends_with("==") ? 2 : 1);
  if (text.size() % 4 == 1) return false;
  uint32_t group = 0;
  int bits = 0;
  for (const char c : text) {
    const size_t digit = kDigits.find(c);
    if (digit == std::string_view::npos) return false;
    group = group << 6 | static_cast<uint32_t>(digit);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    out.push_back(static_cast<char>(group >> bits & 0xff));
  }
  return true;
}

}  // namespace tidemark::expr
