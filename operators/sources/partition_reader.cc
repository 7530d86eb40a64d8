// The position moves first, whatever becomes of the record; a refused one takes no row and moves no watermark. Where it
// goes, and who is told, is left to ReaderEvents.
#include "operators/sources/partition_reader.h"

#include <algorithm>

#include "operators/partition_clock.h"

namespace tidemark {
namespace {

bool reads_headers(const PlannedSource& source) {
  return std::ranges::any_of(source.record_fields, [](const RecordField& field) { return field.part == RecordPart::kHeader; });
}

}  // namespace

PartitionReader::PartitionReader(const PlannedSource& source, Decoder& decoder, const Clock& clock, uint32_t topic,
                                 int32_t partition, PartitionPosition start)
    : source_(source),
      decoder_(decoder),
      clock_(clock),
      reads_headers_(reads_headers(source)),
      keeps_(source.keep_raw || source.keep_keys || reads_headers_),
      topic_(topic),
      partition_(partition),
      position_(start) {}

void PartitionReader::begin(Batch& batch) const {
  batch.clear();
  batch.columns.resize(source_.slots);
  decoder_.prepare(batch);
  begin_headers(source_.record_fields, batch);
  batch.topic = topic_;
  batch.partition = partition_;
}

void PartitionReader::on_end(int64_t next_offset) { position_.next_offset = std::max(position_.next_offset, next_offset); }

Time PartitionReader::watermark() const {
  return PartitionClock(source_.event_time.max_delay, position_.max_event_time).watermark();
}

void PartitionReader::append(const SourceRecord& record, Batch& batch, ReaderEvents& events) {
  counters_.read += 1;
  position_.next_offset = record.offset + 1;
  newest_timestamp_ = record.timestamp;
  if (source_.skip_tombstones && (record.value_is_null || record.value.empty())) {
    counters_.filtered += 1;
    return;
  }
  const auto size = static_cast<int64_t>(record.value.size() + record.key.size());
  if (size > source_.max_record) {
    return refuse(record, Reason::kOversize,
                  "the record has " + std::to_string(size) + " bytes, max_record is " + std::to_string(source_.max_record), events);
  }
  const DecodeResult verdict = decoder_.decode(record.value);
  // The reasons in the contract's order: what concerns encoding and event time first, then the future, then the rest.
  const bool event_time_known = !source_.decode.event_time || verdict.event_time;
  if (!verdict.ok() && (!event_time_known || *verdict.reason < Reason::kFuture)) {
    return refuse(record, *verdict.reason, decoder_.message(), events);
  }
  const Time event_time = source_.decode.event_time ? *verdict.event_time : record.timestamp;
  if (event_time == Time::min()) {
    return refuse(record, Reason::kEventTime, "the record has no Kafka timestamp to serve as its event time", events);
  }
  if (is_future(event_time, record.timestamp)) {
    return refuse(record, Reason::kFuture,
                  "event time " + format_rfc3339(event_time) + " is more than max_future ahead of the record's timestamp", events);
  }
  if (!verdict.ok()) return refuse(record, *verdict.reason, decoder_.message(), events);

  decoder_.push(batch);
  batch.offsets.push_back(record.offset);
  batch.kafka_times.push_back(record.timestamp);
  batch.event_times.push_back(event_time);
  batch.watermarks.push_back(watermark());
  if (keeps_) keep(record, batch, events);
  batch.rows += 1;
  counters_.passed += 1;
  position_.max_event_time = std::max(position_.max_event_time, event_time);
}

// Judged against the record's own timestamp, so that a replay judges alike; a timestamp that is itself beyond the wall
// clock proves nothing.
bool PartitionReader::is_future(Time event_time, Time timestamp) {
  if (timestamp == Time::min()) return is_beyond_clock(event_time);
  return event_time > timestamp + source_.event_time.max_future || is_beyond_clock(timestamp);
}

// A clock costs more than the rest of the judgement, and what lies within its last answer lies within the next.
bool PartitionReader::is_beyond_clock(Time time) {
  const Duration max_future = source_.event_time.max_future;
  if (time <= last_now_ + max_future) return false;
  last_now_ = clock_.now();
  return time > last_now_ + max_future;
}

void PartitionReader::refuse(const SourceRecord& record, Reason reason, const std::string& message, ReaderEvents& events) {
  counters_.dead_lettered += 1;
  events.refused(record, reason, message);
}

void PartitionReader::keep(const SourceRecord& record, Batch& batch, ReaderEvents& events) {
  if (source_.keep_raw) {
    RawRecord& raw = batch.raw.emplace_back();
    raw.key = batch.arena.copy(record.key);
    raw.value = batch.arena.copy(record.value);
    raw.key_is_null = record.key_is_null;
    raw.value_is_null = record.value_is_null;
    events.add_headers(batch.arena, raw);
  }
  if (source_.keep_keys) {
    batch.record_keys.push_back(batch.arena.copy(record.key));
    batch.record_key_valid.push_back(record.key_is_null ? 0 : 1);
  }
  if (!reads_headers_) return;
  if (source_.keep_raw) return push_headers(source_.record_fields, batch.raw.back(), batch);
  scratch_.clear();
  headers_.headers.clear();
  events.add_headers(scratch_, headers_);
  push_headers(source_.record_fields, headers_, batch);
}

}  // namespace tidemark
