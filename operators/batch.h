// Batch: rows in typed columns, the unit that travels through the dataflow. Knows where its rows came from and what
// their bytes were; knows nothing of steps, windows or sinks.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "base/time.h"
#include "base/types.h"

namespace tidemark {

// One column of a batch. Exactly one of the value vectors is in use, chosen by `type`; it and `valid` are as long as the
// batch has rows (rows that no step selected hold unspecified values).
struct Column {
  Type type;
  std::vector<uint8_t> valid;             // 1 = present, 0 = null
  std::vector<uint8_t> bools;             // kBool: 0 or 1
  std::vector<int64_t> ints;              // kInt; kUint (same bits); kTimestamp (us since the epoch); kDuration (ns)
  std::vector<double> doubles;            // kDouble
  std::vector<std::string_view> strings;  // kString, kBytes; the bytes live in the batch's arena.
                                          // kList: the value as JSON text
  // Gives the column a type and room for `rows` rows, all null.
  void reset(const Type& new_type, size_t rows);
  // Makes room for one more row and answers its index; the row is null until set.
  size_t push_null();
};

// Names a topic by a small number. Numbers are handed out in the order of discovery and never reused within a process;
// where order matters (`first`, `last`), topics compare by name. Thread-safe.
class TopicTable;

using Rows = std::span<const uint32_t>;  // indices into a batch, ascending

// A record as it came, kept only where the plan may have to write it to `late` or `dead_letter`.
struct RawRecord {
  std::string_view key;
  std::string_view value;
  bool key_is_null = true;
  bool value_is_null = true;
  std::vector<std::pair<std::string_view, std::optional<std::string_view>>> headers;  // in order; duplicates kept
};

// What a window step needs of each row, worked out once before its rows find their lanes.
struct KeyedRows {
  std::vector<std::string_view> keys;  // encoded key (operators/key_codec.h), in the batch's arena
  std::vector<uint64_t> hashes;        // of `keys`
};

// All source rows of a batch come from one partition, in offset order. A batch of result rows (behind a window) comes
// from one lane and has no offsets. Filled by one thread; afterwards immutable and shared by pointer between lanes.
struct Batch {
  static constexpr size_t kMaxRows = 4096;

  Arena arena;
  uint32_t rows = 0;
  std::vector<Column> columns;  // by slot number, see operators/scope.h; slots that the plan does not use stay empty

  uint32_t topic = 0;           // in the TopicTable
  int32_t partition = -1;       // -1 in batches of result rows
  std::vector<int64_t> offsets;             // source rows only
  std::vector<Time> kafka_times;            // Time::min() where the record has none; of result rows: their timestamp
  Time newest_counted = Time::min();        // Kafka timestamp of the newest record behind any row; result rows only
  std::vector<Time> newest_records;         // the same by row; result rows that another window takes only
  std::vector<std::string_view> places;     // in event order, where event times are equal; of the same
  std::vector<Time> event_times;
  std::vector<Time> watermarks;             // W(p) just before each record; source rows only
  std::vector<RawRecord> raw;               // empty unless the plan keeps raw records
  std::vector<std::string_view> record_keys;  // the record's original key; empty unless the plan keeps keys
  std::vector<uint8_t> record_key_valid;

  std::vector<KeyedRows> keyed;  // by ordinal of the window step that takes the rows

  // Kafka timestamp of the newest record that each row stands for.
  const std::vector<Time>& record_times() const { return newest_records.empty() ? kafka_times : newest_records; }

  void clear();
  size_t bytes() const;  // memory held, for budgets
};

}  // namespace tidemark
