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

template <class F>
void append_as_text(std::string& out, F&& append) {
  std::string text;
  append(text);
  append_quoted(text, out);
}

// Appends values; in rows, as rows are written.
class Writer {
 public:
  Writer(bool in_row, std::string& out) : in_row_(in_row), out_(out) {}

  void write(const Value& value) {
    switch (value.kind()) {
      case Kind::kNull:
      case Kind::kDyn:
      case Kind::kNever: out_ += "null"; return;
      case Kind::kBool: out_ += value.as_bool() ? "true" : "false"; return;
      case Kind::kInt: out_ += std::to_string(value.as_int()); return;
      case Kind::kUint: out_ += std::to_string(value.as_uint()); return;
      case Kind::kDouble: return write_double(value.as_double());
      case Kind::kString:
      case Kind::kType:
      case Kind::kError: return append_quoted(value.text(), out_);
      case Kind::kBytes: return append_as_text(out_, [&](std::string& text) { append_base64(value.text(), text); });
      case Kind::kTimestamp: return append_as_text(out_, [&](std::string& text) { append_time(value.as_timestamp(), text); });
      case Kind::kDuration: return append_as_text(out_, [&](std::string& text) { append_duration(value.as_duration(), text); });
      case Kind::kIp:
      case Kind::kCidr: return append_as_text(out_, [&](std::string& text) { append_network(value, text); });
      case Kind::kOptional: return write(value.optional() != nullptr ? *value.optional() : Value());
      case Kind::kList: return write_list(value.list());
      case Kind::kMap: return write_map(value.map().entries);
    }
  }

 private:
  void write_double(double value) {
    std::string text;
    append_double(value, text);
    if (text.find_first_of("NI") != std::string::npos) {
      if (in_row_) out_ += "null";
      else append_quoted(text, out_);
      return;
    }
    out_ += text;
    if (text.find_first_of(".e") == std::string::npos) out_ += ".0";
  }

  void append_time(Nanos time, std::string& text) const {
    if (in_row_) append_rfc3339({micros_of_nanos(time)}, text);
    else append_timestamp(time, text);
  }

  void write_list(std::span<const Value> list) {
    out_.push_back('[');
    for (const Value& value : list) {
      if (&value != list.data()) out_.push_back(',');
      write(value);
    }
    out_.push_back(']');
  }

  void write_key(const Value& key) {
    if (key.kind() == Kind::kString) return append_quoted(key.text(), out_);
    out_.push_back('"');
    write(key);
    out_.push_back('"');
  }

  void write_map(std::span<const Entry> entries) {
    out_.push_back('{');
    for (const Entry& entry : entries) {
      if (&entry != entries.data()) out_.push_back(',');
      write_key(entry.key);
      out_.push_back(':');
      write(entry.value);
    }
    out_.push_back('}');
  }

  const bool in_row_;
  std::string& out_;
};

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

void append_json(const Value& value, std::string& out) { Writer(false, out).write(value); }

void append_row_json(const Value& value, std::string& out) { Writer(true, out).write(value); }

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
