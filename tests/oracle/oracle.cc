// The oracle's walk over the logs, one partition after the other: what counts is decided by a partition's own log, so the
// order of the partitions cannot matter. Knows nothing of how an engine would be fast.
#include "tests/oracle/oracle.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <set>
#include <tuple>

#include "tests/oracle/accumulate.h"
#include "tests/oracle/decode.h"
#include "tests/oracle/spans.h"

namespace tidemark::oracle {
namespace {

constexpr int64_t kNever = std::numeric_limits<int64_t>::min();

int64_t saturating_sub(int64_t a, int64_t b) {
  int64_t out = 0;
  return __builtin_sub_overflow(a, b, &out) ? kNever : out;
}

// A (key, window) of one lane.
struct GroupId {
  int32_t lane = 0;
  Span window;
  std::vector<Value> key;
  auto operator<=>(const GroupId&) const = default;
};

// Towards the past, for times before the epoch too.
int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b != 0 && (a < 0) != (b < 0)); }

bool is_session(const Window& window) { return window.kind == WindowKind::kSession || window.kind == WindowKind::kRunning; }

// A record as a window takes it.
struct Counted {
  EventOrder order;
  std::vector<std::pair<Value, Value>> values;
  int64_t timestamp_ms = kNever;
};

struct Group {
  std::vector<Accumulator> accumulators;
  int64_t newest_timestamp_ms = kNever;

  void add(const Window& window, const Counted& record) {
    accumulators.resize(window.aggregates.size());
    for (size_t i = 0; i < accumulators.size(); ++i) {
      accumulators[i].add(window.aggregates[i], record.values[i].first, record.values[i].second, record.order);
    }
    newest_timestamp_ms = std::max(newest_timestamp_ms, record.timestamp_ms);
  }
};

// A result row on its way out, or to a window over this one.
struct Fired {
  Row row;
  std::vector<Value> key;
  int32_t lane = 0;
  Span window;
  int64_t newest_timestamp_ms = kNever;
  bool closed = true;
  // Event order, where times are equal too.
  auto place() const { return std::tie(window.end_us, window.start_us, key, lane); }
};

Row result_fields(const Window& window, const std::vector<Value>& key, const Span& span, const Group& group) {
  Row row;
  for (size_t i = 0; i < key.size(); ++i) row.set(window.by[i], key[i]);
  if (window.kind != WindowKind::kRunning) {
    row.set("window_start", Timestamp{span.start_us});
    row.set("window_end", Timestamp{span.end_us});
  }
  for (size_t i = 0; i < window.aggregates.size(); ++i) {
    row.set(window.aggregates[i].name, group.accumulators[i].result(window.aggregates[i]));
  }
  return row;
}

// Everything that counts in the windows of one step.
class Gathering {
 public:
  explicit Gathering(const Window& window) : window_(window) {}

  void add(int32_t lane, const Span& span, const std::vector<Value>& key, const Counted& record) {
    groups_[{lane, span, key}].add(window_, record);
  }
  void add_to_session(int32_t lane, std::vector<Value> key, Counted record) {
    session_records_[{lane, std::move(key)}].push_back(std::move(record));
  }
  // In all windows of its time.
  void add_to_all(int32_t lane, std::vector<Value> key, Counted record) {
    if (is_session(window_)) return add_to_session(lane, std::move(key), std::move(record));
    for (const Span& span : spans_of(window_, std::get<0>(record.order))) add(lane, span, key, record);
  }
  // One row for each window and key.
  std::vector<Fired> fire() {
    gather_sessions();
    std::vector<Fired> all;
    for (const auto& [id, group] : groups_) {
      all.push_back({result_fields(window_, id.key, id.window, group), id.key, id.lane, id.window, group.newest_timestamp_ms});
    }
    return all;
  }

 private:
  void gather_sessions();

