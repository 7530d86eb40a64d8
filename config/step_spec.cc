// The specs of steps: filter, map, select, dedupe, union, and window with its kinds.
#include <array>

#include <fmt/format.h>

#include "config/names.h"
#include "config/specs.h"

namespace tidemark {
namespace {

Kind<std::vector<NamedExpression>> named_expressions_kind() {
  return kinds::map(&NamedExpression::name, &NamedExpression::expression, kinds::expression(), field_rules());
}

// A list of names, or a map from names to expressions.
Kind<std::vector<NamedExpression>> selection_kind() {
  const auto names = field_names_kind();
  const auto map = named_expressions_kind();
  auto shape = std::make_shared<Shape>();
  shape->form = Shape::Form::kEither;
  shape->choices = {names.shape, map.shape};
  Kind<std::vector<NamedExpression>> kind{shape, nullptr, nullptr};
  kind.read = [names, map](const Node& node, std::string_view what, std::vector<NamedExpression>& out,
                           Diagnostics& diagnostics) {
    if (node.kind == Node::Kind::kMap) return map.read(node, what, out, diagnostics);
    std::vector<Located<std::string>> fields;
    if (!names.read(node, what, fields, diagnostics)) return false;
    out.clear();
    for (Located<std::string>& field : fields) out.push_back({field, SourceText{field, {}}});
    return true;
  };
  return kind;
}

template <class T>
Kind<T> not_empty(Kind<T> kind, std::string wanted) {
  kind.read = [read = kind.read, wanted](const Node& node, std::string_view what, T& out, Diagnostics& diagnostics) {
    if (!read(node, what, out, diagnostics)) return false;
    if (!out.empty()) return true;
    diagnostics.error(node.where(), fmt::format("{} is empty", what), "write " + wanted);
    return false;
  };
  return kind;
}

Kind<TumblingSpec> tumbling_kind() {
  return Spec<TumblingSpec>("tumbling", "Windows of one size, one after the other.", "tumbling: 1m")
      .required("size", &TumblingSpec::size, kinds::positive_duration(), "the length of a window")
      .field("offset", &TumblingSpec::offset, kinds::duration(),
             "Shifts the windows from their alignment to the epoch.")
      .shorthand("size")
      .foreign({"length", "width", "duration", "interval", "every", "period"}, "size")
      .foreign({"step", "slide", "hop", "advance", "advance_by"}, "",
               "a tumbling window steps by its size; write `sliding: {size: 5m, step: 1m}` for windows that overlap")
      .kind();
}

template <class T>
void check_step(const T& spec, std::string why, Diagnostics& diagnostics) {
  if (spec.step.value <= spec.size.value) return;
  diagnostics.error(spec.step.where,
                    fmt::format("`step` may not be longer than `size`: {} > {}", format_duration(spec.step.value),
                                format_duration(spec.size.value)),
                    std::move(why));
}

Kind<SlidingSpec> sliding_kind() {
  return Spec<SlidingSpec>("sliding", "Windows of one size that overlap: a new one begins with every step.",
                           "sliding: {size: 5m, step: 1m}")
      .required("size", &SlidingSpec::size, kinds::positive_duration(), "the length of a window")
      .required("step", &SlidingSpec::step, kinds::positive_duration(),
                "the time between the beginnings of two windows, at most `size`")
      .field("offset", &SlidingSpec::offset, kinds::duration(), "Shifts the windows from their alignment to the epoch.")
      .foreign({"length", "width", "duration", "window"}, "size")
      .foreign({"slide", "hop", "advance", "advance_by", "every", "interval", "period"}, "step")
      .check([](const SlidingSpec& spec, Diagnostics& diagnostics) {
        check_step(spec, "records between two windows would be lost", diagnostics);
      }, {"size", "step"})
      .kind();
}

Kind<SessionSpec> session_kind() {
  return Spec<SessionSpec>("session",
                           "Windows that end when a key has been quiet for a while. A session begins with its first record; "
                           "`window_end` is its last one + `gap`, or the cut of `max`. Records exactly `gap` apart are "
                           "separate. A record counts when its time + `allowed_lateness` is not before the watermark. "
                           "Where sessions may speak more than once, each row also bears `withdrawn`: a row that says true, "
                           "final and of no record, takes back a session that another record has made part of a longer one.",
                           "session: {gap: 30s, max: 1h}")
      .required("gap", &SessionSpec::gap, kinds::positive_duration(), "how long a key is quiet before its session ends")
      .field("max", &SessionSpec::max, kinds::positive_duration(),
             "Cuts sessions at multiples of this from the epoch, whatever the order of records. At least `gap`; by default "
             "nothing cuts them.")
      .shorthand("gap")
      .foreign({"timeout", "inactivity", "inactivity_gap", "session_gap", "gap_duration", "size", "duration", "every"}, "gap")
      .foreign({"max_duration", "max_length", "limit", "max_size"}, "max")
      .foreign({"offset"}, "", "sessions begin with their first record, wherever that is")
      .check([](const SessionSpec& spec, Diagnostics& diagnostics) {
        if (!spec.max || spec.max->value >= spec.gap.value) return;
        diagnostics.error(spec.max->where,
                          fmt::format("`max` may not be shorter than `gap`: {} < {}", format_duration(spec.max->value),
                                      format_duration(spec.gap.value)),
                          "every session would be cut before it could end");
      }, {"gap", "max"})
      .kind();
}

Kind<CumulativeSpec> cumulative_kind() {
  return Spec<CumulativeSpec>("cumulative",
                              "Windows that begin together and end one step after the other, the last with the full size; "
                              "then the next ones begin.",
                              "cumulative: {size: 1d, step: 1h}")
      .required("size", &CumulativeSpec::size, kinds::positive_duration(), "the length of the last and longest window")
      .required("step", &CumulativeSpec::step, kinds::positive_duration(),
                "how much longer than the one before it a window is, at most `size`; the last one may grow by less")
      .field("offset", &CumulativeSpec::offset, kinds::duration(),
             "Shifts the windows from their alignment to the epoch.")
      .foreign({"max_size", "max", "length", "duration", "window"}, "size")
      .foreign({"slide", "advance", "every", "interval", "period"}, "step")
      .check([](const CumulativeSpec& spec, Diagnostics& diagnostics) {
        check_step(spec, "the first window would be longer than the last", diagnostics);
      }, {"size", "step"})
      .kind();
}

Kind<RunningSpec> running_kind() {
  return Spec<RunningSpec>("running",
                           "Totals per key that know no windows: a row holds all that came since the key was last forgotten, and "
                           "bears no window fields. They count, merge and end like `session: {gap: ttl}`; the last row, given "
                           "when the ttl has passed, is final. Rows are stamped with the newest Kafka timestamp counted in them.",
                           "running: {ttl: 30d}")
      .required("ttl", &RunningSpec::ttl, kinds::positive_duration(), "how long a key is quiet before it is forgotten")
      .shorthand("ttl")
      .foreign({"timeout", "gap", "expire", "expiry", "retention", "state_ttl", "size"}, "ttl")
      .foreign({"offset", "max"}, "", "totals begin with a key's first record")
      .kind();
}

Kind<CalendarSpec> calendar_kind() {
  return Spec<CalendarSpec>("calendar",
                            "Days, weeks (from Monday) or months of a time zone, from local midnight to local midnight: a day "
                            "has 23 or 25 hours where clocks are changed.",
                            "calendar: {unit: day, timezone: Europe/Stockholm}")
      .required("unit", &CalendarSpec::unit,
                kinds::words<CalendarPeriod>(
                    {{"day", CalendarPeriod::kDay}, {"week", CalendarPeriod::kWeek}, {"month", CalendarPeriod::kMonth}}),
                "`day`, `week` or `month`")
      .field("timezone", &CalendarSpec::timezone, kinds::text(),
             "The IANA name of a time zone, such as Europe/Stockholm.")
      .foreign({"period", "size", "every", "interval", "by"}, "unit")
      .foreign({"tz", "zone", "time_zone", "location"}, "timezone")
      .foreign({"offset", "start"}, "", "calendar windows begin at local midnight")
      .kind();
}

// A word, or a map with `every`.
Kind<Emit> emit_kind() {
  const auto word = kinds::words<Emit>({{"on_close", {}}, {"on_change", {EmitWord::kOnChange, {}}}});
  const auto every = Spec<Emit>("emit", "Before a window is closed it speaks of what has changed, period by period of event time; "
                                        "then as with `on_close`.",
                                "emit: {every: 10s}")
                         .required("every", &Emit::every, kinds::positive_duration(),
                                   "the period; a new one begins at each of its multiples from the epoch")
                         .foreign({"interval", "period", "early", "delay"}, "every")
                         .kind();
  auto shape = std::make_shared<Shape>();
  shape->form = Shape::Form::kEither;
  shape->choices = {word.shape, every.shape};
  Kind<Emit> kind{shape, nullptr, word.show};
  kind.read = [word, every](const Node& node, std::string_view what, Emit& out, Diagnostics& diagnostics) {
    if (node.kind != Node::Kind::kMap) return word.read(node, what, out, diagnostics);
    out.word = EmitWord::kEvery;
    return every.read(node, what, out, diagnostics);
  };
  return kind;
}

std::optional<Located<Duration>> offset_inside(const WindowSpec& window) {
  return std::visit([](const auto& kind) -> std::optional<Located<Duration>> {
    if constexpr (requires { kind.offset; }) return kind.offset;
    return std::nullopt;
  }, window.kind);
}

void check_offset(const WindowSpec& window, Diagnostics& diagnostics) {
  if (!window.offset_beside) return;
  if (std::holds_alternative<CalendarSpec>(window.kind)) {
    diagnostics.error(window.offset_beside->where, "calendar windows have no `offset`", "they begin at local midnight");
  }
  if (std::holds_alternative<RunningSpec>(window.kind)) {
    diagnostics.error(window.offset_beside->where, "running totals have no `offset`", "they begin with a key's first record");
  }
  if (std::holds_alternative<SessionSpec>(window.kind)) {
    diagnostics.error(window.offset_beside->where, "session windows have no `offset`",
                      "they begin with their first record, wherever that is");
  }
  if (!offset_inside(window)) return;
  diagnostics.error(window.offset_beside->where, "`offset` is written twice, beside and inside the kind of window",
                    "keep one of them");
}

void check_columns(const WindowSpec& window, Diagnostics& diagnostics) {
  constexpr std::array<std::string_view, 5> kOwn = {"window_start", "window_end", "withdrawn", "revision", "is_final"};
  const auto own = [&](const Located<std::string>& name, std::string_view what) {
    if (std::ranges::find(kOwn, name.value) == kOwn.end()) return;
    diagnostics.error(name.where, fmt::format("{} may not be called `{}`", what, name.value),
                      "result rows have a field of their own with this name");
  };
  for (const auto& key : window.by) own(key, "a field of `by`");
  for (const NamedExpression& aggregate : window.aggregates) {
    own(aggregate.name, "an aggregate");
    const auto clash = [&](const Located<std::string>& key) { return key.value == aggregate.name.value; };
    if (std::ranges::any_of(window.by, clash)) {
      diagnostics.error(aggregate.name.where,
                        fmt::format("the aggregate `{}` has the name of a field of `by`", aggregate.name.value),
                        "result rows hold both; give it another name");
    }
  }
}

Kind<DedupeSpec> dedupe_kind() {
  return Spec<DedupeSpec>("dedupe",
                          "Lets the first record that is read with a key pass, and counts the others. A key is remembered until "
                          "the watermark of the partition that asks has come `within` behind its first record; a record that is "
                          "further than that behind the watermark goes to `late`, for nobody knows any more whether it is the "
                          "first. What passes is the same in every run where equal keys lie in one partition. Stands before "
                          "windows.",
                          "dedupe: {by: [event_id], within: 10m}")
      .required("by", &DedupeSpec::by, not_empty(field_names_kind(), "at least one field, such as [event_id]"),
                "the fields that tell repeats; nulls are equal to each other")
      .required("within", &DedupeSpec::within, kinds::positive_duration(), "for how much event time a key is remembered")
      .foreign({"key", "keys", "fields", "on", "id", "columns", "partition_by"}, "by")
      .foreign({"ttl", "window", "for", "retention", "expire", "size", "duration", "state_ttl"}, "within")
      .kind();
}

// At least two names: one alone is no union.
Kind<std::vector<Located<std::string>>> united_kind() {
  auto kind = names_kind(name_rules());
  kind.read = [read = kind.read](const Node& node, std::string_view what, std::vector<Located<std::string>>& out,
                                 Diagnostics& diagnostics) {
    if (!read(node, what, out, diagnostics)) return false;
    if (out.size() > 1) return true;
    diagnostics.error(node.where(), fmt::format("{} brings several sources together, and names {}", what, out.empty() ? "none" : "one"),
                      "write at least two, such as [web, app]");
    return false;
  };
  return kind;
}

Kind<std::string> from_kind() {
  Kind<std::string> kind = name_kind();
  kind.read = [read = kind.read](const Node& node, std::string_view what, std::string& out, Diagnostics& diagnostics) {
    if (node.kind != Node::Kind::kSequence) return read(node, what, out, diagnostics);
    return wrong_kind(node, what, "one name", diagnostics, "a step `- union: [web, app]` before it brings sources together");
  };
  return kind;
}

}  // namespace

Duration WindowSpec::offset() const {
  if (offset_beside) return offset_beside->value;
  const auto inside = offset_inside(*this);
  return inside ? inside->value : Duration{};
}

Kind<WindowSpec> window_kind() {
  constexpr const char* kGroup = "kind of window";
  return Spec<WindowSpec>("window", "Gathers rows by key and event-time window, and speaks once a window is closed.",
                          "window: {tumbling: 1m, by: user_id, aggregates: {n: count()}}")
      .choice(kGroup, "tumbling", &WindowSpec::kind, tumbling_kind(), "Windows one after the other.")
      .choice(kGroup, "sliding", &WindowSpec::kind, sliding_kind(), "Windows that overlap.")
      .choice(kGroup, "session", &WindowSpec::kind, session_kind(), "Windows that end when a key has been quiet for a while.")
      .choice(kGroup, "cumulative", &WindowSpec::kind, cumulative_kind(), "Windows that grow by a step until they are full.")
      .choice(kGroup, "calendar", &WindowSpec::kind, calendar_kind(), "Days, weeks and months of a time zone.")
      .choice(kGroup, "running", &WindowSpec::kind, running_kind(), "Totals per key without windows.")
      .field("offset", &WindowSpec::offset_beside, kinds::duration(), "The same as inside the kind of window; calendar windows have none.")
      .field("by", &WindowSpec::by, field_names_kind(), "The fields of the key. `[]` or absent: one global key.")
      .field("allowed_lateness", &WindowSpec::allowed_lateness, kinds::duration(),
             "How long a closed window still takes late records. It speaks when it is closed, of each key that a late record "
             "changes, and of all for the last time when it takes no more.")
      .field("emit", &WindowSpec::emit, emit_kind(),
             "When a window speaks. Where it can speak of a key more than once, early or late, its rows bear `revision`, which "
             "rises, and `is_final`, which is true in exactly one row of each key and window.")
      .required("aggregates", &WindowSpec::aggregates,
                not_empty(named_expressions_kind(), "at least one, such as {n: count()}"),
                "a map from names to expressions, such as {n: count()}")
      .foreign({"tumble", "fixed", "every"}, "tumbling", "write `tumbling: 1m`")
      .foreign({"hopping", "hop", "slide"}, "sliding", "write `sliding: {size: 5m, step: 1m}`")
      .foreign({"cumulate", "growing"}, "cumulative", "write `cumulative: {size: 1d, step: 1h}`")
      .foreign({"daily", "day", "week", "weekly", "month", "monthly"}, "calendar",
               "write `calendar: {unit: day, timezone: Europe/Stockholm}`")
      .foreign({"type", "kind", "size", "length", "duration", "step", "advance", "advance_by"}, "tumbling",
               "the kind of window is a key: write `tumbling: 1m` or `sliding: {size: 5m, step: 1m}`")
      .foreign({"group_by", "groupby", "key_by", "keyby", "key", "keys", "partition_by", "dimensions"}, "by")
      .foreign({"aggregate", "aggregations", "agg", "aggs", "select", "fields", "columns", "measures", "map"}, "aggregates")
      .foreign({"grace", "grace_period", "lateness"}, "allowed_lateness")
      .foreign({"having"}, "", "write a `filter` step behind the window")
      .foreign({"where", "filter"}, "", "write a `filter` step before the window, or `.where(condition)` behind an aggregate")
      .foreign({"time_field", "timestamp", "time_attribute", "event_time", "watermark"}, "",
               "the source says where time comes from: `event_time: {field: ts, max_delay: 2s}`")
      .place(&WindowSpec::where)
      .sound(&WindowSpec::sound, {"by", "aggregates"})
      .check(check_offset, {"tumbling", "sliding", "session", "cumulative", "running", "calendar", "offset"})
      .check([](const WindowSpec& window, Diagnostics& diagnostics) {
        if (!std::holds_alternative<RunningSpec>(window.kind) || window.emit.word != EmitWord::kOnClose) return;
        diagnostics.warn(window.where, "these totals speak only once their ttl has passed",
                         "write `emit: on_change` or `emit: {every: 10s}`");
      }, {"running", "emit"})
      .check(check_columns, {"by", "aggregates"})
      .kind();
}

Kind<StepSpec> step_kind() {
  constexpr const char* kGroup = "kind of step";
  return Spec<StepSpec>("step", "One step of the pipeline. It takes the step before it, unless it says `from`.",
                        "- filter: event_type == 'purchase'")
      .field("name", &StepSpec::name, name_kind(), "Default: KIND-N by its place in the list, from 1.")
      .field("from", &StepSpec::from, from_kind(),
             "The source or earlier step whose rows it takes. Several steps and sinks may take the same one: each is a branch "
             "that sees all of its rows.")
      .choice(kGroup, "filter", &StepSpec::what, kinds::inside(&FilterSpec::condition, kinds::expression()),
              "Keeps the rows for which the condition holds.")
      .choice(kGroup, "map", &StepSpec::what,
              kinds::inside(&MapSpec::fields, not_empty(named_expressions_kind(), "at least one field")),
              "Adds or replaces fields. The expressions see the fields before the step, not each other.")
      .choice(kGroup, "select", &StepSpec::what,
              kinds::inside(&SelectSpec::fields, not_empty(selection_kind(), "at least one field")),
              "Keeps only the fields that it lists, or makes them.")
      .choice(kGroup, "dedupe", &StepSpec::what, dedupe_kind(), "Lets the first of equal records pass.")
      .choice(kGroup, "window", &StepSpec::what, window_kind(), "Aggregates by key and time.")
      .choice(kGroup, "union", &StepSpec::what, kinds::inside(&UnionSpec::of, united_kind()),
              "Brings the records of several sources together, as they come: `- union: [web, app]`. It takes names of sources, and no "
              "`from`. Sources of one pipeline are read as one consumer group, so they have the same `brokers`, `group`, `fetch` and "
              "`properties`; no topic is read by two of them, and at most one has a `topic_pattern`, which takes what no other names. "
              "They declare the same fields with the same types; `path`, `format`, how timestamps are written, `event_time`, `start`, "
              "`tombstones` and `max_record` are each source's own. Time is that of all sources together, also where a step takes only one.")
      .refused("join", "Brings rows with equal keys together.", kGroup)
      .foreign({"where", "having", "condition"}, "filter", "write `filter: condition`")
      .foreign({"project", "projection", "fields", "columns"}, "select")
      .foreign({"mapping", "bloblang", "mutation", "set", "transform", "derive", "compute", "add_fields"}, "map",
               "write `map: {field: expression}`")
      .foreign({"aggregate", "aggregates", "aggregations", "group_by", "groupby", "by", "key_by", "tumbling", "tumble", "sliding",
                "hopping", "hop", "session", "cumulative", "running", "calendar"},
               "window", "it stands inside of a window: `window: {tumbling: 1m, by: user_id, aggregates: {n: count()}}`")
      .foreign({"type", "kind", "processor"}, "filter", "the kind of step is a key: `filter`, `map`, `select`, `dedupe`, `union` or `window`")
      .foreign({"input", "inputs", "source"}, "from")
      .foreign({"id", "label"}, "name")
      .foreign({"deduplicate", "deduplication", "unique", "distinct"}, "dedupe", "write `dedupe: {by: [event_id], within: 10m}`")
      .foreign({"merge", "concat", "union_all"}, "union", "write `union: [SOURCE, SOURCE]`")
      .foreign({"sink", "to", "output", "emit"}, "", "rows leave in `sinks`, which may say `from: STEP`")
      .place(&StepSpec::where)
      .sound(&StepSpec::sound, {"from", "map", "select", "union"})
      .kind();
}

}  // namespace tidemark
