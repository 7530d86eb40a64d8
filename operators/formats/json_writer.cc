// Names are escaped once, when the writer is made; a row costs its values only. The key of one text field is that text,
// of several fields a JSON list; which fields make a key is the plan's to say.
#include "operators/formats/json_writer.h"

#include "operators/formats/json_text.h"

namespace tidemark {
namespace {

void append_timestamp(Time time, TimestampFormat format, std::string& out) {
  switch (format) {
    case TimestampFormat::kMillis: append_json_integer(time.to_millis(), out); return;
    case TimestampFormat::kRfc3339:
      out.push_back('"');
      append_rfc3339(time, out);
      out.push_back('"');
      return;
  }
}

void append_present(const Column& column, uint32_t row, TimestampFormat timestamps, std::string& out) {
  switch (column.type.kind) {
    case TypeKind::kBool: out += column.bools[row] != 0 ? "true" : "false"; return;
    case TypeKind::kInt: append_json_integer(column.ints[row], out); return;
    case TypeKind::kUint: append_json_integer(static_cast<uint64_t>(column.ints[row]), out); return;
    case TypeKind::kDouble: append_json_double(column.doubles[row], out); return;
    case TypeKind::kString: append_json_string(column.strings[row], out); return;
    case TypeKind::kBytes: append_json_bytes(column.strings[row], out); return;
    case TypeKind::kTimestamp: append_timestamp(Time{column.ints[row]}, timestamps, out); return;
    case TypeKind::kDuration:
      out.push_back('"');
      append_duration_seconds(column.ints[row], out);
      out.push_back('"');
      return;
    case TypeKind::kList:
    case TypeKind::kMap: out += column.strings[row]; return;  // JSON text already
    case TypeKind::kNull:
    case TypeKind::kDyn: out += "null"; return;
  }
}

bool is_null(const Batch& batch, const OutputField& field, uint32_t row) {
  return batch.columns[field.slot].valid[row] == 0;
}

void append_value(const Batch& batch, const OutputField& field, uint32_t row, TimestampFormat timestamps,
                  std::string& out) {
  if (is_null(batch, field, row)) {
    out += "null";
    return;
  }
  append_present(batch.columns[field.slot], row, timestamps, out);
}

}  // namespace

JsonWriter::JsonWriter(std::vector<OutputField> fields, TimestampFormat timestamps)
    : fields_(std::move(fields)), timestamps_(timestamps) {
  for (const OutputField& field : fields_) {
    std::string head = heads_.empty() ? "{" : ",";
    append_json_string(field.name, head);
    head.push_back(':');
    heads_.push_back(std::move(head));
  }
}

void JsonWriter::append_row(const Batch& batch, uint32_t row, RecentTimes& recent, std::string& out) const {
  if (fields_.empty()) out.push_back('{');
  recent.by_field_.resize(fields_.size());
  for (size_t i = 0; i < fields_.size(); ++i) {
    out += heads_[i];
    const Column& column = batch.columns[fields_[i].slot];
    if (column.type.kind != TypeKind::kTimestamp || column.valid[row] == 0) {
      append_value(batch, fields_[i], row, timestamps_, out);
      continue;
    }
    RecentTimes::Rendered& last = recent.by_field_[i];
    if (const Time time{column.ints[row]}; time != last.time || last.text.empty()) {
      last.time = time;
      last.text.clear();
      append_timestamp(time, timestamps_, last.text);
    }
    out += last.text;
  }
  out.push_back('}');
}

KeyWriter::KeyWriter(std::vector<OutputField> fields, TimestampFormat timestamps)
    : fields_(std::move(fields)), timestamps_(timestamps) {}

bool KeyWriter::append_key(const Batch& batch, uint32_t row, std::string& out) const {
  if (fields_.empty()) return false;
  if (fields_.size() == 1) {
    if (is_null(batch, fields_[0], row)) return false;
    const Column& column = batch.columns[fields_[0].slot];
    if (column.type.kind == TypeKind::kString) {
      out += column.strings[row];
    } else {
      append_present(column, row, timestamps_, out);
    }
    return true;
  }
  char separator = '[';
  for (const OutputField& field : fields_) {
    out.push_back(separator);
    append_value(batch, field, row, timestamps_, out);
    separator = ',';
  }
  out.push_back(']');
  return true;
}

}  // namespace tidemark
