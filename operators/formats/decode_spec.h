// What every decoder is built from and what it answers: the declared fields of a source, and the verdict over one
// record. Knows no format.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "base/types.h"
#include "operators/formats/reason.h"

namespace tidemark {

enum class TimestampUnit : uint8_t { kSeconds, kMillis, kMicros, kIso };

// One line of a source's `schema:`. Every declared field is decoded and judged; only those with a slot become columns.
struct DeclaredField {
  std::string name;
  Type type;
  bool nullable = false;
  std::vector<std::string> path;  // object keys from the outside in; empty means {name}
  TimestampUnit unit = TimestampUnit::kMillis;  // of kTimestamp, and of the elements of lists, only
  std::optional<uint32_t> slot;   // index into Batch::columns; none: judged, then forgotten
};

struct DecodeSpec {
  std::vector<DeclaredField> fields;
  std::optional<size_t> event_time;  // index into `fields`; none: the Kafka timestamp is the event time
};

// The verdict over one record: a function of the record's bytes alone. `reason` is the first that applies of decode,
// event_time, missing_field, type. The caller judges `oversize` before, and `future` between event_time and
// missing_field: that is why the event time is answered beside a missing_field or type problem too.
struct DecodeResult {
  std::optional<Reason> reason;    // none: the record is good
  std::optional<Time> event_time;  // set when the spec has an event-time field and it was read

  bool ok() const { return !reason; }
};

}  // namespace tidemark
