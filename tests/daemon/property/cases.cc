// Every choice writes a line of YAML and the oracle's counterpart in the same breath, so that the two cannot drift
// apart. What must come out is the oracle's answer in the engine's form.
#include "tests/daemon/property/cases.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "tests/daemon/property/case_columns.h"
#include "tests/daemon/property/case_logs.h"
#include "tests/daemon/property/case_results.h"
#include "tests/daemon/property/case_rows.h"
#include "tests/daemon/property/case_sources.h"

namespace tidemark::property {
namespace {

using oracle::Field;
using oracle::FieldType;
using oracle::Json;
using oracle::Row;
using oracle::Value;

// ---- Steps

WrittenStep random_step(Random& random, bool may_change_user) {
  switch (random.in(0, may_change_user ? 8 : 7)) {
    case 0: return {"filter: 'n % 3 != 0'", [](const Row& r) { return std::optional(n_of(r) % 3 != 0); }, {}};
    case 1:
      return {"filter: 'has(x) && x > -20.5'",
              [](const Row& r) {
                const auto* x = std::get_if<double>(&r.at("x"));
                return std::optional(x != nullptr && *x > -20.5);
              },
              {}};
    case 2: return {"filter: 'flag'", [](const Row& r) { return flag_of(r); }, {}};
    case 3:
      return {"map: {big: n > 50, was: n}",
              nullptr,
              {{"big", [](const Row& r) { return std::optional<Value>(n_of(r) > 50); }}, {"was", field("n")}}};
    case 4: return {"map: {ratio: 1000 / n}", nullptr, {{"ratio", thousand_by_n}}};
    case 5: return {"map: {n: n * 3}", nullptr, {{"n", [](const Row& r) { return times(r, 3); }}}};
    case 6:
      return {"map: {x: 'coalesce(x, 0.5) * 2.0', y: x}",
              nullptr,
              {{"x",
                [](const Row& r) {
                  const auto* x = std::get_if<double>(&r.at("x"));
                  return std::optional<Value>((x ? *x : 0.5) * 2.0);
                }},
               {"y", field("x")}}};
    case 7:
      return {"filter: 'n > 0 || user.startsWith(\"u1\")'",
              [](const Row& r) { return std::optional(n_of(r) > 0 || std::get<std::string>(r.at("user")).starts_with("u1")); },
              {}};
    default:
      return {"map: {user: 'user + \"-\" + string(n % 7)'}",
              nullptr,
              {{"user", [](const Row& r) {
                  return std::optional<Value>(std::get<std::string>(r.at("user")) + "-" + std::to_string(n_of(r) % 7));
                }}}};
  }
}

// ---- The whole

class CaseWriter {
 public:
  explicit CaseWriter(uint64_t seed) : random_(seed) { case_.seed = seed; }

  Case write() {
    case_.pipeline.name = "prop";
    case_.pipeline.until_end = true;
    case_.pipeline.wall_clock_ms = kWallMs;
    windowed_ = random_.percent(88);
    deduplicated_ = random_.percent(30);
    promised_ = (windowed_ || deduplicated_) && random_.percent(30);
    case_.at_least_once = random_.percent(12);
    case_.refused_sinks = random_.percent(90);
    case_.sink_partitions = static_cast<int32_t>(random_.in(1, 5));
    if (promised_ || !windowed_) case_.pipeline.lanes = oracle::Lanes::kPerPartition;
    choose_sources(random_, case_.pipeline, deduplicated_);
    lists_ = has_lists(case_.pipeline);
    line("name: prop");
    case_.yaml += sources_yaml(random_, case_.pipeline, promised_);
    steps();
    branches();
    sinks();
    make_logs(random_, case_);
    if (by_key_ && windowed_) case_.pipeline.lanes = oracle::Lanes::kOne;
    const bool two_topics = case_.logs.back().topic != "in" && case_.pipeline.sources.size() == 1;
    const std::string marker = "TOPICS";
    case_.yaml.replace(case_.yaml.find(marker), marker.size(), two_topics ? "[in, also-in]" : "[in]");
    return std::move(case_);
  }

