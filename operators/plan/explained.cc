// Words and numbers of the nodes. What a key costs is what its entry takes in memory; what grows beside it is said by the
// aggregates themselves.
#include "operators/plan/explained.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "operators/windows/hot_table.h"

namespace tidemark {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kSeenBytes = 16;  // what a dedupe remembers of a key

std::string listed(const std::vector<std::string>& words) { return fmt::format("{}", fmt::join(words, ", ")); }

Json fields_json(const Scope& scope) {
  Json fields = Json::object();
  for (const Field& f : scope.fields) fields[f.name] = to_string(f.type) + (f.nullable ? "?" : "");
  return fields;
}

// Whose rows a step or a sink takes, by its number.
Json taken_by(const Plan& plan, size_t taker, std::vector<size_t> PlannedSource::*of_source,
              std::vector<size_t> PlannedStep::*of_step) {
  const auto takes = [taker](const std::vector<size_t>& next) { return std::ranges::find(next, taker) != next.end(); };
  Json names = Json::array();
  for (const PlannedSource& source : plan.sources) {
    if (takes(source.*of_source)) names.push_back(source.name);
  }
  for (const PlannedStep& step : plan.steps) {
    if (takes(step.*of_step)) names.push_back(step.name);
  }
  return names;
}

Json node_of(std::string_view kind, const std::string& name, Json takes, std::string summary) {
  return {{"kind", kind}, {"name", name}, {"takes", std::move(takes)}, {"summary", std::move(summary)}, {"notes", Json::array()}};
}

// ---- Sources

Json source_json(const Plan& plan, const PlannedSource& s) {
  std::vector<std::string> topics = s.topics;
  if (!s.topic_pattern.empty()) topics.push_back(s.topic_pattern);
  Json node = node_of("source", s.name, Json::array(), fmt::format("{} from {}", s.format, listed(topics)));
  const auto columns = std::ranges::count_if(s.decode.fields, [](const DeclaredField& f) { return f.slot.has_value(); });
  node["topics"] = topics;
  node["fields"] = s.decode.fields.size();
  node["columns"] = columns;
  Json& notes = node["notes"];
  notes.push_back(fmt::format("kafka at {}, group {}", plan.consumer.brokers, plan.consumer.group));
  notes.push_back(plan.consumer.native_fetch ? "fetched over connections of its own"
                                             : "fetched by librdkafka, because of `fetch` or of a property of the connection");
  notes.push_back(fmt::format("decodes {} declared fields of each record, keeps {} as columns{}", s.decode.fields.size(), columns,
                              s.keep_raw ? ", and the raw record for late or dead letters" : ""));
  std::vector<std::string> beside;
  for (const RecordField& f : s.record_fields) beside.push_back(written(f.part, f.header));
  if (!beside.empty()) notes.push_back(fmt::format("reads {} of each record", listed(beside)));
  notes.push_back(fmt::format("event time: {}, max_delay {}, max_future {}, idle_after {}, close_after_idle {}",
                              s.decode.event_time ? s.decode.fields[*s.decode.event_time].name : "the Kafka timestamp",
                              format_duration(s.event_time.max_delay), format_duration(s.event_time.max_future),
                              format_duration(s.event_time.idle_after),
                              s.event_time.close_after_idle ? format_duration(*s.event_time.close_after_idle) : "off"));
  return node;
}

// ---- Windows

struct ShapeWords {
  std::string shape;
  std::string updates;
  int64_t slices = 1;  // that make up a window
};

ShapeWords words_of(const AlignedShape& w) {
  const bool tumbling = w.size == w.step;
  const bool cut = !tumbling && w.size.us % w.step.us != 0;
  const int64_t slices = tumbling ? 1 : (w.size.us + w.step.us - 1) / w.step.us * (cut ? 2 : 1);
  const std::string updates = slices == 1 ? "1 slice makes up a window" : fmt::format("{} slices make up a window", slices);
  if (tumbling) return {"tumbling " + format_duration(w.size), "one update per event; " + updates};
  return {fmt::format("sliding {} by {}", format_duration(w.size), format_duration(w.step)), "one update per event; " + updates, slices};
}

ShapeWords words_of(const CumulativeShape& w) {
  const int64_t slices = (w.size.us - 1) / w.step.us + 1;
  return {fmt::format("cumulative {} by {}", format_duration(w.size), format_duration(w.step)),
          fmt::format("one update per event; up to {} slices make up a window", slices), slices};
}

ShapeWords words_of(const CalendarShape& w) {
  return {fmt::format("each {} of {}", to_string(w.unit), w.timezone), "one update per event; 1 slice makes up a window"};
}

ShapeWords words_of(const SessionShape& w) {
  if (w.running) return {"running totals, ttl " + format_duration(w.gap), "one update per event; a key's total moves on with its records"};
  const std::string gap = format_duration(w.gap);
  return {fmt::format("session gap {}{}", gap, w.max ? ", cut at multiples of " + format_duration(*w.max) : ""),
          fmt::format("one update per event; a session is kept in slices of up to {}, and in the last of them once they are closed", gap)};
}

std::string emission_of(const WindowPlan& w) {
  std::string when = "once it is closed";
  if (w.emit == EmitWhen::kEvery) when = fmt::format("of what has changed every {} of event time, and once it is closed", format_duration(w.every));
  if (w.emit == EmitWhen::kOnChange) when = "of what has changed with every batch of records";
  if (w.allowed_lateness > Duration{0}) when += fmt::format(", of what is late within {}, and for the last time after that", format_duration(w.allowed_lateness));
  return "a window speaks " + when + (w.revises() ? fmt::format("; its rows bear {}revision and is_final", w.withdraws() ? "withdrawn, " : "") : "");
}

Duration shortest_of(const CalendarShape& w) {
  switch (w.unit) {
    case CalendarUnit::kDay: return Duration::hours(23);
    case CalendarUnit::kWeek: return Duration::hours(7 * 24 - 1);
    case CalendarUnit::kMonth: return Duration::hours(28 * 24 - 1);
  }
  __builtin_unreachable();
}

// How many slices begin within `length` of where one does that begins a step, a period or a unit of the calendar: the most
// that are open at once, for slices close by these.
std::optional<int64_t> slices_begun(const AlignedShape& w, Duration length) {
  const int64_t cut = w.size.us % w.step.us;
  const int64_t rest = length.us % w.step.us;
  return length.us / w.step.us * (cut > 0 ? 2 : 1) + (rest > 0 ? 1 : 0) + (cut > 0 && rest > cut ? 1 : 0);
}

std::optional<int64_t> slices_begun(const CumulativeShape& w, Duration length) {
  const auto steps = [&](int64_t us) { return (us + w.step.us - 1) / w.step.us; };
  return length.us / w.size.us * steps(w.size.us) + steps(length.us % w.size.us);
}

std::optional<int64_t> slices_begun(const CalendarShape& w, Duration length) {
  const int64_t shortest = shortest_of(w).us;
  return (length.us + shortest - 1) / shortest;
}

// Segments of sessions are moved on, not gathered.
std::optional<int64_t> slices_begun(const SessionShape&, Duration) { return std::nullopt; }

// How far records may lie ahead of the lane's time.
Duration farthest_ahead(const Plan& plan, const PlannedStep& step) {
  if (step.behind_window) return Duration{0};
  Duration longest{0};
  for (const PlannedSource& source : plan.sources) longest = std::max(longest, source.event_time.max_delay);
  return longest + plan.max_drift;
}

// What a key costs while its slices are open.
Json state_json(const Plan& plan, const PlannedStep& step, const ShapeWords& words) {
  const WindowPlan& w = step.window()->window;
  const size_t entry = sizeof(HotTable::Entry) + w.state_size;
  Json state = {{"bytes_per_key_and_slice", entry}, {"accumulator_bytes", w.state_size}};
  const Duration kept = w.allowed_lateness + farthest_ahead(plan, step);
  const auto slices = std::visit([&](const auto& shape) { return slices_begun(shape, span_of(shape) + kept); }, w.shape);
  if (!slices) return state;
  state["slices_per_window"] = words.slices;
  state["slices_open"] = *slices;
  state["bytes_per_key"] = static_cast<int64_t>(entry) * *slices;
  return state;
}

void add_state_notes(const Plan& plan, const PlannedStep& step, const Json& state, Json& notes) {
  const WindowPlan& w = step.window()->window;
  std::string most;
  if (state.contains("bytes_per_key")) {
    const std::string apart = step.behind_window ? "" : fmt::format(", with partitions {} (`max_drift`) apart", format_duration(plan.max_drift));
    most = fmt::format("; up to {} slices are open at a time{}: {} bytes of a key that is in all of them",
                       state["slices_open"].get<int64_t>(), apart, state["bytes_per_key"].get<int64_t>());
  }
  notes.push_back(fmt::format("state: {} bytes per key and slice ({} of accumulators), 8 to 16 to find it, the part of the key beyond {} "
                              "bytes, and what grows beside it{}", state["bytes_per_key_and_slice"].get<size_t>(), w.state_size,
                              HotTable::Entry::kInline, most));
  for (const PlannedAggregate& a : w.aggregates) {
    notes.push_back(fmt::format("  {} -> {}: {}", a.function->name(), to_string(a.function->result_type()),
                                find_aggregate_function(a.function->name())->memory));
  }
}

std::string lanes_of(const Plan& plan, const PlannedStep& step) {
  if (!step.behind_window) {
    return plan.lane_choice == Lanes::kByKey ? fmt::format("lanes: {}, rows find theirs by the hash of the key", plan.lanes)
                                             : std::string("lanes: each row stays with its partition number, whose key it has");
  }
  const std::string& before = plan.window_step(*step.behind_window).name;
  return step.window()->exchanged ? fmt::format("lanes: {}, rows find theirs by the hash of the key; time is that of the slowest lane of {}",
                                                plan.lanes, before)
                                  : fmt::format("lanes: each row stays in its lane of {}", before);
}

Json window_json(const Plan& plan, const PlannedStep& step, Json takes) {
  const WindowPlan& w = step.window()->window;
  const ShapeWords words = std::visit([](const auto& shape) { return words_of(shape); }, w.shape);
  std::vector<std::string> keys;
  for (size_t i = 0; i < w.key_types.size(); ++i) keys.push_back(step.output.fields[i].name);
  Json node = node_of("window", step.name, std::move(takes), fmt::format("{}, by {}", words.shape, keys.empty() ? "nothing (one global key)" : listed(keys)));
  node["shape"] = words.shape;
  node["keys"] = keys;
  node["state"] = state_json(plan, step, words);
  Json& notes = node["notes"];
  notes.push_back(words.updates);
  notes.push_back(emission_of(w));
  add_state_notes(plan, step, node["state"], notes);
  if (step.behind_window) {
    notes.push_back(fmt::format("over window {0}: a row's time is its window_end less 1 ms, and time comes as far as {0} has fired",
                                plan.window_step(*step.behind_window).name));
  }
  notes.push_back(lanes_of(plan, step));
  return node;
}

// ---- Other steps

Json dedupe_json(const Plan& plan, const PlannedStep& step, Json takes) {
  const PlannedDedupe& d = *step.dedupe();
  const std::string within = format_duration(d.dedupe.within);
  Json node = node_of("dedupe", step.name, std::move(takes), fmt::format("the first of each {} within {}", listed(d.keys), within));
  node["keys"] = d.keys;
  node["state"] = {{"bytes_per_key", sizeof(HotTable::Entry) + kSeenBytes}};
  node["notes"] = {"one look per event, where it is read; only beyond the memory budget the store is asked",
                   fmt::format("state: {} bytes, and the part of the key beyond {} bytes, for each key that passed within {}",
                               sizeof(HotTable::Entry) + kSeenBytes, HotTable::Entry::kInline, within),
                   lanes_of(plan, step)};
  return node;
}

Json map_json(const PlannedStep& step, const PlannedMap& map, Json takes) {
  std::vector<std::string> made;
  for (const PlannedField& field : map.fields) made.push_back(field.name);
  std::vector<std::string> kept;
  for (const Field& field : step.output.fields) kept.push_back(field.name);
  return node_of(map.keeps_others ? "map" : "select", step.name, std::move(takes), listed(map.keeps_others ? made : kept));
}

Json step_json(const Plan& plan, size_t number) {
  const PlannedStep& step = plan.steps[number];
  Json takes = taken_by(plan, number, &PlannedSource::next_steps, &PlannedStep::next_steps);
  Json node;
  if (step.window()) {
    node = window_json(plan, step, std::move(takes));
  } else if (step.dedupe()) {
    node = dedupe_json(plan, step, std::move(takes));
  } else if (const auto* map = std::get_if<PlannedMap>(&step.what)) {
    node = map_json(step, *map, std::move(takes));
  } else if (const auto* filter = std::get_if<PlannedFilter>(&step.what)) {
    node = node_of("filter", step.name, std::move(takes), filter->text);
  } else {
    std::vector<std::string> names = takes;
    node = node_of("union", step.name, std::move(takes), listed(names));
    node["notes"].push_back("the records of all of them, as they come; time is the slowest one's");
  }
  node["gives"] = fields_json(step.output);
  return node;
}

// ---- Sinks

Json sink_json(const Plan& plan, size_t number) {
  const PlannedSink& sink = plan.sinks[number];
  Json takes = taken_by(plan, number, &PlannedSource::next_sinks, &PlannedStep::next_sinks);
  if (sink.input == SinkInput::kLate) takes = Json::array({"late"});
  if (sink.input == SinkInput::kDeadLetter) takes = Json::array({"dead_letter"});
  const bool exactly_once = sink.delivery == Delivery::kExactlyOnce;
  const auto node = [&](std::string summary, std::string_view guarantee, std::string note) {
    Json made = node_of("sink", sink.name, std::move(takes), std::move(summary));
    made["guarantee"] = guarantee;
    made["notes"].push_back(std::move(note));
    return made;
  };
  switch (sink.kind) {
    case SinkKind::kKafka: {
      Json made = node(fmt::format("kafka {}, {}", sink.topic, exactly_once ? "exactly once" : "at least once"),
                       exactly_once ? "exactly_once" : "at_least_once",
                       exactly_once ? fmt::format("at {}, exactly once: rows and source offsets in one transaction, visible to read_committed "
                                                  "readers at each checkpoint, so up to {} late", sink.brokers, format_duration(plan.checkpoint_every))
                                    : fmt::format("at {}, at least once: visible at once; rows since the last checkpoint may repeat after a crash",
                                                  sink.brokers));
      made["topic"] = sink.topic;
      return made;
    }
    case SinkKind::kStdout: return node("standard output, at least once", "at_least_once", "rows since the last checkpoint may repeat after a crash");
    case SinkKind::kDrop: return node("counts its rows and writes none", "none", "nothing leaves the process");
  }
  __builtin_unreachable();
}

// ---- The whole

Json lanes_json(const Plan& plan) {
  if (!plan.keyed()) {
    return {{"by", "partition"}, {"notes", Json::array({"none: no step keeps state by key; several instances may share the partitions"})}};
  }
  if (plan.lane_choice == Lanes::kByKey) {
    return {{"by", "key"}, {"count", plan.lanes},
            {"notes", {fmt::format("{}, by the hash of the key, in memory: one instance owns all partitions, and its threads share the lanes", plan.lanes),
                       "their number is fixed once there is state"}}};
  }
  return {{"by", "partition"},
          {"notes", {"one for each partition number (`partitioned_by` covers every key): no exchange, several instances may share the work",
                     "topics have equal partition counts, which must not change"}}};
}

Json recovery_json(const Plan& plan) {
  const std::string again = fmt::format("what was read since the last checkpoint, up to {} ago, is read again", format_duration(plan.checkpoint_every));
  if (!plan.keyed()) {
    return {{"unit", "partition"},
            {"notes", {"a restart or a rebalance moves each partition by itself: an offset and a time, no state to restore", again}}};
  }
  if (plan.lane_choice == Lanes::kByKey) {
    return {{"unit", "pipeline"},
            {"notes", {"a restart restores the state of all lanes from one checkpoint, before the first record is read", again,
                       "a rebalance is a restart: another instance can only take over all partitions; one that is handed fewer stops"}}};
  }
  return {{"unit", "partition number"},
          {"notes", {"a restart restores each partition number from a checkpoint of its own",
                     "a rebalance moves partition numbers with their state: each new owner restores what it was handed", again}}};
}

Json checkpoint_json(const Plan& plan) {
  Json out = {{"every", format_duration(plan.checkpoint_every)}};
  if (plan.transactional()) out["transaction_timeout"] = format_duration(plan.transaction_timeout);
  out["notes"] = Json::array({fmt::format("every {}{}", format_duration(plan.checkpoint_every),
                              plan.transactional() ? fmt::format(", transaction timeout {}", format_duration(plan.transaction_timeout)) : "")});
  return out;
}

}  // namespace

Json explained(const Plan& plan) {
  Json out = {{"pipeline", plan.name}, {"file", plan.file}};
  for (const char* list : {"sources", "steps", "sinks"}) out[list] = Json::array();
  for (const PlannedSource& source : plan.sources) out["sources"].push_back(source_json(plan, source));
  for (size_t i = 0; i < plan.steps.size(); ++i) out["steps"].push_back(step_json(plan, i));
  for (size_t i = 0; i < plan.sinks.size(); ++i) out["sinks"].push_back(sink_json(plan, i));
  out["lanes"] = lanes_json(plan);
  out["recovery"] = recovery_json(plan);
  out["checkpoint"] = checkpoint_json(plan);
  return out;
}

}  // namespace tidemark
