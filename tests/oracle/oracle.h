// The oracle: what a pipeline must have written, computed naively from whole partition logs. It is written from the
// contract's law "When does a record count?" and shares no code with the engine: std::map for state, big integers for
// sums, one record after the other. It deliberately knows no threads, lanes in time, idleness, restarts or Kafka.
//
// Use: describe the pipeline in a Pipeline, give the logs of *all* its partitions (empty ones too, for they hold a lane's
// watermark back), call run_oracle(). Plain data in, plain data out; a pure function; aborts on a description that makes
// no sense (a filter naming no condition). Of a pipeline with branches it sees one at a time. Not covered: repeats
// between partitions, early rows, `oversize` of results, idle partitions.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/oracle/csv.h"
#include "tests/oracle/value.h"

namespace tidemark::oracle {

// ---- What went in

struct Header {
  std::string name;
  std::optional<std::string> value;
  auto operator<=>(const Header&) const = default;
};

struct Record {
  int64_t offset = 0;
  int64_t timestamp_ms = -1;  // Kafka's
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::vector<Header> headers;
};

struct PartitionLog {
  std::string topic;
  int32_t partition = 0;
  std::vector<Record> records;  // by offset
};

// ---- The pipeline

// What a record is beside its value.
struct Origin {
  std::string topic;
  int32_t partition = 0;
  Record record;
  // The last header of that name; null where there is none, or none with a value.
  std::optional<std::string> header(const std::string& name) const;
};

// One record on its way through the steps: fields in their order of definition.
struct Row {
  std::vector<std::pair<std::string, Value>> fields;
  std::shared_ptr<const Origin> origin = nullptr;  // of records only
  // Null where there is no such field.
  const Value& at(const std::string& name) const;
  void set(const std::string& name, Value value);  // replaces in place, or adds at the end
};

// A condition that is null, or that fails, answers none.
using Condition = std::function<std::optional<bool>(const Row&)>;
// An expression that fails answers none; null is a Value.
using Expression = std::function<std::optional<Value>(const Row&)>;

// Either a filter (condition set), a map (fields set, all of which see the row before the step) or a dedupe (by set). Of a
// dedupe equal keys have to lie in one partition, for between partitions nobody knows which is read first.
struct Step {
  std::string name;
  Condition filter;
  std::vector<std::pair<std::string, Expression>> map;
  std::vector<std::string> by = {};
  int64_t within_us = 0;
};

enum class AggregateKind {
  kCount,
  kSum,
  kAvg,
  kMin,
  kMax,
  kFirst,
  kLast,
  kVariance,
  kStddev,
  kDistinct,
  kApproxDistinct,  // answered exactly: a sketch agrees while values are few
  kTopK,            // numbers: k, bound
  kQuantile,        // numbers: q; within 1% as documented: the middle of 1/64 of an octave
  kList,            // numbers: max
  kHistogram,       // numbers: the bounds
  kArgMin,
  kArgMax,
};

struct Aggregate {
  std::string name;
  AggregateKind kind = AggregateKind::kCount;
  Expression argument;  // absent: count() of rows
  Condition where;      // absent: all rows
  Expression by = nullptr;           // of kArgMin and kArgMax
  std::vector<double> numbers = {};  // what the call writes out
};

enum class WindowKind { kSliding, kSession, kRunning, kCumulative, kCalendar };

struct Window {
  std::string name;
  WindowKind kind = WindowKind::kSliding;
  int64_t size_us = 0;
  int64_t step_us = 0;  // sliding with step = size: tumbling
  int64_t gap_us = 0;   // of kSession; the ttl of kRunning
  int64_t max_us = 0;   // of kSession; 0: nothing cuts them
  int64_t offset_us = 0;
  std::string unit;      // of kCalendar: day, week or month
  std::string timezone;
  std::vector<std::string> by;
  int64_t allowed_lateness_us = 0;
  std::vector<Aggregate> aggregates;
  Condition having;  // a filter behind the window; absent: all result rows
};

// A window over the results of another one, behind steps of its own.
struct Level {
  std::vector<Step> steps;
  Window window;
};

struct EventTime {
  std::string field;  // empty: the Kafka timestamp
  int64_t max_delay_us = 0;
  int64_t max_future_us = 3'600'000'000;
};

enum class Lanes {
  kOne,           // one watermark over all partitions (memory exchange, or a global key)
  kPerPartition,  // lane = partition number, the same across topics (`partitioned_by`, stateless)
};

struct Source {
  std::string name = "events";
  std::vector<std::string> topics;  // of the first source it need not be said: it reads what no other names
  std::vector<Field> schema;        // the same fields in all sources, whatever their order, paths and forms
  std::optional<Csv> csv;           // absent: records are JSON objects
  EventTime event_time;
  bool skip_tombstones = false;
  int64_t max_record_bytes = 10 << 20;  // of key and value together
};

struct Pipeline {
  std::string name;
  std::vector<Source> sources = {Source{}};
  std::string union_step;      // brings all of them together; empty: none
  std::optional<size_t> only;  // without one, of several sources: the one whose records the steps take
  std::vector<Step> steps;
  std::optional<Window> window;  // after the steps; without one, rows leave as they are
  std::vector<Level> over;       // over the window, one over the other; the last one's rows leave
  Lanes lanes = Lanes::kOne;
  bool until_end = false;                // every window closes; otherwise those that the logs alone have closed
  std::optional<int64_t> wall_clock_ms;  // absent: no record's Kafka timestamp is beyond the wall clock
};

// ---- What must have come out

struct ResultRow {
  std::string json;                // compact, fields in order; without `revision` and `is_final`
  std::string identity;            // names the (key, window), or the record where there is no window
  std::optional<std::string> key;  // the record key in Kafka
  int64_t newest_timestamp_ms = 0; // the newest Kafka timestamp among the counted records
  int64_t window_end_us = 0;       // 0 without a window
  bool closed = true;              // false: still open, must not have been written (but early rows)
};

// A record refused by a step or by the source.
struct RefusedRecord {
  std::string topic;
  int32_t partition = 0;
  int64_t offset = 0;
  std::string step;
  std::string reason;
  std::optional<std::string> watermark;  // RFC 3339, for late ones
};

struct StepLedger {
  int64_t in = 0;
  int64_t out = 0;  // or counted, for the window
  int64_t filtered = 0;
  int64_t late = 0;
  int64_t dead_lettered = 0;
  int64_t deduplicated = 0;
  int64_t updates_missed = 0;  // windows missed by records that counted in others
};

struct SourceLedger {
  int64_t read = 0;
  int64_t dead_lettered = 0;
  int64_t filtered = 0;  // skipped tombstones
  int64_t passed_on = 0;
};

struct Ledger {
  std::map<std::string, SourceLedger> sources;
  SourceLedger all_sources() const;
  std::map<std::string, StepLedger> steps;  // the window under its name
  int64_t window_updates_missed = 0;        // windows missed by records that counted in others
  int64_t results_filtered = 0;             // closed rows that `having` dropped
};

struct Outcome {
  std::vector<ResultRow> rows;
  std::vector<RefusedRecord> late;
  std::vector<RefusedRecord> dead_letters;
  Ledger ledger;
};

Outcome run_oracle(const Pipeline& pipeline, const std::vector<PartitionLog>& logs);

// The compact JSON or bytes that a key of these values has in Kafka: one string is its bytes; one null, or no
// field at all, is no key.
std::optional<std::string> kafka_key(const std::vector<Value>& values);

// The partition that Java's default partitioner gives to `key`.
int32_t java_partition(const std::string& key, int32_t partitions);

}  // namespace tidemark::oracle
