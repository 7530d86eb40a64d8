// A whole pipeline file as plain, checked structs: what the file says, defaults filled in, names resolved. Places are
// kept so that later stages can still point at the file. Expressions are text here; it deliberately does not know how
// they are compiled, nor anything of operators. Parts that are not `sound` hold errors that were reported: what does not
// fit them may be right.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/diagnostic.h"
#include "base/time.h"
#include "base/types.h"
#include "config/yaml.h"

namespace tidemark {

// `name: expression`, as in `map`, `select` and `aggregates`.
struct NamedExpression {
  Located<std::string> name;
  SourceText expression;
};

// One librdkafka property, passed through.
struct Property {
  Located<std::string> name;
  Located<std::string> value;
};

// ---- Sources

struct StartEarliest {};
struct StartLatest {};
struct StartTimestamp {
  Time time;
};
// Where the very first start begins.
struct Start {
  std::variant<StartEarliest, StartLatest, StartTimestamp> at;
};

// Who fetches records: the engine over sockets of its own, as far as the properties leave that to it, or librdkafka.
enum class Fetch { kNative, kLibrdkafka };

struct KafkaSourceSpec {
  Location where;
  Located<std::string> brokers;                         // comma-separated
  std::vector<Located<std::string>> topics;             // of `topic` or `topics`; empty with a pattern
  std::optional<Located<std::string>> topic_pattern;    // begins with ^
  Located<std::string> group;                           // default: the pipeline's name
  Start start;
  std::vector<Located<std::string>> partitioned_by;     // names of schema fields
  Fetch fetch = Fetch::kNative;
  std::vector<Property> properties;
  Located<bool> insecure{false, {}};                    // the properties may leave the broker unverified
};

struct JsonFormatSpec {};
struct RawFormatSpec {};
// Records have no header line: a column is known by its place.
enum class CsvHeader { kNone };
struct CsvFormatSpec {
  Location where;
  char delimiter = ',';
  std::optional<char> quote = '"';
  CsvHeader header = CsvHeader::kNone;
  std::vector<Located<std::string>> columns;            // in the order of a record; empty: the schema's fields
  std::string null_text;                                // what stands for null
  bool trim = false;
};
struct SourceFormatSpec {
  Location where;
  std::variant<JsonFormatSpec, RawFormatSpec, CsvFormatSpec> kind;
};

// How a timestamp is written in the input.
enum class TimestampForm { kSeconds, kMillis, kMicros, kIso };

struct SchemaFieldSpec {
  Located<std::string> name;
  Type type;                                            // string int double bool bytes timestamp, or a list of one
  bool nullable = false;
  TimestampForm timestamp_form = TimestampForm::kMillis;  // of timestamps and lists of them only
  Location type_where;
  std::vector<std::string> path;                        // at least one step; default: the name
  bool sound = true;                                    // the name and the type are as written
};

struct EventTimeSpec {
  Location where;
  std::optional<Located<std::string>> field;            // a timestamp field of the schema; none: the Kafka timestamp
  Duration max_delay{};
  Duration max_future = Duration::hours(1);
  Duration idle_after = Duration::seconds(30);
  std::optional<Duration> close_after_idle = Duration::minutes(1);  // none: `off`
  std::optional<Located<Duration>> max_drift;           // none: the longest window, at least 1 m
};

enum class Tombstones { kDeadLetter, kSkip };

struct SourceSpec {
  Located<std::string> name;
  Location where;
  std::variant<KafkaSourceSpec> from;
  SourceFormatSpec format;
  std::vector<SchemaFieldSpec> schema;                  // in written order
  bool schema_sound = true;                             // no field is missing from it
  EventTimeSpec event_time;
  Tombstones tombstones = Tombstones::kDeadLetter;
  int64_t max_record = 10 << 20;                        // bytes
  const KafkaSourceSpec& kafka() const { return std::get<KafkaSourceSpec>(from); }
  const SchemaFieldSpec* find(std::string_view field) const;
  // There are fields, and each has a name, whatever else is wrong with them.
  bool names_all_fields() const;
};

// ---- Steps

// What a step or sink takes its rows from, resolved.
struct InputRef {
  enum class Kind { kSource, kStep, kLate, kDeadLetter };
  Kind kind = Kind::kSource;
  size_t index = 0;  // into sources or steps
  friend bool operator==(const InputRef&, const InputRef&) = default;
};

struct FilterSpec {
  SourceText condition;
};
// Adds or replaces fields.
struct MapSpec {
  std::vector<NamedExpression> fields;
};
// Keeps only these; `select: [a]` is a: a.
struct SelectSpec {
  std::vector<NamedExpression> fields;
};

// Lets the first record with a key pass, and forgets the key when event time has come `within` behind it.
struct DedupeSpec {
  std::vector<Located<std::string>> by;                 // without duplicates, at least one
  Located<Duration> within;
};

// Rows of several sources, as they come.
struct UnionSpec {
  std::vector<Located<std::string>> of;                 // without duplicates, at least two
  std::vector<size_t> sources;                          // the same by number
};

// Aligned windows: start at epoch + offset + k x step. size >= step > 0, offset >= 0.
struct TumblingSpec {
  Located<Duration> size;
  std::optional<Located<Duration>> offset;
};
struct SlidingSpec {
  Located<Duration> size;
  Located<Duration> step;
  std::optional<Located<Duration>> offset;
};

// Totals per key, which end when the key has been quiet for `ttl`.
struct RunningSpec {
  Located<Duration> ttl;
};

// Windows that begin together and grow by a step until they have the full size.
struct CumulativeSpec {
  Located<Duration> size;
  Located<Duration> step;
  std::optional<Located<Duration>> offset;
};
enum class CalendarPeriod { kDay, kWeek, kMonth };
struct CalendarSpec {
  CalendarPeriod unit = CalendarPeriod::kDay;
  Located<std::string> timezone{"UTC", {}};              // whether there is such a zone is not known here
};

// As long as a key's records lie less than `gap` apart; cut at multiples of `max` from the epoch. max >= gap > 0.
struct SessionSpec {
  Located<Duration> gap;
  std::optional<Located<Duration>> max;
};

// When a window speaks: once closed; at multiples of a period before that, too; or whenever it changed.
enum class EmitWord { kOnClose, kEvery, kOnChange };
struct Emit {
  EmitWord word = EmitWord::kOnClose;
  Duration every{};                                      // of kEvery
  bool operator==(const Emit&) const = default;
};

struct WindowSpec {
  Location where;
  std::variant<TumblingSpec, SlidingSpec, SessionSpec, CumulativeSpec, RunningSpec, CalendarSpec> kind;
  std::optional<Located<Duration>> offset_beside;       // `offset` beside the kind instead of in it; see offset()
  std::vector<Located<std::string>> by;                 // without duplicates; empty: one global key
  Located<Duration> allowed_lateness;
  Emit emit;
  std::vector<NamedExpression> aggregates;  // at least one; names clash neither with `by` nor window_start, ...
  bool sound = true;                                    // the keys and the aggregates' names are as written
  Duration offset() const;                              // 0 of kinds that have none
};

struct StepSpec {
  Located<std::string> name;                            // as written, or KIND-N by its place in the list, from 1
  std::optional<Located<std::string>> from;
  Location where;
  std::variant<FilterSpec, MapSpec, SelectSpec, DedupeSpec, WindowSpec, UnionSpec> what;
  InputRef input;                                       // an earlier step or a source; of a union the first of its sources
  bool sound = true;                                    // the input and the fields' names are as written
};

// ---- Sinks

enum class Delivery { kNone, kAtLeastOnce, kExactlyOnce };
enum class TimestampsOut { kRfc3339, kMillis };

struct KafkaSinkSpec {
  Location where;
  Located<std::string> topic;
  std::optional<std::vector<Located<std::string>>> key;  // fields; none: the window's key, or the record's own key
  Located<std::string> brokers;                          // default: the source's
  std::vector<Property> properties;  // without `brokers`, the source's security.*, sasl.*, ssl.* stand before them
  Located<bool> insecure{false, {}};                     // the properties written here may leave the broker unverified
};
struct StdoutSinkSpec {};
struct DropSinkSpec {};

struct JsonOutSpec {
  TimestampsOut timestamps = TimestampsOut::kRfc3339;
};
struct SinkFormatSpec {
  Location where;
  std::variant<JsonOutSpec> kind;
  const JsonOutSpec& json() const { return std::get<JsonOutSpec>(kind); }
};

struct SinkSpec {
  Located<std::string> name;                             // as written, or KIND-N by its place in the list, from 1
  std::optional<Located<std::string>> from;
  Location where;
  std::variant<KafkaSinkSpec, StdoutSinkSpec, DropSinkSpec> what;
  std::optional<SinkFormatSpec> format_written;
  std::optional<Located<Delivery>> delivery_written;
  SinkFormatSpec format;                                 // resolved
  Delivery delivery = Delivery::kNone;  // resolved: kafka exactly_once, stdout at_least_once, drop none
  InputRef input;
  bool sound = true;                                    // the input is as written
  bool delivery_sound = true;                           // the delivery is
};

// ---- Tests

// A record of a test's input as it was written: what is left out is filled in by those who run the test.
struct TestRecordSpec {
  Location where;
  std::vector<Node::Entry> fields;                       // all but the words that begin with `$`
  std::optional<Located<std::string>> topic;             // of several that the source reads
  std::optional<Located<int64_t>> partition;
  std::optional<Located<Time>> timestamp;                // Kafka's
  std::optional<std::optional<std::string>> key, raw;    // the inner one absent: null
  std::vector<std::pair<std::string, std::optional<std::string>>> headers;
};
enum class TestWord { kCheckpoint, kCrash, kEnd };
struct TestAdvance {
  Duration by{};                                         // of processing time
};
struct TestActionSpec {
  Location where;
  std::variant<TestRecordSpec, TestWord, TestAdvance> what;
};
struct TestInputSpec {
  Located<std::string> source;
  std::vector<TestActionSpec> actions;
};
// What is expected of the rows of a step, of a source's records, of `late` or of `dead_letter`.
struct TestExpectSpec {
  Located<std::string> of;
  bool exactly = false;                                  // these rows in this order, and no others
  Node rows;                                             // a list of maps
};
struct TestSpec {
  Located<std::string> name;                             // as written, or `test N` by its place in the list, from 1
  Location where;
  std::vector<TestInputSpec> input;
  std::vector<TestExpectSpec> expect;
};

// ---- The whole

struct CheckpointSpec {
  Located<Duration> every{Duration::seconds(5), {}};
};
enum class Exchange { kMemory };

struct PipelineSpec {
  std::string file;
  Located<std::string> name;
  std::vector<SourceSpec> sources;                       // at least one; several are read by one group and have one schema
  std::vector<StepSpec> steps;                           // in an order in which inputs come first
  std::vector<SinkSpec> sinks;                           // at least one
  CheckpointSpec checkpoint;
  Located<int64_t> lanes{32, {}};                        // 1..65535
  Exchange exchange = Exchange::kMemory;
  std::vector<TestSpec> tests;                           // for `tidemark test`
  // Whether the sections were read without an error, so that rules between them make sense; and the whole file.
  bool sources_sound = true, steps_sound = true, sinks_sound = true, checkpoint_sound = true, tests_sound = true;
  bool sound = true;

  bool has_sink_from(InputRef::Kind kind) const;
  // The numbers of those with that name.
  std::optional<size_t> source_number(std::string_view source) const;
  std::optional<size_t> step_number(std::string_view step) const;
  // 4 x every, at least a minute; at most the usual broker maximum where an exactly_once sink exists.
  Duration transaction_timeout() const;
};

// What could be read of the pipeline that the text describes, sound or not, so that later stages can look for errors of
// their own in it; every error so far goes to `diagnostics`, sorted. Nothing when the text is not YAML. At least one
// source is there.
std::optional<PipelineSpec> draft_pipeline(std::string_view text, const std::string& file,
                                           const Environment& environment, Diagnostics& diagnostics);

// The pipeline that the text describes, or nothing and every error in `diagnostics`, sorted. Warnings come along with
// either answer.
std::optional<PipelineSpec> load_pipeline(std::string_view text, const std::string& file,
                                          const Environment& environment, Diagnostics& diagnostics);

}  // namespace tidemark
