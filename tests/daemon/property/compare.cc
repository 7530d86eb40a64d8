// Rows are compared as multisets of texts, since nothing promises their order. Words for people, such as error texts,
// need only be there.
#include "tests/daemon/property/compare.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>

#include <fmt/format.h>

#include "tests/daemon/trace_checks.h"

namespace tidemark::property {
namespace {

constexpr size_t kMostComplaints = 8;

class Complaints {
 public:
  template <class... Args>
  void add(fmt::format_string<Args...> format, Args&&... args) {
    if (found_.size() < kMostComplaints) found_.push_back(fmt::format(format, std::forward<Args>(args)...));
  }
  std::vector<std::string> take() { return std::move(found_); }

 private:
  std::vector<std::string> found_;
};

// Everything that must be equal, as one text; a record is then a member of a multiset.
std::string text_of(const std::optional<std::string>& text) { return text ? "'" + *text + "'" : "null"; }

// Two spellings of one double are the same row.
std::string row_text(const std::string& json) {
  const auto parsed = oracle::parse_json(json);
  return parsed ? oracle::render_json(*parsed) : "not JSON: " + json;
}

using Counts = std::map<std::string, int>;

void compare_counts(const char* what, const Counts& wanted, const Counts& got, bool repeats, Complaints& complaints) {
  for (const auto& [text, n] : wanted) {
    const auto at = got.find(text);
    const int found = at == got.end() ? 0 : at->second;
    if (found < n) complaints.add("{}: missing ({} of {}): {}", what, n - found, n, text);
    if (found > n && !repeats) complaints.add("{}: {} times instead of {}: {}", what, found, n, text);
  }
  for (const auto& [text, n] : got) {
    if (!wanted.contains(text)) complaints.add("{}: not wanted ({}): {}", what, n, text);
  }
}

void check_partition(const Case& one, const Written& row, Complaints& complaints) {
  if (!row.key) return;
  const int32_t right = oracle::java_partition(*row.key, one.sink_partitions);
  if (row.partition != right) complaints.add("{}: key {} is in partition {}, not {}", row.topic, *row.key, row.partition, right);
}

// A row of a window that may speak more than once.
struct Revision {
  std::string identity;  // the key fields and the window
  std::string rest;      // the row without the two fields
  int64_t revision = 0;
  int64_t count = 0;     // of the field `c`, which never falls
  bool is_final = false;
  bool withdrawn = false;  // of a session that is none any more
};

std::optional<Revision> revision_of(const std::string& json) {
  auto row = oracle::parse_json(json);
  if (!row || row->members.size() < 2) return std::nullopt;
  const auto is_final = row->members.back();
  row->members.pop_back();
  const auto revision = row->members.back();
  row->members.pop_back();
  if (revision.first != "revision" || is_final.first != "is_final") return std::nullopt;
  bool withdrawn = false;
  if (!row->members.empty() && row->members.back().first == "withdrawn") {
    withdrawn = row->members.back().second.boolean;
    row->members.pop_back();
  }
  const oracle::Json* const count = row->find("c");
  Revision out{"", oracle::render_json(*row), std::strtoll(revision.second.text.c_str(), nullptr, 10),
               count ? std::strtoll(count->text.c_str(), nullptr, 10) : 0, oracle::render_json(is_final.second) == "true", withdrawn};
  for (const auto& [name, value] : row->members) {
    out.identity += oracle::render_json(value) + " ";
    if (name == "window_end") break;
  }
  return out;
}

// The window whose rows come out; a case with revised rows has one.
const oracle::Window& last_window(const Case& one) {
  return one.pipeline.over.empty() ? *one.pipeline.window : one.pipeline.over.back().window;
}

// Revisions rise, counts do not fall, and the last row of a key and window, and it alone, is final. Answers the final rows,
// without what revisions add and without withdrawn ones. Where rows may repeat, nothing is said of their order.
std::vector<Written> final_rows(const Case& one, const std::vector<Written>& rows, bool repeats, Complaints& complaints) {
  std::map<std::string, Revision> newest;
  std::vector<Written> finals;
  for (const Written& row : rows) {
    const auto revision = revision_of(row.value.value_or(""));
    if (!revision) {
      complaints.add("a row does not end with its revision: {}", row.value.value_or("null"));
      continue;
    }
    if (last_window(one).kind == oracle::WindowKind::kRunning) {
      // Two totals of a key may run at a time, and their rows do not say of which they are. They end in order.
      newest.insert_or_assign(text_of(row.key), *revision);
      if (revision->is_final) finals.push_back(row), finals.back().value = revision->rest;
      continue;
    }
    const auto [before, is_first] = newest.try_emplace(revision->identity, *revision);
    if (!is_first && !repeats) {
      if (before->second.is_final) complaints.add("behind the final row of its window: {}", *row.value);
      if (before->second.revision >= revision->revision) complaints.add("revision {} before {}", before->second.revision, *row.value);
      if (before->second.count > revision->count && !revision->withdrawn) complaints.add("a count of {} before {}", before->second.count, *row.value);
    }
    const bool may_miss = repeats || one.pipeline.window->having;  // a filter kept what was said from us
    if (is_first && revision->withdrawn && !may_miss) complaints.add("withdrawn, and never said: {}", *row.value);
    before->second = *revision;
    if (revision->withdrawn && !revision->is_final) complaints.add("withdrawn, and not final: {}", *row.value);
    if (!revision->is_final || revision->withdrawn) continue;
    finals.push_back(row);
    finals.back().value = revision->rest;
  }
  // What a dead life said of sessions outlives it where there is no transaction, and the next one may find others.
  const bool may_be_forgotten = repeats && last_window(one).kind == oracle::WindowKind::kSession;
  for (const auto& [identity, last] : newest) {
    if (!last.is_final && !may_be_forgotten) complaints.add("no final row: {}", last.rest);
  }
  return finals;
}

// The timestamp of a result: window_end - 1 ms, but not later than the newest record of that window in its lane, which is
// at least the newest for this key.
void check_timestamps(const std::vector<Written>& rows, const Expected& expected, Complaints& complaints) {
  std::map<std::string, const ExpectedRow*> by_text;
  for (const ExpectedRow& row : expected.rows) by_text[text_of(row.key) + row_text(row.json)] = &row;
  for (const Written& row : rows) {
    const auto at = by_text.find(text_of(row.key) + row_text(row.value.value_or("")));
    if (at == by_text.end()) continue;
    const int64_t latest = at->second->window_end_us / 1000 - 1;
    const int64_t least = std::clamp<int64_t>(at->second->newest_timestamp_ms, 1, latest);
    if (row.timestamp_ms > latest || row.timestamp_ms < least) {
      complaints.add("timestamp {} of {} is not in [{}, {}]", row.timestamp_ms, *row.value, least, latest);
    }
  }
}

void compare_rows(const Case& one, const Expected& expected, const std::vector<Written>& rows, bool repeats, Complaints& complaints) {
  Counts wanted, got;
  // Windows leave their rows' timestamps a choice, but for totals of records.
  const bool windowed = one.pipeline.window.has_value();
  const bool totals = windowed && last_window(one).kind == oracle::WindowKind::kRunning;
  const bool exact = !windowed || (totals && one.pipeline.over.empty());
  const auto stamp = [&](int64_t ms) { return exact ? " at " + std::to_string(ms) : std::string(); };
  for (const ExpectedRow& row : expected.rows) wanted[text_of(row.key) + " " + row_text(row.json) + stamp(std::max<int64_t>(row.newest_timestamp_ms, 1))] += 1;
  for (const Written& row : rows) {
    check_partition(one, row, complaints);
    got[text_of(row.key) + " " + row_text(row.value.value_or("")) + stamp(row.timestamp_ms)] += 1;
    if (!row.headers.empty()) complaints.add("rows: headers nobody asked for: {}", *row.value);
  }
  compare_counts("rows", wanted, got, repeats, complaints);
  if (windowed && !totals) check_timestamps(rows, expected, complaints);
}

std::string refused_text(const std::optional<std::string>& key, const std::optional<std::string>& value, int64_t timestamp_ms,
                         const std::vector<oracle::Header>& headers) {
  std::string out = fmt::format("{} {} at {}", text_of(key), text_of(value), timestamp_ms);
  for (const oracle::Header& h : headers) out += " " + h.name + "=" + text_of(h.value);
  return out;
}

const oracle::Record& record_of(const Case& one, const oracle::RefusedRecord& refused) {
  const auto log = std::ranges::find_if(one.logs, [&](const auto& l) { return l.topic == refused.topic && l.partition == refused.partition; });
  return *std::ranges::find(log->records, refused.offset, &oracle::Record::offset);
}

// The engine's words for people are not the oracle's: only that there are some is compared.
std::vector<oracle::Header> without_error(const Written& row, Complaints& complaints) {
  std::vector<oracle::Header> headers = row.headers;
  const size_t erased = std::erase_if(headers, [](const oracle::Header& h) { return h.name == "tidemark.error" && h.value && !h.value->empty(); });
  if (erased != 1) complaints.add("{}: {} headers tidemark.error: {}", row.topic, erased, text_of(row.value));
  return headers;
}

// A record from the future is written as one of now, and says in a header what it was.
int64_t own_timestamp(const Written& row, std::vector<oracle::Header>& headers, Complaints& complaints) {
  const auto told = std::ranges::find(headers, "tidemark.timestamp", &oracle::Header::name);
  if (told == headers.end()) return row.timestamp_ms;
  const int64_t timestamp_ms = std::strtoll(told->value.value_or("").c_str(), nullptr, 10);
  headers.erase(told);
  if (row.timestamp_ms < kWallMs || row.timestamp_ms >= timestamp_ms) {
    complaints.add("{}: timestamp {} for one of {}", row.topic, row.timestamp_ms, timestamp_ms);
  }
  return timestamp_ms;
}

void compare_refused(const char* topic, const Case& one, const std::vector<oracle::RefusedRecord>& expected,
                     const std::vector<Written>& rows, bool repeats, Complaints& complaints) {
  Counts wanted, got;
  for (const oracle::RefusedRecord& refused : expected) {
    const oracle::Record& record = record_of(one, refused);
    std::vector<oracle::Header> headers = record.headers;
    headers.push_back({"tidemark.reason", refused.reason});
    headers.push_back({"tidemark.pipeline", one.pipeline.name});
    headers.push_back({"tidemark.step", refused.step});
    headers.push_back({"tidemark.topic", refused.topic});
    headers.push_back({"tidemark.partition", std::to_string(refused.partition)});
    headers.push_back({"tidemark.offset", std::to_string(refused.offset)});
    if (refused.watermark) headers.push_back({"tidemark.watermark", *refused.watermark});
    wanted[refused_text(record.key, record.value, std::max<int64_t>(record.timestamp_ms, 1), headers)] += 1;
  }
  for (const Written& row : rows) {
    check_partition(one, row, complaints);
    std::vector<oracle::Header> headers = without_error(row, complaints);
    const int64_t timestamp_ms = own_timestamp(row, headers, complaints);
    got[refused_text(row.key, row.value, timestamp_ms, headers)] += 1;
  }
  compare_counts(topic, wanted, got, repeats, complaints);
}

}  // namespace

std::vector<std::string> compare_output(const Case& one, const Expected& expected, const std::vector<Written>& rows, bool repeats) {
  Complaints complaints;
  std::map<std::string, std::vector<Written>> by_topic;
  for (const Written& row : rows) by_topic[row.topic].push_back(row);
  const auto compare_way = [&](const Case& way, const Expected& wanted) {
    const auto& rows_written = by_topic[way.rows_topic];
    compare_rows(way, wanted, way.revised ? final_rows(way, rows_written, repeats, complaints) : rows_written, repeats, complaints);
  };
  compare_way(one, expected);
  for (size_t i = 0; i < one.branches.size(); ++i) compare_way(one.branches[i], expected.branches[i]);
  if (one.refused_sinks) {
    compare_refused("late", one, expected.outcome.late, by_topic["late"], repeats, complaints);
    compare_refused("dead", one, expected.outcome.dead_letters, by_topic["dead"], repeats, complaints);
  }
  return complaints.take();
}

std::vector<std::string> compare_ledger(const Case& one, const Expected& expected, const nlohmann::json& ledger) {
  Complaints complaints;
  const oracle::Ledger& wanted = expected.outcome.ledger;
  const auto same = [&](const std::string& what, int64_t right, const nlohmann::json& got) {
    if (!got.is_number() || got.get<int64_t>() != right) complaints.add("ledger: {} is {}, not {}", what, got.dump(), right);
  };
  if (!ledger.value("closed", false)) complaints.add("the ledger is open: {}", ledger.dump());
  for (const nlohmann::json& source : ledger.value("sources", nlohmann::json::array())) {
    const std::string name = source["name"];
    const auto at = wanted.sources.find(name);  // none: not a record came
    const oracle::SourceLedger right = at == wanted.sources.end() ? oracle::SourceLedger{} : at->second;
    same(name + " read", right.read, source["read"]);
    same(name + " dead_lettered", right.dead_lettered, source["dead_lettered"]);
    same(name + " filtered", right.filtered, source["filtered"]);
    same(name + " passed", right.passed_on, source["passed"]);
  }
  if (ledger.value("sources", nlohmann::json::array()).size() != one.pipeline.sources.size()) complaints.add("a source is missing: {}", ledger.dump());
  for (const nlohmann::json& step : ledger.value("steps", nlohmann::json::array())) {
    const std::string name = step["name"];
    if (name == "enough" && !one.revised) same("results filtered", wanted.results_filtered, step["filtered"]);
    const auto at = wanted.steps.find(name);
    if (at == wanted.steps.end()) continue;
    same(name + " in", at->second.in, step["in"]);
    same(name + " filtered", at->second.filtered, step["filtered"]);
    same(name + " dead_lettered", at->second.dead_lettered, step["dead_lettered"]);
    const bool window = step.contains("counted");
    same(name + " out", at->second.out, step[window ? "counted" : "out"]);
    if (step.contains("deduplicated")) {
      same(name + " late", at->second.late, step["late"]);
      same(name + " deduplicated", at->second.deduplicated, step["deduplicated"]);
    }
    if (!window) continue;
    same(name + " late", at->second.late, step["late"]);
    same(name + " updates missed", at->second.updates_missed, step["updates_missed"]);
  }
  return complaints.take();
}

std::vector<std::string> compare_traces(const std::vector<Trace>& traces, const nlohmann::json& ledger) {
  std::vector<std::string> wrong;
  int64_t traced = 0, read = 0;
  for (const Trace& trace : traces) {
    for (const std::string& fault : faults_of(trace)) wrong.push_back("trace: " + fault);
    for (const auto& [key, value] : trace.spans.front().attributes) {
      if (key == "tidemark.records") traced += std::get<int64_t>(value);
    }
  }
  for (const nlohmann::json& source : ledger["sources"]) read += source["read"].get<int64_t>();
  if (traced != read) wrong.push_back(fmt::format("traces tell of {} records, the ledger of {}", traced, read));
  return wrong;
}

std::vector<std::string> compare_ledger_metrics(const nlohmann::json& status, const std::string& metrics) {
  Complaints complaints;
  const std::string pipeline = status["name"];
  const auto tells = [&](const nlohmann::json& account) {
    const std::string step = account["name"];
    for (const auto& [entry, n] : account.items()) {
      const std::string series = fmt::format("tidemark_ledger_records_total{{pipeline=\"{}\",step=\"{}\",entry=\"{}\"}}", pipeline, step, entry);
      if (n.is_number() && metrics.find(series) != std::string::npos && metrics.find(series + " " + n.dump() + "\n") == std::string::npos) {
        complaints.add("metrics: {} is not {}", series, n.dump());
      }
    }
    const std::string closed = fmt::format("tidemark_ledger_open_records{{pipeline=\"{}\",step=\"{}\"}} 0\n", pipeline, step);
    if (metrics.find(closed) == std::string::npos) complaints.add("metrics: the account of {} is open or not told", step);
  };
  const nlohmann::json& ledger = status["ledger"];
  for (const nlohmann::json& step : ledger["steps"]) tells(step);
  for (const nlohmann::json& source : ledger["sources"]) {
    tells(source);
    const std::string read = fmt::format("step=\"{}\",entry=\"read\"}} {}\n", source["name"].get<std::string>(), source["read"].dump());
    if (metrics.find(read) == std::string::npos) complaints.add("metrics: {} was read, and they do not tell", source.dump());
  }
  return complaints.take();
}

}  // namespace tidemark::property
