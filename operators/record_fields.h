// What a Kafka record is beside its value, as columns of a batch: what `kafka.key` and its like read. Knows neither the
// expressions that ask for it nor the client that delivers records.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/types.h"
#include "operators/batch.h"
#include "operators/topic_table.h"

namespace tidemark {

enum class RecordPart : uint8_t { kKey, kHeader, kPartition, kOffset, kTimestamp, kTopic };

// Keys and headers are bytes, null where the record has none; of headers of one name the last counts, as in
// Headers.lastHeader() of Kafka's own clients. A timestamp is null where the record has none.
struct RecordField {
  RecordPart part = RecordPart::kKey;
  std::string header;  // of kHeader: its name
  uint32_t slot = 0;   // index into Batch::columns
};

TypeKind type_of(RecordPart part);
// As an expression writes it: "kafka.headers['trace']".
std::string written(RecordPart part, std::string_view header);

// What of it there is, for the reference.
std::string record_fields_markdown();

// Makes an empty column of each header. Before the rows of a batch.
void begin_headers(std::span<const RecordField> fields, Batch& batch);
// Pushes one record's headers; the values are copied into the batch's arena.
void push_headers(std::span<const RecordField> fields, const RawRecord& record, Batch& batch);

// Makes columns of what the batch knows of its records, which is all but headers. Once all rows are there; the keys of
// records are there where `fields` hold kKey.
void fill_record_columns(std::span<const RecordField> fields, const TopicTable& topics, Batch& batch);

}  // namespace tidemark
