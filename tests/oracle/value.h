// The values that the oracle computes with, their JSON, and the reading of one declared field from a record. Written
// from the contract alone and sharing no code with the engine; knows neither windows nor time's law.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "tests/oracle/json.h"

namespace tidemark::oracle {

struct Bytes {
  std::string data;
  auto operator<=>(const Bytes&) const = default;
};
// Microseconds since the epoch.
struct Timestamp {
  int64_t us = 0;
  auto operator<=>(const Timestamp&) const = default;
};
// A list, or what else only results hold: its compact JSON.
struct Rendered {
  std::string json;
  auto operator<=>(const Rendered&) const = default;
};
// monostate is null, and sorts first.
using Value = std::variant<std::monostate, bool, int64_t, double, std::string, Bytes, Timestamp, Rendered>;

inline bool is_null(const Value& value) { return std::holds_alternative<std::monostate>(value); }

// RFC 3339 with Z; fraction digits only as needed, in groups of three.
std::string rfc3339(int64_t us);
// Microseconds of an RFC 3339 text, cut towards the past; none where it is no such text.
std::optional<int64_t> parse_rfc3339(std::string_view text);

// As a result row writes it.
std::string render_value(const Value& value);

enum class FieldType { kString, kInt, kDouble, kBool, kBytes, kTimestampS, kTimestampMs, kTimestampUs, kTimestampIso };

struct Field {
  std::string name;
  FieldType type = FieldType::kString;
  bool optional = false;
  std::vector<std::string> path;  // empty: the field's name
  bool list = false;              // of `type`
};

enum class Reading { kValue, kMissing, kWrongType };  // JSON null counts as missing

// What `record` (an object) holds for `field`.
Reading read_field(const Json& record, const Field& field, Value& out);
// What a cell of a CSV record holds for it; null is none.
Reading read_cell(const std::optional<std::string>& cell, const Field& field, Value& out);

}  // namespace tidemark::oracle