 private:
  void line(const std::string& text) { case_.yaml += text + "\n"; }

  void steps() {
    auto& p = case_.pipeline;
    const int64_t count = random_.in(0, 2) + (deduplicated_ ? 1 : 0);
    first_step_ = last_step_ = p.union_step.empty() ? "events" : p.union_step;
    if (count == 0 && !windowed_ && p.union_step.empty()) return;
    begin_steps();
    if (!p.union_step.empty()) line("  - {name: " + p.union_step + ", union: [" + (random_.percent(50) ? "events, more" : "more, events") + "]}");
    const int64_t dedupe_at = deduplicated_ ? random_.in(1, count) : 0;
    for (int64_t i = 1; i <= count; ++i) {
      if (i == dedupe_at) {
        dedupe("dedupe-" + place_of(i));
        continue;
      }
      const bool of_columns = random_.percent(25);
      const bool of_lists = of_columns && lists_ && random_.percent(60);
      const WrittenStep step = of_lists ? list_step(random_) : of_columns ? record_step(random_) : random_step(random_, !promised_);
      line("  - " + step.yaml);
      p.steps.push_back({(step.filter ? "filter-" : "map-") + place_of(i), step.filter, step.map});
    }
    if (!p.steps.empty()) last_step_ = p.steps.back().name;
    if (windowed_) window();
  }

  // Of a step without a name, in the list.
  std::string place_of(int64_t number) const { return std::to_string(number + (case_.pipeline.union_step.empty() ? 0 : 1)); }