  const Window& window_;
  std::map<GroupId, Group> groups_;
  std::map<std::pair<int32_t, std::vector<Value>>, std::vector<Counted>> session_records_;
};

// The records of a key by time: a session goes on as long as the next one comes less than a gap behind the last one, and
// on the same side of each multiple of max.
void Gathering::gather_sessions() {
  const int64_t gap = window_.gap_us;
  const int64_t max = window_.max_us;
  for (auto& [of, records] : session_records_) {
    std::sort(records.begin(), records.end(), [](const Counted& a, const Counted& b) { return a.order < b.order; });
    for (size_t i = 0; i < records.size();) {
      const int64_t start = std::get<0>(records[i].order);
      int64_t last = start;
      Group group;
      for (; i < records.size(); ++i) {
        const int64_t at = std::get<0>(records[i].order);
        if (at - last >= gap || (max > 0 && floor_div(at, max) != floor_div(start, max))) break;
        last = at;
        group.add(window_, records[i]);
      }
      const int64_t quiet = last + gap;
      const int64_t end = max > 0 ? std::min(quiet, (floor_div(start, max) + 1) * max) : quiet;
      groups_[{of.first, {start, end}, of.second}] = std::move(group);
    }
  }
}

class Walk {
 public:
  explicit Walk(const Pipeline& pipeline) : pipeline_(pipeline) {
    if (pipeline.window) gathering_.emplace(*pipeline.window);
  }

  void partition(const PartitionLog& log);
  Outcome finish();

 private:
  size_t source_of(const std::string& topic) const;
  void record(size_t number, const PartitionLog& log, const Record& record, int64_t& newest_us);
  bool steps(Row& row, const RefusedRecord& place, int64_t event_us, int64_t watermark_us);
  bool passes(const Step& step, const Row& row, RefusedRecord place, int64_t event_us, int64_t watermark_us);
  void count(Row& row, const Record& record, int64_t event_us, int64_t watermark_us, RefusedRecord place);
  void count_in_session(int32_t lane, std::vector<Value> key, Counted record, int64_t watermark_us, RefusedRecord place);
  void close(std::vector<Fired>& rows, const Window& window, const std::map<int32_t, int64_t>& watermarks);
  std::vector<Fired> fire_over(const Level& level, const std::vector<Fired>& rows);
  bool steps_behind(const std::vector<Step>& steps, Row& row);
  void emit(const Fired& fired);
  void emit_plain(const Row& row, const PartitionLog& log, const Record& record);
  int32_t lane_of(int32_t partition) const { return pipeline_.lanes == Lanes::kOne ? 0 : partition; }

  const Pipeline& pipeline_;
  Outcome out_;
  std::optional<Gathering> gathering_;
  std::map<int32_t, int64_t> lane_watermarks_;
  std::map<std::pair<std::string, std::vector<Value>>, int64_t> passed_;  // by dedupe step and key: when it last did
};

int64_t watermark(int64_t newest_us, int64_t max_delay_us) {
  return newest_us == kNever ? kNever : saturating_sub(newest_us, max_delay_us);
}

size_t Walk::source_of(const std::string& topic) const {
  for (size_t i = 0; i < pipeline_.sources.size(); ++i) {
    for (const std::string& named : pipeline_.sources[i].topics) {
      if (named == topic) return i;
    }
  }
  return 0;
}

void Walk::partition(const PartitionLog& log) {
  const size_t source = source_of(log.topic);
  int64_t newest_us = kNever;
  for (const Record& one : log.records) record(source, log, one, newest_us);
  const int64_t w = watermark(newest_us, pipeline_.sources[source].event_time.max_delay_us);
  auto [at, added] = lane_watermarks_.try_emplace(lane_of(log.partition), w);
  at->second = std::min(at->second, w);
}

