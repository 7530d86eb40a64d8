// Plan: a checked pipeline, ready to run. Immutable after start and shared by all threads; mutable state is separate and
// belongs to workers and lanes. Knows what is to be done with rows, not where they come from or which thread does it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/diagnostic.h"
#include "base/time.h"
#include "config/pipeline.h"
#include "operators/dedupe/dedupe_plan.h"
#include "operators/expr/expr.h"
#include "operators/formats/csv_row.h"
#include "operators/formats/decode_spec.h"
#include "operators/formats/json_writer.h"
#include "operators/record_fields.h"
#include "operators/scope.h"
#include "operators/topic_table.h"
#include "operators/windows/window_plan.h"
#include "state/manifest.h"

namespace tidemark {

// `name: expression` with the slot that its values go to.
struct PlannedField {
  std::string name;
  uint32_t slot = 0;
  std::unique_ptr<const expr::Program> program;
  // An aggregate's argument: worked out only for rows where this bool column is true (its `.where`).
  std::optional<uint32_t> condition_slot;
};

struct PlannedFilter {
  std::unique_ptr<const expr::Program> condition;
  std::string text;  // of the condition
};

// map and select alike: the fields to work out; what remains visible is the step's output scope.
struct PlannedMap {
  std::vector<PlannedField> fields;
  bool keeps_others = true;             // map, not select
};

// Passes on the rows of several sources, whose batches have the same columns.
struct PlannedUnion {};

struct PlannedWindow {
  WindowPlan window;
  std::vector<uint32_t> key_slots;      // in the batches that it takes
  std::vector<PlannedField> inputs;     // aggregate arguments and `.where` conditions, worked out before rows find their lanes
  std::vector<PlannedField> results;    // the `aggregates:` expressions, worked out over raw results behind the window
  std::vector<Type> result_types;       // of the raw result columns: keys, window_start, window_end, aggregates
  uint32_t result_slots = 0;            // columns of its result batches, with what the steps behind it add
  // Over another window: whether rows of one key come from several lanes, and have to be brought to one by its hash.
  bool exchanged = false;
  uint32_t level = 0;                   // how many such exchanges its rows have gone through
};

struct PlannedDedupe {
  DedupePlan dedupe;
  std::vector<std::string> keys;
  std::vector<uint32_t> key_slots;      // in source batches
};

struct PlannedStep {
  std::string name;
  std::variant<PlannedFilter, PlannedMap, PlannedDedupe, PlannedWindow, PlannedUnion> what;
  std::optional<size_t> behind_window;  // its input rows are result rows of the window with this ordinal
  bool revised = false;                 // a row that it gives may be followed by another one in its place
  Scope output;
  std::vector<size_t> next_steps;       // steps that take this one's rows
  std::vector<size_t> next_sinks;

  const PlannedWindow* window() const { return std::get_if<PlannedWindow>(&what); }
  const PlannedDedupe* dedupe() const { return std::get_if<PlannedDedupe>(&what); }
};

enum class SinkKind : uint8_t { kKafka, kStdout, kDrop };
enum class SinkInput : uint8_t { kRows, kLate, kDeadLetter };

struct PlannedSink {
  std::string name;
  SinkKind kind = SinkKind::kDrop;
  SinkInput input = SinkInput::kRows;
  Delivery delivery = Delivery::kNone;
  std::optional<size_t> behind_window;  // as in a step
  // Kafka only.
  std::string topic;
  std::string brokers;
  std::vector<std::pair<std::string, std::string>> properties;
  // Rows only. Absent `key`: the record's original key.
  std::optional<JsonWriter> row;
  std::optional<KeyWriter> key;
};

struct PlannedSource {
  std::string name;
  std::vector<std::string> topics;
  std::string topic_pattern;
  Start start;
  std::string format;
  CsvLayout csv;  // of format csv
  DecodeSpec decode;
  EventTimeSpec event_time;
  bool skip_tombstones = false;
  int64_t max_record = 10 << 20;
  std::vector<size_t> next_steps;
  std::vector<size_t> next_sinks;
  // The same in all sources of a plan.
  bool keep_raw = false;   // some record may have to be written to `late` or `dead_letter` after it was decoded
  bool keep_keys = false;  // a sink of rows without a window takes the original keys, or an expression reads them
  std::vector<RecordField> record_fields;  // what expressions read of a record beside its value
  uint32_t slots = 0;      // columns of a source batch
};

// The consumer that reads all sources.
struct PlannedConsumer {
  std::string brokers;
  std::string group;
  std::vector<std::string> topics;
  std::string topic_pattern;  // of one source at most; empty: none
  std::vector<std::pair<std::string, std::string>> properties;
  bool native_fetch = true;
};

// How rows find their lane, and with it what restores together.
enum class Lanes : uint8_t {
  kByPartition,  // no exchange: lane = partition number; each lane is a recovery unit
  kByKey,        // memory exchange: `lanes` lanes inside the one instance; one recovery unit
};

struct Plan {
  std::string name;
  std::string file;
  std::vector<PlannedSource> sources;  // one, or several with the same columns
  PlannedConsumer consumer;
  std::vector<PlannedStep> steps;    // inputs come before their takers
  std::vector<size_t> windows;       // the steps that are windows, by ordinal; one behind another comes after it
  std::vector<size_t> dedupes;       // the steps that are dedupes, by ordinal
  uint32_t levels = 1;               // of windows: one more than there are exchanges of result rows in a row
  std::vector<PlannedSink> sinks;
  Lanes lane_choice = Lanes::kByPartition;
  bool partitioned_by = false;       // the promise is in use: partition counts must not change
  uint32_t lanes = 32;               // of kByKey
  Duration checkpoint_every;
  Duration transaction_timeout;
  Duration max_drift;
  std::optional<Duration> close_after_idle;  // once all partitions of a lane are idle; none: never
  std::vector<StepSignature> signatures;  // what must not change under a step's name while it has state
  std::unique_ptr<TopicTable> topics = std::make_unique<TopicTable>();

  // By ordinal.
  const PlannedStep& window_step(size_t ordinal) const { return steps[windows[ordinal]]; }
  const PlannedWindow& window(size_t ordinal) const { return *window_step(ordinal).window(); }
  // The source that reads the topic: the one that names it, or else the one with a pattern.
  uint32_t source_of(std::string_view topic) const;
  std::string source_names() const;  // "source a", "sources a, b"
  bool keyed() const { return !windows.empty() || !dedupes.empty(); }  // it keeps keyed state
  bool transactional() const;        // some sink is exactly_once
  bool has_sink(SinkInput input) const;
};

// Binds names, compiles expressions and checks types; every error lands in `diagnostics` with its place in the file.
// Answers nothing when there was an error. In a draft that is not sound it looks for errors all the same, and keeps to
// itself what may only follow from those that were reported.
std::optional<Plan> make_plan(const PipelineSpec& spec, Diagnostics& diagnostics);

// What `tidemark explain` prints: the plan drawn, then stages, keys, slices, lanes, what a key costs, guarantees, and what
// restarts and rebalances cost; and the same as JSON.
std::string explain(const Plan& plan);
std::string explain_json(const Plan& plan);

}  // namespace tidemark
