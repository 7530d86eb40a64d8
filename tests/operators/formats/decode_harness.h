// Shared by the decoder tests: declares fields in one line each and answers what a record decodes to, as text.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "operators/formats/decoder.h"
#include "operators/formats/json_text.h"
#include "tests/catch.h"

namespace tidemark {

inline DeclaredField field(std::string name, Type type, bool nullable = false, std::vector<std::string> path = {}) {
  DeclaredField f;
  f.name = std::move(name);
  f.type = std::move(type);
  f.nullable = nullable;
  f.path = std::move(path);
  return f;
}

inline DeclaredField time_field(std::string name, TimestampUnit unit, bool nullable = false) {
  DeclaredField f = field(std::move(name), TypeKind::kTimestamp, nullable);
  f.unit = unit;
  return f;
}

// Gives every field a slot, in order.
inline DecodeSpec spec_of(std::vector<DeclaredField> fields, std::optional<size_t> event_time = std::nullopt) {
  for (uint32_t i = 0; i < fields.size(); ++i) fields[i].slot = i;
  return {.fields = std::move(fields), .event_time = event_time};
}

inline JsonDecoder json_decoder(DecodeSpec spec) {
  auto decoder = JsonDecoder::create(std::move(spec));
  REQUIRE(decoder);
  return std::move(*decoder);
}

inline std::string cell(const Column& column, size_t row) {
  if (column.valid[row] == 0) return "null";
  std::string text;
  switch (column.type.kind) {
    case TypeKind::kBool: return column.bools[row] != 0 ? "true" : "false";
    case TypeKind::kDouble: append_json_double(column.doubles[row], text); return text;
    case TypeKind::kString:
    case TypeKind::kBytes:
    case TypeKind::kList: return std::string(column.strings[row]);
    default: return std::to_string(column.ints[row]);
  }
}

// "ok a|b|c" with the cells of the row that the record became, or the reason.
inline std::string outcome(JsonDecoder& decoder, std::string_view record) {
  Batch batch;
  decoder.prepare(batch);
  const DecodeResult result = decoder.decode(record);
  if (!result.ok()) {
    CHECK_FALSE(decoder.message().empty());
    return std::string(to_string(*result.reason));
  }
  decoder.push(batch);
  std::string text = "ok ";
  for (size_t i = 0; i < batch.columns.size(); ++i) text += (i == 0 ? "" : "|") + cell(batch.columns[i], 0);
  return text;
}

}  // namespace tidemark