void Walk::record(size_t number, const PartitionLog& log, const Record& record, int64_t& newest_us) {
  const Source& source = pipeline_.sources[number];
  RefusedRecord place{log.topic, log.partition, record.offset, source.name, "", std::nullopt};
  SourceLedger& ledger = out_.ledger.sources[source.name];
  ++ledger.read;
  if (source.skip_tombstones && (!record.value || record.value->empty())) {
    ++ledger.filtered;
    return;
  }
  Decoded decoded = decode(pipeline_, source, record);
  if (!decoded.reason.empty()) {
    ++ledger.dead_lettered;
    place.reason = decoded.reason;
    out_.dead_letters.push_back(place);
    return;
  }
  ++ledger.passed_on;
  const int64_t before = watermark(newest_us, source.event_time.max_delay_us);
  newest_us = std::max(newest_us, decoded.event_us);
  decoded.row.origin = std::make_shared<const Origin>(Origin{log.topic, log.partition, record});
  if (pipeline_.only && *pipeline_.only != number) return;
  if (!pipeline_.union_step.empty()) {
    ++out_.ledger.steps[pipeline_.union_step].in;
    ++out_.ledger.steps[pipeline_.union_step].out;
  }
  if (!steps(decoded.row, place, decoded.event_us, before)) return;
  if (pipeline_.window) {
    count(decoded.row, record, decoded.event_us, before, place);
  } else {
    emit_plain(decoded.row, log, record);
  }
}

// Whether the row came through all steps; it is changed by maps.
bool Walk::steps(Row& row, const RefusedRecord& place, int64_t event_us, int64_t watermark_us) {
  for (const Step& step : pipeline_.steps) {
    StepLedger& ledger = out_.ledger.steps[step.name];
    ++ledger.in;
    if (!step.by.empty()) {
      if (!passes(step, row, place, event_us, watermark_us)) return false;
      ++ledger.out;
      continue;
    }
    const std::optional<bool> pass = step.filter ? step.filter(row) : std::optional(true);
    Row mapped = row;
    bool failed = !pass.has_value();
    for (const auto& [name, expression] : step.map) {
      const auto value = expression(row);
      failed |= !value.has_value();
      mapped.set(name, value.value_or(Value()));
    }
    if (failed) {
      ++ledger.dead_lettered;
      out_.dead_letters.push_back({place.topic, place.partition, place.offset, step.name, "expression", std::nullopt});
      return false;
    }
    if (!pass.value_or(false)) {
      ++ledger.filtered;
      return false;
    }
    ++ledger.out;
    row = std::move(mapped);
  }
  return true;
}

// A key is remembered until the watermark has come `within` behind the record that passed; what is older than that is late.
bool Walk::passes(const Step& step, const Row& row, RefusedRecord place, int64_t event_us, int64_t watermark_us) {
  StepLedger& ledger = out_.ledger.steps[step.name];
  if (event_us + step.within_us <= watermark_us) {
    ++ledger.late;
    place.step = step.name;
    place.reason = "dedupe";
    place.watermark = rfc3339(watermark_us);
    out_.late.push_back(place);
    return false;
  }
  std::vector<Value> key;
  for (const std::string& field : step.by) key.push_back(row.at(field));
  const auto [passed, is_new] = passed_.try_emplace({step.name, key}, event_us);
  if (!is_new && passed->second + step.within_us > watermark_us) {
    ++ledger.deduplicated;
    return false;
  }
  passed->second = event_us;
  return true;
}

// One value for each aggregate, and what it goes by; null where the aggregate skips the row. False: an expression failed.
// What `.where` keeps away from an aggregate is not worked out for it.
bool arguments(const Window& window, const Row& row, std::vector<std::pair<Value, Value>>& values) {
  for (const Aggregate& aggregate : window.aggregates) {
    const std::optional<bool> wanted = aggregate.where ? aggregate.where(row) : true;
    if (!wanted) return false;
    if (!*wanted) {
      values.emplace_back();
      continue;
    }
    const std::optional<Value> value = aggregate.argument ? aggregate.argument(row) : Value(true);
    const std::optional<Value> by = aggregate.by ? aggregate.by(row) : Value();
    if (!value || !by) return false;
    values.emplace_back(*value, *by);
  }
  return true;
}

