// Every window that contains a row is stepped through, and its rows are kept until the end, sorted and added up. Speed
// and memory are no concern here.
#include "tests/operators/windows/naive_windows.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>
#include <tuple>

namespace tidemark {
namespace {

// [start, end)
using Span = std::pair<int64_t, int64_t>;

// All windows that contain `t`, found by stepping from a start far enough back.
std::vector<Span> windows_of(const AlignedShape& shape, int64_t t) {
  std::vector<Span> spans;
  int64_t start = shape.offset.us;
  while (start > t - shape.size.us) start -= shape.step.us;
  while (start + shape.step.us <= t - shape.size.us) start += shape.step.us;
  for (; start <= t; start += shape.step.us) {
    if (start + shape.size.us > t) spans.push_back({start, start + shape.size.us});
  }
  return spans;
}

std::vector<Span> windows_of(const CumulativeShape& shape, int64_t t) {
  std::vector<Span> spans;
  int64_t start = shape.offset.us;
  while (start > t) start -= shape.size.us;
  while (start + shape.size.us <= t) start += shape.size.us;
  for (int64_t end = start; end < start + shape.size.us;) {
    end = std::min(end + shape.step.us, start + shape.size.us);
    if (end > t) spans.push_back({start, end});
  }
  return spans;
}

std::vector<Span> windows_of(const CalendarShape&, int64_t) { return {}; }
std::vector<Span> windows_of(const SessionShape&, int64_t) { return {}; }

ResultRow aggregate(std::vector<const TestRow*> rows, uint64_t& result_errors) {
  std::ranges::sort(rows, {}, [](const TestRow* r) { return std::tuple(r->event_time, r->partition, r->offset); });
  ResultRow out;
  Time newest = Time::min();
  int64_t numbers = 0;
  for (const TestRow* r : rows) {
    const bool chosen = r->chosen.value_or(false);
    newest = std::max(newest, r->kafka_time);
    ++out.count;
    if (r->number) {
      out.sum = out.sum.value_or(0) + *r->number;
      out.last_number = r->number;
      ++numbers;
    }
    if (chosen && r->amount) out.chosen_amount = out.chosen_amount.value_or(0) + *r->amount;
    if (r->text && (!out.min_text || *r->text < *out.min_text)) out.min_text = r->text;
    if (chosen && r->text && !out.first_chosen_text) out.first_chosen_text = r->text;
  }
  if (numbers > 0) out.average = static_cast<double>(*out.sum) / static_cast<double>(numbers);
  if (numbers > 0) out.median = 0;
  std::set<std::string> texts;
  int listed = 0;
  for (const TestRow* r : rows) {
    if (r->text) texts.insert(*r->text);
    if (!r->chosen.value_or(false) || !r->number || ++listed > 3) continue;
    out.list = (listed == 1 ? "[" : out.list->substr(0, out.list->size() - 1) + ",") + std::to_string(*r->number) + "]";
  }
  if (texts.size() > 4) ++result_errors;
  if (!texts.empty() && texts.size() <= 4) out.distinct = static_cast<int64_t>(texts.size());
  out.kafka_time = newest;
  return out;
}

// All rows that count, by key and time, cut wherever two of them lie a gap apart or on different sides of a multiple of max.
NaiveOutcome naive_sessions(SessionShape shape, std::span<const TestRow> rows, Duration allowed_lateness) {
  NaiveOutcome outcome;
  std::map<std::optional<std::string>, std::multimap<int64_t, const TestRow*>> keys;
  for (const TestRow& row : rows) {
    if (row.event_time + allowed_lateness < row.watermark) {
      outcome.late.push_back(fmt::format("{}/{}", row.partition, row.offset));
      continue;
    }
    ++outcome.counted;
    keys[row.key].emplace(row.event_time.us, &row);
  }
  const auto limit_of = [&](int64_t t) {
    if (!shape.max) return std::numeric_limits<int64_t>::max();
    int64_t limit = 0;
    while (limit > t) limit -= shape.max->us;
    while (limit <= t) limit += shape.max->us;
    return limit;
  };
  for (const auto& [key, members] : keys) {
    for (auto row = members.begin(); row != members.end();) {
      std::vector<const TestRow*> session;
      const int64_t first = row->first;
      int64_t end = first;
      for (; row != members.end() && (session.empty() || row->first < end); ++row) {
        session.push_back(row->second);
        end = std::min(row->first + shape.gap.us, limit_of(first));
      }
      ResultRow result = aggregate(session, outcome.result_errors);
      result.key = key;
      result.start = {first};
      result.end = {end};
      const int64_t newest = result.kafka_time == Time::min() ? end - 1000 : result.kafka_time.us;
      result.kafka_time = {std::max<int64_t>(0, std::min(end - 1000, newest))};
      outcome.results.push_back(render(result));
    }
  }
  std::ranges::sort(outcome.results);
  std::ranges::sort(outcome.late);
  return outcome;
}

}  // namespace

NaiveOutcome naive_windows(const WindowShape& shape, std::span<const TestRow> rows, Duration allowed_lateness) {
  if (const auto* session = std::get_if<SessionShape>(&shape)) return naive_sessions(*session, rows, allowed_lateness);
  NaiveOutcome outcome;
  std::map<Span, std::map<std::optional<std::string>, std::vector<const TestRow*>>> windows;
  for (const TestRow& row : rows) {
    uint64_t missed = 0;
    bool counted = false;
    const auto spans = std::visit([&](const auto& s) { return windows_of(s, row.event_time.us); }, shape);
    for (const Span& span : spans) {
      if (Time{span.second} + allowed_lateness <= row.watermark) {
        ++missed;
        continue;
      }
      windows[span][row.key].push_back(&row);
      counted = true;
    }
    outcome.counted += counted;
    if (counted) outcome.updates_missed += missed;
    if (!counted) outcome.late.push_back(fmt::format("{}/{}", row.partition, row.offset));
  }
  std::map<Span, Time> newest;
  for (const auto& [span, keys] : windows) {
    for (const auto& [key, members] : keys) {
      for (const TestRow* r : members) {
        newest[span] = std::max(newest.try_emplace(span, Time::min()).first->second, r->kafka_time);
      }
    }
  }
  for (const auto& [span, keys] : windows) {
    for (const auto& [key, members] : keys) {
      ResultRow row = aggregate(members, outcome.result_errors);
      row.key = key;
      row.start = {span.first};
      row.end = {span.second};
      const int64_t stamp = row.end.us - 1000;
      row.kafka_time = {std::max<int64_t>(0, newest[span] == Time::min() ? stamp : std::min(stamp, newest[span].us))};
      outcome.results.push_back(render(row));
    }
  }
  std::ranges::sort(outcome.results);
  std::ranges::sort(outcome.late);
  return outcome;
}

}  // namespace tidemark
