// What needs no template: the JSON of a value by its column's type, and the refusal of an argument. How aggregates keep
// values is in the header.
#include "operators/aggregates/value_kinds.h"

#include <fmt/core.h>

#include "base/time.h"
#include "operators/formats/json_text.h"

namespace tidemark {

std::unexpected<std::string> refuse_argument(std::string_view takes, const Type& got) {
  return std::unexpected(fmt::format("{}, not {}", takes, to_string(got)));
}

void append_value_json(TypeKind kind, int64_t value, std::string& out) {
  if (kind == TypeKind::kInt) return append_json_integer(value, out);
  if (kind == TypeKind::kUint) return append_json_integer(static_cast<uint64_t>(value), out);
  out.push_back('"');
  if (kind == TypeKind::kTimestamp) {
    append_rfc3339(Time{value}, out);
  } else {
    append_duration_seconds(value, out);
  }
  out.push_back('"');
}

void append_value_json(TypeKind, uint8_t value, std::string& out) { out += value != 0 ? "true" : "false"; }

void append_value_json(TypeKind, double value, std::string& out) { append_json_double(value, out); }

void append_value_json(TypeKind kind, std::string_view value, std::string& out) {
  return kind == TypeKind::kString ? append_json_string(value, out) : append_json_bytes(value, out);
}

}  // namespace tidemark