void Walk::count(Row& row, const Record& record, int64_t event_us, int64_t watermark_us, RefusedRecord place) {
  const Window& window = *pipeline_.window;
  StepLedger& ledger = out_.ledger.steps[window.name];
  ++ledger.in;
  place.step = window.name;
  std::vector<std::pair<Value, Value>> values;
  if (!arguments(window, row, values)) {
    ++ledger.dead_lettered;
    place.reason = "expression";
    out_.dead_letters.push_back(place);
    return;
  }
  std::vector<Value> key;
  for (const std::string& field : window.by) key.push_back(row.at(field));
  const EventOrder order{event_us, place.topic, place.partition, place.offset};
  if (is_session(window)) {
    return count_in_session(lane_of(place.partition), key, {order, values, record.timestamp_ms}, watermark_us, place);
  }
  int64_t missed = 0;
  int64_t counted = 0;
  for (const Span& span : spans_of(window, event_us)) {
    if (span.end_us + window.allowed_lateness_us <= watermark_us) {
      ++missed;
      continue;
    }
    ++counted;
    gathering_->add(lane_of(place.partition), span, key, {order, values, record.timestamp_ms});
  }
  if (counted > 0) {
    ++ledger.out;
    ledger.updates_missed += missed;
    out_.ledger.window_updates_missed += missed;
    return;
  }
  ++ledger.late;
  place.reason = "late";
  place.watermark = rfc3339(watermark_us);
  out_.late.push_back(place);
}

void Walk::count_in_session(int32_t lane, std::vector<Value> key, Counted record, int64_t watermark_us, RefusedRecord place) {
  const Window& window = *pipeline_.window;
  StepLedger& ledger = out_.ledger.steps[window.name];
  if (std::get<0>(record.order) + window.allowed_lateness_us >= watermark_us) {
    ++ledger.out;
    gathering_->add_to_session(lane, std::move(key), std::move(record));
    return;
  }
  ++ledger.late;
  place.reason = "late";
  place.watermark = rfc3339(watermark_us);
  out_.late.push_back(place);
}

std::string render_row(const Row& row) {
  std::string json;
  for (const auto& [name, value] : row.fields) {
    json += (json.empty() ? "" : ",") + quote_json(name) + ":" + render_value(value);
  }
  return "{" + json + "}";
}

void Walk::emit_plain(const Row& row, const PartitionLog& log, const Record& record) {
  ResultRow result;
  result.json = render_row(row);
  result.identity = log.topic + "/" + std::to_string(log.partition) + "/" + std::to_string(record.offset);
  result.key = record.key;
  result.newest_timestamp_ms = record.timestamp_ms;
  out_.rows.push_back(std::move(result));
}

// Says which rows time has closed, and drops those of a filter behind the window.
void Walk::close(std::vector<Fired>& rows, const Window& window, const std::map<int32_t, int64_t>& watermarks) {
  for (Fired& fired : rows) {
    fired.closed = pipeline_.until_end || fired.window.end_us + window.allowed_lateness_us <= watermarks.at(fired.lane);
  }
  if (!window.having) return;
  std::erase_if(rows, [&](const Fired& fired) {
    const bool dropped = !window.having(fired.row).value_or(false);
    out_.ledger.results_filtered += dropped && fired.closed ? 1 : 0;
    return dropped;
  });
}

// Behind a window nothing is a dead letter: a field whose expression failed is null, and a condition that did is false.
bool Walk::steps_behind(const std::vector<Step>& steps, Row& row) {
  for (const Step& step : steps) {
    StepLedger& ledger = out_.ledger.steps[step.name];
    ++ledger.in;
    if (step.filter && !step.filter(row).value_or(false)) {
      ++ledger.filtered;
      return false;
    }
    Row mapped = row;
    for (const auto& [name, expression] : step.map) mapped.set(name, expression(row).value_or(Value()));
    ++ledger.out;
    row = std::move(mapped);
  }
  return true;
}

