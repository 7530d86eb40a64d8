// Formats are read by csv.h and value.h; what is wrong with a record is said in the contract's order of reasons.
#include "tests/oracle/decode.h"

#include <algorithm>
#include <functional>

namespace tidemark::oracle {
namespace {

std::string future_reason(const Source& source, std::optional<int64_t> wall, int64_t event_us, int64_t timestamp_ms) {
  const int64_t max_future = source.event_time.max_future_us;
  if (timestamp_ms < 0) return wall && event_us > *wall * 1000 + max_future ? "future" : "";
  if (event_us > timestamp_ms * 1000 + max_future) return "future";
  return wall && timestamp_ms * 1000 > *wall * 1000 + max_future ? "future" : "";
}

// Reads fields of a value; absent where it is none of the format.
std::function<Reading(const Field&, Value&)> reader(const Source& source, const std::string& text) {
  if (!source.csv) {
    const auto json = parse_json(text);
    if (!json || json->kind != Json::Kind::kObject) return nullptr;
    return [json](const Field& field, Value& out) { return read_field(*json, field, out); };
  }
  std::vector<std::string> columns = source.csv->columns;
  if (columns.empty()) {
    for (const Field& field : source.schema) columns.push_back(field.path.empty() ? field.name : field.path.front());
  }
  const auto cells = cut_csv(text, *source.csv);
  if (!cells || cells->size() != columns.size()) return nullptr;
  return [cells, columns](const Field& field, Value& out) {
    const std::string& name = field.path.empty() ? field.name : field.path.front();
    const auto at = std::find(columns.begin(), columns.end(), name);
    return read_cell(cells->at(static_cast<size_t>(at - columns.begin())), field, out);
  };
}

}  // namespace

Decoded decode(const Pipeline& pipeline, const Source& source, const Record& record) {
  Decoded out;
  const size_t value_size = record.value ? record.value->size() : 0;
  const size_t size = value_size + (record.key ? record.key->size() : 0);
  if (static_cast<int64_t>(size) > source.max_record_bytes) return out.reason = "oversize", out;
  const auto read = value_size > 0 ? reader(source, *record.value) : nullptr;
  if (!read) return out.reason = "decode", out;

  bool missing = false;
  bool wrong_type = false;
  bool no_time = false;
  out.event_us = record.timestamp_ms * 1000;
  for (const Field& field : pipeline.sources[0].schema) out.row.fields.emplace_back(field.name, Value());
  for (const Field& field : source.schema) {
    Value value;
    const Reading reading = read(field, value);
    if (field.name == source.event_time.field) {
      no_time = reading != Reading::kValue;
      if (!no_time) out.event_us = std::get<Timestamp>(value).us;
    } else {
      missing |= reading == Reading::kMissing && !field.optional;
      wrong_type |= reading == Reading::kWrongType;
    }
    out.row.set(field.name, value);
  }
  out.reason = no_time ? "event_time" : future_reason(source, pipeline.wall_clock_ms, out.event_us, record.timestamp_ms);
  if (out.reason.empty() && missing) out.reason = "missing_field";
  if (out.reason.empty() && wrong_type) out.reason = "type";
  return out;
}

}  // namespace tidemark::oracle