  void dedupe(const std::string& name) {
    oracle::Step step{name, nullptr, {}, {"id"}, random_.one_of<int64_t>({1'000, 500'000, 5'000'000, 60'000'000, 3'600'000'000})};
    if (promised_) step.by.push_back("user");
    if (random_.percent(20)) step.by.insert(step.by.begin(), "region");
    line("  - dedupe: {by: [" + listed(step.by) + "], within: " + us_text(step.within_us) + "}");
    case_.pipeline.steps.push_back(std::move(step));
  }

  void begin_steps() {
    if (!std::exchange(has_steps_, true)) line("steps:");
  }

  static std::string listed(const std::vector<std::string>& names) {
    std::string out;
    for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
    return out;
  }

  std::vector<std::string> random_by() {
    const int64_t kind = random_.in(0, 4);
    if (!promised_) return by(kind);
    return kind == 0 ? std::vector<std::string>{"region", "user"} : std::vector<std::string>{"user"};
  }

  // Up to its aggregates; `from` a step or source, or what stands before it.
  void begin_window(oracle::Window& w, const std::string& kind_of_window, const std::string& from, Case& of) {
    line("  - name: " + w.name);
    if (!from.empty()) line("    from: " + from);
    line("    window:");
    line("      " + kind_of_window);
    if (w.offset_us != 0) line("      offset: " + us_text(w.offset_us));
    line("      by: [" + listed(w.by) + "]");
    emission(w, of);
  }

  void window() {
    oracle::Window w;
    w.name = "agg";
    const std::string kind_of_window = shape(w);
    w.by = random_by();
    begin_window(w, kind_of_window, "", case_);
    aggregates(w, case_);
    last_step_ = "agg";
    const int64_t least = random_.in(2, 4);
    if (random_.percent(25)) {
      const bool withdraws = case_.revised && w.kind == oracle::WindowKind::kSession;  // rows of no record
      last_step_ = "enough";
      line("  - {name: enough, filter: '" + std::string(withdraws ? "withdrawn || " : "") + "c >= " + std::to_string(least) + "'}");
      w.having = [least](const Row& row) { return std::optional(std::get<int64_t>(row.at("c.0")) >= least); };
    }
    case_.doubled = random_.percent(20);
    if (case_.doubled) line("  - {name: doubled, map: {twice: c * 2}}");
    if (case_.doubled) last_step_ = "doubled";
    case_.pipeline.window = std::move(w);
  }

  // ---- Branches

  void branches() {
    for (int64_t n = random_.percent(40) ? random_.in(1, 2) : 0; n > 0; --n) {
      const std::string number = std::to_string(n);
      if (windowed_ && random_.percent(60)) {
        const bool over = !case_.revised && random_.percent(65);
        if (over) {
          window_over(number);
        } else {
          window_beside(number);
        }
      } else {
        rows_beside(number);
      }
    }
    // Where one window needs it, the rows of all find their lanes by key.
    const auto by_user = [](const Case& one) {
      const auto has_user = [](const oracle::Window& w) { return std::ranges::find(w.by, "user") != w.by.end(); };
      return (!one.pipeline.window || has_user(*one.pipeline.window)) &&
             std::ranges::all_of(one.pipeline.over, [&](const oracle::Level& level) { return has_user(level.window); });
    };
    if (std::ranges::all_of(case_.branches, by_user)) return;
    for (Case& branch : case_.branches) branch.pipeline.lanes = oracle::Lanes::kOne;
    by_key_ = true;
  }

  // A branch from the source, or from behind some of the steps before the window, perhaps with another one.
  Case begin_branch(const std::string& number, std::string& from) {
    Case branch;
    branch.pipeline = case_.pipeline;
    branch.rows_topic = "rows-" + number;
    branch.pipeline.window.reset();
    auto& steps = branch.pipeline.steps;
    steps.resize(static_cast<size_t>(random_.in(0, static_cast<int64_t>(steps.size()))));
    from = steps.empty() ? first_step_ : steps.back().name;
    if (steps.empty() && branch.pipeline.sources.size() > 1 && random_.percent(40)) {
      branch.pipeline.union_step.clear();
      branch.pipeline.only = random_.in(0, 1);
      from = branch.pipeline.sources[*branch.pipeline.only].name;
    }
    if (random_.percent(50)) {
      begin_steps();
      const WrittenStep step = random_step(random_, !promised_);
      line("  - name: own-" + number + "\n    from: " + from + "\n    " + step.yaml);
      from = "own-" + number;
      steps.push_back({from, step.filter, step.map});
    }
    return branch;
  }

  void rows_beside(const std::string& number) {
    std::string from;
    Case branch = begin_branch(number, from);
    end_branch(std::move(branch), from);
  }

  void window_beside(const std::string& number) {
    std::string from;
    Case branch = begin_branch(number, from);
    oracle::Window w;
    w.name = "agg-" + number;
    const std::string kind_of_window = shape(w);
    w.by = random_.percent(30) ? by(random_.in(0, 4)) : random_by();
    begin_window(w, kind_of_window, from, branch);
    aggregates(w, branch);
    branch.pipeline.window = std::move(w);
    end_branch(std::move(branch), "agg-" + number);
  }

  // A window over the first one, and perhaps one over that.
  void window_over(const std::string& number) {
    Case branch;
    branch.pipeline = case_.pipeline;
    branch.rows_topic = "rows-" + number;
    branch.results = case_.results;
    std::string from = "agg";
    if (branch.pipeline.window->having && random_.percent(50)) {
      from = "enough";
    } else {
      branch.pipeline.window->having = nullptr;
    }
    const std::vector<std::string> below = branch.pipeline.window->by;
    std::string name = "over-" + number;
    level(branch, below, name, from);
    if (!branch.revised && random_.percent(25)) {
      const std::vector<std::string> first_keys = branch.pipeline.over.back().window.by;
      const std::string before = std::exchange(name, "top-" + number);
      level(branch, first_keys, name, before);
    }
    end_branch(std::move(branch), name);
  }

  void level(Case& branch, const std::vector<std::string>& keys, const std::string& name, std::string from) {
    oracle::Level over;
    if (random_.percent(25)) {
      line("  - {name: some-" + name + ", from: " + from + ", filter: 'c % 3 != 0'}");
      from = "some-" + name;
      over.steps.push_back({from, [](const Row& r) { return std::optional(std::get<int64_t>(r.at("c.0")) % 3 != 0); }, {}});
    }
    if (random_.percent(20)) {  // of c = 2 it is null
      line("  - {name: turned-" + name + ", from: " + from + ", map: {c: '12 / (c - 2)'}}");
      from = "turned-" + name;
      over.steps.push_back({from, nullptr, {{"c.0", [](const Row& r) {
        const int64_t c = std::get<int64_t>(r.at("c.0"));
        return c == 2 ? std::nullopt : std::optional<Value>(12 / (c - 2));
      }}}});
    }
    oracle::Window& w = over.window;
    w.name = name;
    const std::string kind_of_window = shape(w);
    for (const std::string& key : keys) {
      if (random_.percent(60)) w.by.push_back(key);
    }
    if (w.by.size() == 2 && random_.percent(50)) std::swap(w.by[0], w.by[1]);
    begin_window(w, kind_of_window, from, branch);
    results_of_results(branch.results, keys, w, branch);
    branch.pipeline.over.push_back(std::move(over));
  }

  // Aggregates over the results of the window before, and over its keys and times.
  void results_of_results(const std::vector<ResultField>& before, const std::vector<std::string>& keys, oracle::Window& w,
                          Case& branch) {
    using K = oracle::AggregateKind;
    struct Taken {
      std::string name, in_oracle, type;
    };
    const auto& levels = branch.pipeline.over;
    const bool totals = (levels.empty() ? *branch.pipeline.window : levels.back().window).kind == oracle::WindowKind::kRunning;
    std::vector<Taken> takes;
    if (!totals) takes = {{"window_start", "window_start", "timestamp"}, {"window_end", "window_end", "timestamp"}};
    for (const ResultField& result : before) {
      if (!result.type.empty()) takes.push_back({result.name, result.name + ".0", result.type});
    }
    for (const std::string& key : keys) {
      if (!type_of(key).empty()) takes.push_back({key, key, type_of(key)});
    }
    std::vector<ResultField> results = {{"c", "count()", {part(K::kCount, nullptr)}, nullptr, "int"}};
    for (int64_t n = random_.in(1, 4); n > 0; --n) {
      const Taken taken = random_.one_of(takes);
      const bool number = taken.type == "int" || taken.type == "double";
      const K kind = random_.one_of(number ? std::vector<K>{K::kSum, K::kAvg, K::kMin, K::kMax, K::kFirst, K::kLast, K::kList, K::kArgMax, K::kCount}
                                           : std::vector<K>{K::kCount, K::kMin, K::kMax, K::kFirst, K::kLast, K::kList, K::kArgMin});
      ResultField out{"a" + std::to_string(n), "", {part(kind, field(taken.in_oracle))}, nullptr, taken.type};
      std::string more;
      if (kind == K::kCount) out.type = "int";
      if (kind == K::kAvg) out.type = "double";
      if (kind == K::kList) {
        out.parts[0].numbers = {static_cast<double>(random_.in(1, 5))};
        more = ", " + std::to_string(static_cast<int64_t>(out.parts[0].numbers[0]));
        out.type.clear();
      }
      if (kind == K::kArgMin || kind == K::kArgMax) {
        const Taken by = random_.one_of(takes);
        out.parts[0].by = field(by.in_oracle);
        more = ", " + by.name;
      }
      out.expression = std::string(word_of(kind)) + "(" + taken.name + more + ")";
      if (random_.percent(25)) {  // null, and then false, where `c` is
        out.expression += ".where(c > 3)";
        out.parts[0].where = [](const Row& r) {
          const auto* c = std::get_if<int64_t>(&r.at("c.0"));
          return c ? std::optional(*c > 3) : std::nullopt;
        };
      }
      results.push_back(std::move(out));
    }
    write_results(std::move(results), w, branch);
  }

  void end_branch(Case branch, const std::string& last_step) {
    branch.at_least_once = case_.at_least_once;
    branch.sink_partitions = case_.sink_partitions;
    branch_ends_.push_back(last_step);
    case_.branches.push_back(std::move(branch));
  }

  // When windows speak, which the oracle need not know but for what is late.
  void emission(oracle::Window& w, Case& of) {
    if (random_.percent(25)) w.allowed_lateness_us = random_.one_of<int64_t>({500'000, 5'000'000, 40'000'000});
    if (w.allowed_lateness_us > 0) line("      allowed_lateness: " + us_text(w.allowed_lateness_us));
    const std::string emit = random_.one_of<std::string>({"", "", "", "on_change", "{every: 1s}", "{every: 7s}"});
    if (!emit.empty()) line("      emit: " + emit);
    of.revised = !emit.empty() || w.allowed_lateness_us > 0;
  }

  // Answers the kind of window as the file writes it.
  std::string shape(oracle::Window& w) {
    if (random_.percent(30)) return session(w);
    if (random_.percent(10)) {
      w.kind = oracle::WindowKind::kCalendar;
      w.unit = random_.one_of<std::string>({"day", "day", "week", "month"});
      w.timezone = random_.one_of<std::string>({"Europe/Stockholm", "America/New_York", "Asia/Kathmandu", "UTC"});
      return "calendar: {unit: " + w.unit + ", timezone: " + w.timezone + "}";
    }
    w.size_us = random_.one_of<int64_t>({1'000'000, 5'000'000, 7'000'000, 10'000'000, 60'000'000});
    w.step_us = w.size_us;
    if (random_.percent(60)) {
      w.step_us = random_.one_of<int64_t>({w.size_us / 2, w.size_us / 5, w.size_us * 2 / 3 / 1000 * 1000, w.size_us * 3 / 7 / 1000 * 1000});
    }
    if (random_.percent(30)) w.offset_us = random_.one_of<int64_t>({500'000, 1'234'000, 90'000'000});
    const std::string size_and_step = "{size: " + us_text(w.size_us) + ", step: " + us_text(w.step_us) + "}";
    if (random_.percent(25)) {
      w.kind = oracle::WindowKind::kCumulative;
      return "cumulative: " + size_and_step;
    }
    return w.step_us == w.size_us ? "tumbling: " + us_text(w.size_us) : "sliding: " + size_and_step;
  }

  std::string session(oracle::Window& w) {
    if (random_.percent(25)) {
      w.kind = oracle::WindowKind::kRunning;
      w.gap_us = random_.one_of<int64_t>({300'000, 7'000'000, 30'000'000, 86'400'000'000});
      return "running: {ttl: " + us_text(w.gap_us) + "}";
    }
    w.kind = oracle::WindowKind::kSession;
    w.gap_us = random_.one_of<int64_t>({50'000, 300'000, 1'000'000, 7'000'000, 30'000'000});
    if (random_.percent(50)) w.max_us = w.gap_us * random_.one_of<int64_t>({1, 2, 5}) + random_.one_of<int64_t>({0, 20'000});
    if (w.max_us == 0) return "session: " + us_text(w.gap_us);
    return "session: {gap: " + us_text(w.gap_us) + ", max: " + us_text(w.max_us) + "}";
  }

  static std::vector<std::string> by(int64_t kind) {
    switch (kind) {
      case 0: return {};
      case 1: return {"user"};
      case 2: return {"region"};
      case 3: return {"user", "region"};
      default: return {"n", "flag"};
    }
  }

  void aggregates(oracle::Window& w, Case& of) { write_results(random_results(random_, lists_), w, of); }

  void write_results(std::vector<ResultField> results, oracle::Window& w, Case& of) {
    of.results = std::move(results);
    line("      aggregates:");
    for (const ResultField& result : of.results) {
      line("        " + result.name + ": " + result.expression);
      for (size_t i = 0; i < result.parts.size(); ++i) {
        w.aggregates.push_back(result.parts[i]);
        w.aggregates.back().name = result.name + "." + std::to_string(i);
      }
    }
  }

  void sinks() {
    const std::string delivery = case_.at_least_once ? "    delivery: at_least_once" : "    delivery: exactly_once";
    const auto& window = case_.pipeline.window;
    if (window && !window->by.empty() && random_.percent(20)) case_.sink_key = {random_.one_of(window->by)};
    line("sinks:");
    const std::string from = case_.branches.empty() ? "" : "from: " + last_step_ + "\n    ";
    line("  - " + from + "kafka: {topic: rows" + (case_.sink_key.empty() ? "}" : ", key: [" + case_.sink_key[0] + "]}"));
    line(delivery);
    for (size_t i = 0; i < case_.branches.size(); ++i) {
      line("  - from: " + branch_ends_[i] + "\n    kafka: {topic: " + case_.branches[i].rows_topic + "}\n" + delivery);
    }
    if (!case_.refused_sinks) return;
    line("  - from: late\n    kafka: {topic: late}\n" + delivery);
    line("  - from: dead_letter\n    kafka: {topic: dead}\n" + delivery);
  }

  Random random_;
  Case case_;
  bool windowed_ = true;
  bool promised_ = false;
  bool deduplicated_ = false;
  bool by_key_ = false;
  bool has_steps_ = false;
  std::string first_step_;                // that branches may begin with: the source, or the union of all
  std::string last_step_;                 // of the main way
  std::vector<std::string> branch_ends_;  // by branch
  bool lists_ = false;  // the schema has some
};

// ---- What must come out

std::optional<std::string> key_of(const Json& row, const std::string& name) {
  const Json* value = row.find(name);
  if (is_null(*value)) return std::nullopt;
  return value->kind == Json::Kind::kString ? value->text : oracle::render_json(*value);
}

ExpectedRow windowed_row(const Case& one, const oracle::ResultRow& row) {
  const Json raw = *oracle::parse_json(row.json);
  ExpectedRow out{"", row.key, row.newest_timestamp_ms, row.window_end_us};
  const auto add = [&](const std::string& name, const std::string& value) {
    out.json += (out.json.empty() ? "{" : ",") + oracle::quote_json(name) + ":" + value;
  };
  for (const auto& [name, value] : raw.members) {
    if (name.find('.') == std::string::npos) add(name, oracle::render_json(value));
  }
  for (const ResultField& result : one.results) {
    std::vector<Json> parts;
    for (size_t i = 0; i < result.parts.size(); ++i) parts.push_back(*raw.find(result.name + "." + std::to_string(i)));
    add(result.name, result.combine ? result.combine(parts) : oracle::render_json(parts[0]));
  }
  if (one.doubled) add("twice", std::to_string(2 * int_of(*raw.find("c.0"))));
  out.json += "}";
  if (!one.sink_key.empty()) out.key = key_of(raw, one.sink_key[0]);
  return out;
}

}  // namespace

std::string Case::describe() const {
  size_t records = 0;
  for (const auto& log : logs) records += log.records.size();
  return std::to_string(logs.size()) + " partitions, " + std::to_string(records) + " records";
}

Case make_case(uint64_t seed) { return CaseWriter(seed).write(); }

namespace {

// What one way refused, another one may have refused before it came to its branch.
void add_refused(std::vector<oracle::RefusedRecord>& all, const std::vector<oracle::RefusedRecord>& more) {
  const auto place = [](const auto& r) { return std::tie(r.topic, r.partition, r.offset, r.step); };
  std::set<std::tuple<std::string, int32_t, int64_t, std::string>> known;
  for (const auto& r : all) known.insert(place(r));
  for (const auto& r : more) {
    if (known.insert(place(r)).second) all.push_back(r);
  }
}

Expected expect(const Case& one, const std::vector<oracle::PartitionLog>& logs) {
  Expected out;
  out.outcome = oracle::run_oracle(one.pipeline, logs);
  for (const oracle::ResultRow& row : out.outcome.rows) {
    if (!row.closed) continue;
    if (one.pipeline.window) {
      out.rows.push_back(windowed_row(one, row));
    } else {
      out.rows.push_back({row.json, row.key, row.newest_timestamp_ms, 0});
    }
  }
  return out;
}

}  // namespace

Expected expect(const Case& one) {
  Expected out = expect(one, one.logs);
  for (const Case& branch : one.branches) {
    out.branches.push_back(expect(branch, one.logs));
    const oracle::Outcome& more = out.branches.back().outcome;
    add_refused(out.outcome.late, more.late);
    add_refused(out.outcome.dead_letters, more.dead_letters);
    out.outcome.ledger.steps.insert(more.ledger.steps.begin(), more.ledger.steps.end());
  }
  return out;
}

}  // namespace tidemark::property
