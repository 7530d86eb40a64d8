// Every window that contains a row is stepped through, and its rows are kept until the end, sorted and added up. Speed
// and memory are no concern here.
#include "tests/operators/windows/naive_windows.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>

namespace tidemark {
namespace {

// Starts of all windows that contain `t`, found by stepping from a start far enough back.
std::vector<int64_t> windows_of(AlignedShape shape, int64_t t) {
  std::vector<int64_t> starts;
  int64_t start = shape.offset.us;
  while (start > t - shape.size.us) start -= shape.step.us;
  while (start + shape.step.us <= t - shape.size.us) start += shape.step.us;
  for (; start <= t; start += shape.step.us) {
    if (start + shape.size.us > t) starts.push_back(start);
  }
  return starts;
}

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

}  // namespace

NaiveOutcome naive_windows(AlignedShape shape, const std::vector<TestRow>& rows) {
  NaiveOutcome outcome;
  std::map<int64_t, std::map<std::optional<std::string>, std::vector<const TestRow*>>> windows;
  for (const TestRow& row : rows) {
    uint64_t missed = 0;
    bool counted = false;
    for (const int64_t start : windows_of(shape, row.event_time.us)) {
      if (start + shape.size.us <= row.watermark.us) {
        ++missed;
        continue;
      }
      windows[start][row.key].push_back(&row);
      counted = true;
    }
    outcome.counted += counted;
    if (counted) outcome.updates_missed += missed;
    if (!counted) outcome.late.push_back(fmt::format("{}/{}", row.partition, row.offset));
  }
  std::map<int64_t, Time> newest;
  for (const auto& [start, keys] : windows) {
    for (const auto& [key, members] : keys) {
      for (const TestRow* r : members) {
        newest[start] = std::max(newest.try_emplace(start, Time::min()).first->second, r->kafka_time);
      }
    }
  }
  for (const auto& [start, keys] : windows) {
    for (const auto& [key, members] : keys) {
      ResultRow row = aggregate(members, outcome.result_errors);
      row.key = key;
      row.start = {start};
      row.end = {start + shape.size.us};
      const int64_t stamp = row.end.us - 1000;
      row.kafka_time = {std::max<int64_t>(0, newest[start] == Time::min() ? stamp : std::min(stamp, newest[start].us))};
      outcome.results.push_back(render(row));
    }
  }
  std::ranges::sort(outcome.results);
  std::ranges::sort(outcome.late);
  return outcome;
}

}  // namespace tidemark
