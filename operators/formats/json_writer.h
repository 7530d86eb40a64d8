// JsonWriter and KeyWriter render rows of a batch as compact JSON objects, and their Kafka keys. They know nothing of
// where the bytes go.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"
#include "base/types.h"
#include "operators/batch.h"

namespace tidemark {

struct OutputField {
  std::string name;
  Type type;
  uint32_t slot = 0;  // index into Batch::columns
};

// The sink option `timestamps:`. Milliseconds are cut towards the past.
enum class TimestampFormat : uint8_t { kRfc3339, kMillis };

// Immutable; may be shared by threads.
class JsonWriter {
 public:
  // The times that a writer rendered last, by field: all rows of a window have the same. One for each writer and thread.
  class RecentTimes {
    friend class JsonWriter;
    struct Rendered {
      Time time;
      std::string text;  // empty: none yet
    };
    std::vector<Rendered> by_field_;
  };

  explicit JsonWriter(std::vector<OutputField> fields, TimestampFormat timestamps = TimestampFormat::kRfc3339);
  // Appends one object with all fields in their order, nulls written out; no newline.
  void append_row(const Batch& batch, uint32_t row, RecentTimes& recent, std::string& out) const;

 private:
  std::vector<OutputField> fields_;
  std::vector<std::string> heads_;  // `{"name":` or `,"name":`, escaped once
  TimestampFormat timestamps_;
};

// Immutable; may be shared by threads. A single string is its bytes; anything else is compact JSON: the bare value of a
// single field, or an array of several in their order.
class KeyWriter {
 public:
  explicit KeyWriter(std::vector<OutputField> fields, TimestampFormat timestamps = TimestampFormat::kRfc3339);
  // Appends the row's key. False, with nothing appended: the key is null (no fields, or a single one that is null).
  [[nodiscard]] bool append_key(const Batch& batch, uint32_t row, std::string& out) const;

 private:
  std::vector<OutputField> fields_;
  TimestampFormat timestamps_;
};

}  // namespace tidemark
