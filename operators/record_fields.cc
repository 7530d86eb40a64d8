// Nothing is copied but offsets, times and the views of keys: the bytes lie in the batch's arena already, or in the table
// of topics.
#include "operators/record_fields.h"

#include <algorithm>
#include <ranges>

#include <fmt/format.h>

namespace tidemark {
namespace {

void fill_timestamps(const Batch& batch, Column& column) {
  column.reset(TypeKind::kTimestamp, batch.rows);
  for (uint32_t row = 0; row < batch.rows; ++row) {
    column.valid[row] = batch.kafka_times[row] != Time::min();
    column.ints[row] = batch.kafka_times[row].us;
  }
}

void fill_constant(const Batch& batch, RecordPart part, const TopicTable& topics, Column& column) {
  column.reset(type_of(part), batch.rows);
  std::ranges::fill(column.valid, 1);
  if (part == RecordPart::kPartition) std::ranges::fill(column.ints, batch.partition);
  if (part == RecordPart::kTopic) std::ranges::fill(column.strings, topics.name_of(batch.topic));
}

void fill(const RecordField& field, const TopicTable& topics, Batch& batch) {
  Column& column = batch.columns[field.slot];
  switch (field.part) {
    case RecordPart::kHeader: return;
    case RecordPart::kKey:
      column.reset(TypeKind::kBytes, 0);
      column.valid = batch.record_key_valid;
      column.strings = batch.record_keys;
      return;
    case RecordPart::kOffset:
      column.reset(TypeKind::kInt, 0);
      column.valid.assign(batch.rows, 1);
      column.ints = batch.offsets;
      return;
    case RecordPart::kTimestamp: return fill_timestamps(batch, column);
    case RecordPart::kPartition:
    case RecordPart::kTopic: return fill_constant(batch, field.part, topics, column);
  }
}

}  // namespace

TypeKind type_of(RecordPart part) {
  switch (part) {
    case RecordPart::kKey:
    case RecordPart::kHeader: return TypeKind::kBytes;
    case RecordPart::kPartition:
    case RecordPart::kOffset: return TypeKind::kInt;
    case RecordPart::kTimestamp: return TypeKind::kTimestamp;
    case RecordPart::kTopic: return TypeKind::kString;
  }
  __builtin_unreachable();
}

std::string written(RecordPart part, std::string_view header) {
  switch (part) {
    case RecordPart::kKey: return "kafka.key";
    case RecordPart::kHeader: return fmt::format("kafka.headers['{}']", header);
    case RecordPart::kPartition: return "kafka.partition";
    case RecordPart::kOffset: return "kafka.offset";
    case RecordPart::kTimestamp: return "kafka.timestamp";
    case RecordPart::kTopic: return "kafka.topic";
  }
  __builtin_unreachable();
}

std::string record_fields_markdown() {
  return "## Record\n\n"
         "What expressions read of a record beside the fields of its schema: in every step before a window, and in a window's\n"
         "aggregates and conditions. A row behind a window stands for many records and has none of it. `by`, `key` and\n"
         "`partitioned_by` take names of fields, which a `map` makes. A field named `kafka` hides all of it.\n\n"
         "```yaml\n- map: {tenant: \"coalesce(kafka.headers['tenant'], 'none')\", day: kafka.timestamp.getDate()}\n```\n\n"
         "| Written | Type | Meaning |\n|---|---|---|\n"
         "| `kafka.key` | string | Null where the record has no key. |\n"
         "| `kafka.headers['name']` | string | Null where there is no such header. Of several of one name the last counts. "
         "`kafka.headers.name` and `'name' in kafka.headers` are understood, too. |\n"
         "| `kafka.topic` | string | |\n"
         "| `kafka.partition` | int | |\n"
         "| `kafka.offset` | int | |\n"
         "| `kafka.timestamp` | timestamp | Null where the record has none, which is possible only with `event_time: {field: ...}`. |\n\n"
         "A key or header that is not UTF-8 is an expression error where it is read as text; `bytes(kafka.key)` and\n"
         "`bytes(kafka.headers['name'])` are its bytes, whatever they are, and null where there are none.\n";
}

void begin_headers(std::span<const RecordField> fields, Batch& batch) {
  for (const RecordField& field : fields) {
    if (field.part == RecordPart::kHeader) batch.columns[field.slot].reset(TypeKind::kBytes, 0);
  }
}

void push_headers(std::span<const RecordField> fields, const RawRecord& record, Batch& batch) {
  for (const RecordField& field : fields) {
    if (field.part != RecordPart::kHeader) continue;
    Column& column = batch.columns[field.slot];
    const size_t row = column.push_null();
    const auto newest_first = record.headers | std::views::reverse;
    const auto found = std::ranges::find(newest_first, field.header, [](const auto& header) { return header.first; });
    if (found == newest_first.end() || !found->second) continue;
    column.valid[row] = 1;
    column.strings[row] = batch.arena.copy(*found->second);
  }
}

void fill_record_columns(std::span<const RecordField> fields, const TopicTable& topics, Batch& batch) {
  for (const RecordField& field : fields) fill(field, topics, batch);
}

}  // namespace tidemark
