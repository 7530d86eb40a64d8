// Our headers go behind the original's. Where the whole would be too large, the value loses its end and a header says
// how long it was; the original's key and headers are never cut.
#include "operators/formats/dead_letter.h"

#include "operators/formats/record_overhead.h"

namespace tidemark {
namespace {

// At most `bytes` long, not within a UTF-8 sequence.
std::string_view cut(std::string_view text, size_t bytes) {
  if (text.size() <= bytes) return text;
  const auto is_continuation = [&](size_t i) { return (static_cast<uint8_t>(text[i]) & 0xC0) == 0x80; };
  size_t end = bytes;
  while (end > 0 && is_continuation(end)) --end;
  return text.substr(0, end);
}

void add(OutgoingRecord& record, std::string_view name, std::string value) {
  record.headers.push_back({"tidemark." + std::string(name), std::move(value)});
}

void add_refusal(OutgoingRecord& record, const RecordRefusal& refusal) {
  add(record, "reason", std::string(to_string(refusal.reason)));
  add(record, "error", std::string(cut(refusal.error, kMaxErrorBytes)));
  add(record, "pipeline", std::string(refusal.pipeline));
  add(record, "step", std::string(refusal.step));
  if (!refusal.topic.empty()) add(record, "topic", std::string(refusal.topic));
  if (refusal.partition) add(record, "partition", std::to_string(*refusal.partition));
  if (refusal.offset) add(record, "offset", std::to_string(*refusal.offset));
  if (refusal.timestamp) add(record, "timestamp", std::to_string(refusal.timestamp->to_millis()));
  if (refusal.watermark) add(record, "watermark", format_rfc3339(*refusal.watermark));
  if (refusal.window_start) add(record, "window_start", format_rfc3339(*refusal.window_start));
  if (refusal.window_end) add(record, "window_end", format_rfc3339(*refusal.window_end));
}

}  // namespace

size_t kafka_bytes(const OutgoingRecord& record) {
  size_t bytes = kRecordOverheadBytes;
  if (record.key) bytes += record.key->size();
  if (record.value) bytes += record.value->size();
  for (const OutgoingHeader& header : record.headers) {
    bytes += kHeaderOverheadBytes + header.name.size() + (header.value ? header.value->size() : 0);
  }
  return bytes;
}

OutgoingRecord build_dead_letter(const RawRecord& original, const RecordRefusal& refusal, size_t max_bytes) {
  OutgoingRecord record;
  if (!original.key_is_null) record.key = original.key;
  if (!original.value_is_null) record.value = original.value;
  for (const auto& [name, value] : original.headers) {
    record.headers.push_back({std::string(name), value ? std::optional<std::string>(*value) : std::nullopt});
  }
  add_refusal(record, refusal);
  if (kafka_bytes(record) <= max_bytes || !record.value) return record;
  add(record, "truncated", std::to_string(record.value->size()));
  const size_t too_many = kafka_bytes(record) - max_bytes;
  const size_t size = record.value->size();
  record.value = record.value->substr(0, size > too_many ? size - too_many : 0);
  return record;
}

}  // namespace tidemark
