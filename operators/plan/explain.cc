// The plan in words, for people: stages, lanes, keys, state and guarantees.
#include <algorithm>

#include <fmt/format.h>

#include "operators/plan/plan.h"

namespace tidemark {
namespace {

std::string names_of(const Scope& scope) {
  std::string out;
  for (const Field& f : scope.fields) {
    out += fmt::format("{}{}: {}{}", out.empty() ? "" : ", ", f.name, to_string(f.type), f.nullable ? "?" : "");
  }
  return out;
}

void explain_source(const Plan& plan, const PlannedSource& s, std::string& out) {
  std::string topics = s.topic_pattern;
  for (const std::string& t : s.topics) topics += (topics.empty() ? "" : ", ") + t;
  out += fmt::format("source {}: kafka {} at {}, group {}, format {}\n", s.name, topics, plan.consumer.brokers, plan.consumer.group, s.format);
  out += plan.consumer.native_fetch ? "  fetched over connections of its own\n"
                        : "  fetched by librdkafka, because of `fetch` or of a property of the connection\n";
  size_t needed = 0;
  for (const DeclaredField& f : s.decode.fields) needed += f.slot ? 1 : 0;
  out += fmt::format("  decodes {} declared fields of each record, keeps {} as columns{}\n", s.decode.fields.size(), needed,
                     s.keep_raw ? ", and the raw record for late or dead letters" : "");
  std::string beside;
  for (const RecordField& f : s.record_fields) beside += (beside.empty() ? "" : ", ") + written(f.part, f.header);
  if (!beside.empty()) out += fmt::format("  reads {} of each record\n", beside);
  out += fmt::format("  event time: {}, max_delay {}, max_future {}, idle_after {}, close_after_idle {}\n",
                     s.decode.event_time ? s.decode.fields[*s.decode.event_time].name : "the Kafka timestamp",
                     format_duration(s.event_time.max_delay), format_duration(s.event_time.max_future),
                     format_duration(s.event_time.idle_after),
                     s.event_time.close_after_idle ? format_duration(*s.event_time.close_after_idle) : "off");
}

struct ShapeWords {
  std::string shape;
  std::string updates;
};

ShapeWords words_of(const AlignedShape& w) {
  const bool tumbling = w.size == w.step;
  const bool cut = !tumbling && w.size.us % w.step.us != 0;
  const int64_t slices = tumbling ? 1 : (w.size.us + w.step.us - 1) / w.step.us * (cut ? 2 : 1);
  return {fmt::format("{} size {} step {}", tumbling ? "tumbling" : "sliding", format_duration(w.size), format_duration(w.step)),
          fmt::format("one update per event; {} up a window", slices == 1 ? "1 slice makes" : fmt::format("{} slices make", slices))};
}

ShapeWords words_of(const CumulativeShape& w) {
  return {fmt::format("cumulative size {} step {}", format_duration(w.size), format_duration(w.step)),
          fmt::format("one update per event; up to {} slices make up a window", (w.size.us - 1) / w.step.us + 1)};
}

ShapeWords words_of(const CalendarShape& w) {
  return {fmt::format("each {} of {}", to_string(w.unit), w.timezone), "one update per event; 1 slice makes up a window"};
}

ShapeWords words_of(const SessionShape& w) {
  if (w.running) return {"running totals, ttl " + format_duration(w.gap), "one update per event; a key's total moves on with its records"};
  const std::string gap = format_duration(w.gap);
  return {fmt::format("session gap {}{}", gap, w.max ? ", cut at multiples of " + format_duration(*w.max) : ""),
          fmt::format("one update per event; a session is kept in slices of up to {}, and in the last of them once they are "
                      "closed", gap)};
}

std::string emission_of(const WindowPlan& w) {
  std::string when = "once it is closed";
  if (w.emit == EmitWhen::kEvery) when = fmt::format("of what has changed every {} of event time, and once it is closed", format_duration(w.every));
  if (w.emit == EmitWhen::kOnChange) when = "of what has changed with every batch of records";
  if (w.allowed_lateness > Duration{0}) when += fmt::format(", of what is late within {}, and for the last time after that", format_duration(w.allowed_lateness));
  return "a window speaks " + when + (w.revises() ? fmt::format("; its rows bear {}revision and is_final", w.withdraws() ? "withdrawn, " : "") : "");
}

void explain_lanes(const Plan& plan, std::string& out) {
  if (plan.lane_choice == Lanes::kByKey) {
    out += fmt::format("  lanes: {}, rows find theirs by the hash of the key, in memory: one instance owns all partitions\n", plan.lanes);
    out += "  a restart restores the whole pipeline from one checkpoint\n";
  } else {
    out += "  lanes: one for each partition number (`partitioned_by` covers the key): no exchange, several instances may share the work\n";
    out += "  a restart or rebalance restores each partition number on its own\n";
  }
}

void explain_dedupe(const Plan& plan, const PlannedStep& step, std::string& out) {
  const PlannedDedupe& d = *step.dedupe();
  out += fmt::format("dedupe {}: the first with each {} within {} passes\n", step.name, fmt::join(d.keys, ", "),
                     format_duration(d.dedupe.within));
  out += "  one look per event, where it is read; only beyond the memory budget the store is asked\n";
  out += fmt::format("  state: a time and the key, for each key that passed within {}\n", format_duration(d.dedupe.within));
  explain_lanes(plan, out);
}

void explain_window(const Plan& plan, const PlannedStep& step, std::string& out) {
  const WindowPlan& w = step.window()->window;
  const ShapeWords words = std::visit([](const auto& shape) { return words_of(shape); }, w.shape);
  std::string keys;
  for (size_t i = 0; i < w.key_types.size(); ++i) keys += (i ? ", " : "") + step.output.fields[i].name;
  out += fmt::format("window {}: {}, by {}\n", step.name, words.shape, keys.empty() ? "nothing (one global key)" : keys);
  out += fmt::format("  {}\n", words.updates);
  out += fmt::format("  {}\n", emission_of(w));
  out += fmt::format("  state: {} bytes of accumulators per key and slice, what grows beside them, and the key\n", w.state_size);
  for (const PlannedAggregate& a : w.aggregates) {
    out += fmt::format("    {} -> {}: {}\n", a.function->name(), to_string(a.function->result_type()),
                       find_aggregate_function(a.function->name())->memory);
  }
  if (step.behind_window) {
    const std::string& before = plan.window_step(*step.behind_window).name;
    out += fmt::format("  over window {0}: a row's time is its window_end less 1 ms, and time comes as far as {0} has fired\n",
                       before);
    out += step.window()->exchanged
               ? fmt::format("  lanes: {}, rows find theirs by the hash of the key; time is that of the slowest lane of {}\n",
                             plan.lanes, before)
               : fmt::format("  lanes: each row stays in its lane of {}\n", before);
    return;
  }
  explain_lanes(plan, out);
}

std::string_view kind_of(const PlannedStep& step) {
  if (std::holds_alternative<PlannedFilter>(step.what)) return "filter";
  if (std::holds_alternative<PlannedUnion>(step.what)) return "union";
  return std::get<PlannedMap>(step.what).keeps_others ? "map" : "select";
}

// Whose rows a step or a sink takes, by its number.
std::string taken_by(const Plan& plan, size_t taker, std::vector<size_t> PlannedSource::*of_source,
                     std::vector<size_t> PlannedStep::*of_step) {
  const auto takes = [taker](const std::vector<size_t>& next) { return std::ranges::find(next, taker) != next.end(); };
  std::string names;
  for (const PlannedSource& source : plan.sources) {
    if (takes(source.*of_source)) names += (names.empty() ? "" : ", ") + source.name;
  }
  if (!names.empty()) return names;
  for (const PlannedStep& step : plan.steps) {
    if (takes(step.*of_step)) return step.name;
  }
  return {};
}

void explain_sink(const Plan& plan, size_t number, std::string& out) {
  const PlannedSink& sink = plan.sinks[number];
  const std::string rows = taken_by(plan, number, &PlannedSource::next_sinks, &PlannedStep::next_sinks);
  const std::string from = sink.input == SinkInput::kLate         ? " of late records"
                           : sink.input == SinkInput::kDeadLetter ? " of dead letters"
                                                                  : " of " + rows;
  switch (sink.kind) {
    case SinkKind::kKafka:
      out += fmt::format("sink {}{}: kafka {} at {}, {}\n", sink.name, from, sink.topic, sink.brokers,
                         sink.delivery == Delivery::kExactlyOnce
                             ? "exactly once: rows and source offsets in one transaction, visible to read_committed readers at each checkpoint"
                             : "at least once: rows may repeat after a crash");
      return;
    case SinkKind::kStdout: out += fmt::format("sink {}{}: standard output, at least once\n", sink.name, from); return;
    case SinkKind::kDrop: out += fmt::format("sink {}{}: counts its rows and writes none\n", sink.name, from); return;
  }
}

}  // namespace

std::string explain(const Plan& plan) {
  std::string out = fmt::format("pipeline {} ({})\n", plan.name, plan.file);
  for (const PlannedSource& source : plan.sources) explain_source(plan, source, out);
  for (size_t i = 0; i < plan.steps.size(); ++i) {
    const PlannedStep& step = plan.steps[i];
    if (step.window()) {
      explain_window(plan, step, out);
    } else if (step.dedupe()) {
      explain_dedupe(plan, step, out);
    } else {
      out += fmt::format("{} {}\n", kind_of(step), step.name);
    }
    out += fmt::format("  {} -> {}\n", taken_by(plan, i, &PlannedSource::next_steps, &PlannedStep::next_steps),
                       names_of(step.output));
  }
  for (size_t i = 0; i < plan.sinks.size(); ++i) explain_sink(plan, i, out);
  out += fmt::format("checkpoint every {}{}\n", format_duration(plan.checkpoint_every),
                     plan.transactional() ? fmt::format(", transaction timeout {}", format_duration(plan.transaction_timeout)) : "");
  return out;
}

}  // namespace tidemark
