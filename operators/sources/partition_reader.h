// PartitionReader: turns the records of one source partition into batches, judging each by the law of the contract:
// decode, event time, the future, the watermark that moves per record. Pure: no Kafka, no threads, no sinks.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "operators/batch.h"
#include "operators/formats/decoder.h"
#include "operators/formats/reason.h"
#include "operators/plan/plan.h"
#include "operators/sources/source_record.h"

namespace tidemark {

// What became of the records of a partition: read = dead_lettered + filtered + passed.
struct SourceCounters {
  uint64_t read = 0;
  uint64_t dead_lettered = 0;
  uint64_t filtered = 0;  // skipped tombstones
  uint64_t passed = 0;
};

// Adds what only the caller has: headers of the record being appended, and a place for refused records.
class ReaderEvents {
 public:
  virtual ~ReaderEvents() = default;
  virtual void add_headers(Arena& arena, RawRecord& record) = 0;
  // The record goes to `dead_letter`; views live as long as the call. Called only for records of this reader.
  virtual void refused(const SourceRecord& record, Reason reason, const std::string& message) = 0;
};

// Where a partition stands: what a checkpoint holds of it.
struct PartitionPosition {
  int64_t next_offset = 0;
  Time max_event_time = Time::min();
};

// Single-threaded. `plan`, `decoder` and `clock` outlive it; the decoder is shared by the readers of one worker.
class PartitionReader {
 public:
  PartitionReader(const PlannedSource& source, Decoder& decoder, const Clock& clock, uint32_t topic, int32_t partition,
                  PartitionPosition start);

  // Takes one record: appends it to the batch, or refuses it. Records must come in offset order; `batch` is one that
  // begin() prepared and that has room.
  void append(const SourceRecord& record, Batch& batch, ReaderEvents& events);
  // Makes an empty batch ready for this partition.
  void begin(Batch& batch) const;
  // The end of the log was reached: the next offset to fetch, behind markers and compacted gaps.
  void on_end(int64_t next_offset);

  const PartitionPosition& position() const { return position_; }
  // W(p) now: max event time - max_delay; Time::min() before any record.
  Time watermark() const;
  // Kafka timestamp of the record read last; Time::min() where there is none.
  Time newest_timestamp() const { return newest_timestamp_; }
  const SourceCounters& counters() const { return counters_; }

 private:
  bool is_future(Time event_time, Time timestamp);
  bool is_beyond_clock(Time time);
  void refuse(const SourceRecord& record, Reason reason, const std::string& message, ReaderEvents& events);
  void keep(const SourceRecord& record, Batch& batch, ReaderEvents& events);

  const PlannedSource& source_;
  Decoder& decoder_;
  const Clock& clock_;
  const bool reads_headers_;
  const bool keeps_;  // anything of a record beside its columns
  uint32_t topic_;
  int32_t partition_;
  PartitionPosition position_;
  Time last_now_ = Time::min();  // the wall clock's last answer
  Time newest_timestamp_ = Time::min();
  SourceCounters counters_;
  Arena scratch_;       // of headers_
  RawRecord headers_;   // of the record in hand, where only its headers are asked for
};

}  // namespace tidemark
