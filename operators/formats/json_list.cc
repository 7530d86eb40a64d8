// Elements are read as fields are and written as output is, so that equal lists have equal bytes. One element of
// another type refuses the list.
#include "operators/formats/json_list.h"

#include "operators/formats/json_text.h"

namespace tidemark {
namespace {

void append_scalar(ValueKind kind, const ScalarValue& value, std::string& out) {
  switch (kind) {
    case ValueKind::kBool: out += value.integer != 0 ? "true" : "false"; return;
    case ValueKind::kInt: append_json_integer(value.integer, out); return;
    case ValueKind::kDouble: append_json_double(value.number, out); return;
    case ValueKind::kString: append_json_string(value.text, out); return;
    case ValueKind::kBytes: append_json_bytes(value.text, out); return;
    case ValueKind::kSeconds:
    case ValueKind::kMillis:
    case ValueKind::kMicros:
    case ValueKind::kIso:
      out.push_back('"');
      append_rfc3339(Time{value.integer}, out);
      out.push_back('"');
      return;
    case ValueKind::kList: return;  // append_element() goes on into them
  }
}

ReadOutcome append_element(JsonCursor& cursor, const Type& type, TimestampUnit unit, std::string& scratch, std::string& out) {
  if (type.kind == TypeKind::kList) return append_list(cursor, type, unit, scratch, out);
  const auto kind = value_kind(type, unit);
  if (!kind) return ReadOutcome::kWrongKind;
  const std::string_view token = cursor.token();
  scratch.clear();
  scratch.reserve(2 * token.size());
  ScalarValue value;
  const auto outcome =
      read_scalar(*kind, token_kind(cursor.first()), token, {cursor.may_escape(), &scratch}, value);
  if (outcome != ReadOutcome::kValue) return outcome;
  append_scalar(*kind, value, out);
  cursor.next();
  return ReadOutcome::kValue;
}

}  // namespace

ReadOutcome append_list(JsonCursor& cursor, const Type& list, TimestampUnit unit, std::string& scratch, std::string& out) {
  if (cursor.first() != '[') return ReadOutcome::kWrongKind;
  cursor.next();
  out.push_back('[');
  if (cursor.first() != ']') {
    while (true) {
      const auto outcome = append_element(cursor, *list.element, unit, scratch, out);
      if (outcome != ReadOutcome::kValue) return outcome;
      if (cursor.first() == ']') break;
      cursor.next();
      out.push_back(',');
    }
  }
  cursor.next();
  out.push_back(']');
  return ReadOutcome::kValue;
}

bool list_is_readable(const Type& list) {
  if (!list.element) return false;
  if (list.element->kind == TypeKind::kList) return list_is_readable(*list.element);
  return value_kind(*list.element, TimestampUnit::kMillis).has_value();
}

}  // namespace tidemark