// The time of a result row is a millisecond before its end, and its place in event order that among all of them.
std::vector<Fired> Walk::fire_over(const Level& level, const std::vector<Fired>& rows) {
  Gathering gathering(level.window);
  std::vector<const Fired*> sorted;
  for (const Fired& fired : rows) {
    if (fired.closed) sorted.push_back(&fired);
  }
  std::sort(sorted.begin(), sorted.end(), [](const Fired* a, const Fired* b) { return a->place() < b->place(); });
  for (size_t i = 0; i < sorted.size(); ++i) {
    Row row = sorted[i]->row;
    if (!steps_behind(level.steps, row)) continue;
    StepLedger& ledger = out_.ledger.steps[level.window.name];
    ++ledger.in;
    ++ledger.out;
    Counted counted{{sorted[i]->window.end_us - 1000, "", 0, static_cast<int64_t>(i)}, {}, sorted[i]->newest_timestamp_ms};
    for (const Aggregate& aggregate : level.window.aggregates) {
      const bool wanted = !aggregate.where || aggregate.where(row).value_or(false);
      const auto value = [&](const Expression& of, Value otherwise) { return of ? of(row).value_or(Value()) : otherwise; };
      counted.values.emplace_back(wanted ? value(aggregate.argument, true) : Value(), wanted ? value(aggregate.by, {}) : Value());
    }
    std::vector<Value> key;
    for (const std::string& field : level.window.by) key.push_back(row.at(field));
    gathering.add_to_all(sorted[i]->lane, std::move(key), std::move(counted));
  }
  return gathering.fire();
}

void Walk::emit(const Fired& fired) {
  ResultRow result;
  result.json = render_row(fired.row);
  result.key = kafka_key(fired.key);
  result.identity = "window " + rfc3339(fired.window.start_us) + " " + rfc3339(fired.window.end_us) + " key";
  for (const Value& value : fired.key) result.identity += " " + render_value(value);
  result.newest_timestamp_ms = fired.newest_timestamp_ms;
  const Window& window = pipeline_.over.empty() ? *pipeline_.window : pipeline_.over.back().window;
  result.window_end_us = window.kind == WindowKind::kRunning ? 0 : fired.window.end_us;
  result.closed = fired.closed;
  out_.rows.push_back(std::move(result));
}

// Ends lie on whole milliseconds, but those of sessions.
int64_t time_behind(const Window& window, int64_t watermark_us) {
  if (watermark_us == kNever) return kNever;
  return is_session(window) ? watermark_us - 999 : floor_div(watermark_us, 1000) * 1000;
}

Outcome Walk::finish() {
  if (!pipeline_.window) return std::move(out_);
  std::map<int32_t, int64_t> watermarks = lane_watermarks_;
  const Window* window = &*pipeline_.window;
  std::vector<Fired> rows = gathering_->fire();
  close(rows, *window, watermarks);
  for (const Level& level : pipeline_.over) {
    for (auto& [lane, w] : watermarks) w = time_behind(*window, w);
    window = &level.window;
    rows = fire_over(level, rows);
    close(rows, *window, watermarks);
  }
  for (const Fired& fired : rows) emit(fired);
  return std::move(out_);
}

uint32_t murmur2(const std::string& data) {
  constexpr uint32_t kM = 0x5bd1e995;
  const auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<unsigned char>(data[i])); };
  uint32_t h = 0x9747b28cU ^ static_cast<uint32_t>(data.size());
  size_t i = 0;
  for (; i + 4 <= data.size(); i += 4) {
    uint32_t k = byte(i) | byte(i + 1) << 8 | byte(i + 2) << 16 | byte(i + 3) << 24;
    k *= kM;
    k ^= k >> 24;
    h = (h * kM) ^ (k * kM);
  }
  const size_t rest = data.size() - i;
  if (rest > 2) h ^= byte(i + 2) << 16;
  if (rest > 1) h ^= byte(i + 1) << 8;
  if (rest > 0) h = (h ^ byte(i)) * kM;
  h = (h ^ (h >> 13)) * kM;
  return h ^ (h >> 15);
}

