// Looks at nothing but the UTF-8 of a string; an empty value is refused as a null one is. Bytes are copied when the row
// is pushed, not before.
#include "operators/formats/raw_decoder.h"

#include <fmt/format.h>
#include <simdjson.h>

namespace tidemark {

Result<RawDecoder> RawDecoder::create(DecodeSpec spec) {
  if (spec.fields.size() != 1) {
    return user_error(fmt::format("format raw takes a schema of exactly one field, not {}", spec.fields.size()));
  }
  DeclaredField& field = spec.fields[0];
  if (field.type.kind != TypeKind::kBytes && field.type.kind != TypeKind::kString) {
    return user_error(
        fmt::format("field `{}`: format raw reads bytes or string, not {}", field.name, to_string(field.type)));
  }
  if (!field.path.empty() && field.path != std::vector<std::string>{field.name}) {
    return user_error(fmt::format("field `{}`: format raw has no paths", field.name));
  }
  if (spec.event_time) return user_error("format raw has no event-time field; its event time is the Kafka timestamp");
  return RawDecoder(std::move(field));
}

void RawDecoder::prepare(Batch& batch) const {
  if (!field_.slot) return;
  if (batch.columns.size() <= *field_.slot) batch.columns.resize(*field_.slot + 1);
  batch.columns[*field_.slot].reset(field_.type, 0);
}

DecodeResult RawDecoder::decode(std::string_view value) {
  value_ = value;
  if (value.empty()) {
    message_ = "the value is null or empty";
    return {.reason = Reason::kDecode, .event_time = std::nullopt};
  }
  if (field_.type.kind == TypeKind::kString && !simdjson::validate_utf8(value.data(), value.size())) {
    message_ = "the value is not UTF-8";
    return {.reason = Reason::kDecode, .event_time = std::nullopt};
  }
  return {};
}

void RawDecoder::push(Batch& batch) const {
  if (!field_.slot) return;
  Column& column = batch.columns[*field_.slot];
  column.valid.push_back(1);
  column.strings.push_back(batch.arena.copy(value_));
}

}  // namespace tidemark