[[noreturn]] void refuse(const char* what) {
  std::fprintf(stderr, "oracle: the pipeline makes no sense: %s\n", what);
  std::abort();
}

void check(const Window& window) {
  const bool stepped = window.kind == WindowKind::kSliding || window.kind == WindowKind::kCumulative;
  if (stepped && (window.step_us <= 0 || window.size_us < window.step_us)) refuse("step <= size, both positive");
  const bool sessions = is_session(window);
  if (sessions && (window.gap_us <= 0 || (window.max_us != 0 && window.max_us < window.gap_us))) {
    refuse("gap <= max, both positive");
  }
  for (const Aggregate& aggregate : window.aggregates) {
    if (aggregate.kind != AggregateKind::kCount && !aggregate.argument) refuse("an aggregate without its argument");
  }
}

void check(const Pipeline& pipeline) {
  if (pipeline.sources.empty()) refuse("no source");
  if (pipeline.sources.size() > 1 && pipeline.union_step.empty() != pipeline.only.has_value()) refuse("either a union or one source");
  std::set<std::string> names;
  for (const Step& step : pipeline.steps) {
    if (!step.filter && step.map.empty() && step.by.empty()) refuse("a step that is neither filter nor map nor dedupe");
    if (!step.by.empty() && step.within_us <= 0) refuse("a dedupe that remembers nothing");
    if (!names.insert(step.name).second) refuse("two steps of one name");
  }
  if (pipeline.window) check(*pipeline.window);
  for (const Level& level : pipeline.over) check(level.window);
  if (!pipeline.over.empty() && !pipeline.window) refuse("a window over none");
}

}  // namespace

SourceLedger Ledger::all_sources() const {
  SourceLedger all;
  for (const auto& [name, one] : sources) {
    all.read += one.read;
    all.dead_lettered += one.dead_lettered;
    all.filtered += one.filtered;
    all.passed_on += one.passed_on;
  }
  return all;
}

std::optional<std::string> Origin::header(const std::string& name) const {
  std::optional<std::string> value;
  for (const Header& one : record.headers) {
    if (one.name == name) value = one.value;
  }
  return value;
}

const Value& Row::at(const std::string& name) const {
  static const Value kNull;
  for (const auto& [field, value] : fields) {
    if (field == name) return value;
  }
  return kNull;
}

void Row::set(const std::string& name, Value value) {
  for (auto& [field, old] : fields) {
    if (field == name) {
      old = std::move(value);
      return;
    }
  }
  fields.emplace_back(name, std::move(value));
}

std::optional<std::string> kafka_key(const std::vector<Value>& values) {
  if (values.empty()) return std::nullopt;
  if (values.size() == 1) {
    if (is_null(values[0])) return std::nullopt;
    if (const auto* text = std::get_if<std::string>(&values[0])) return *text;
    return render_value(values[0]);
  }
  std::string json;
  for (const Value& value : values) json += (json.empty() ? "" : ",") + render_value(value);
  return "[" + json + "]";
}

int32_t java_partition(const std::string& key, int32_t partitions) {
  return static_cast<int32_t>((murmur2(key) & 0x7fffffffU) % static_cast<uint32_t>(partitions));
}

Outcome run_oracle(const Pipeline& pipeline, const std::vector<PartitionLog>& logs) {
  check(pipeline);
  Walk walk(pipeline);
  for (const PartitionLog& log : logs) walk.partition(log);
  return walk.finish();
}

}  // namespace tidemark::oracle
