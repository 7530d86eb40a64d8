// Holds what went into each step against what became of it. A gap is named, not closed: whether the run goes on is not
// decided here.
#include "daemon/ledger.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/counters.h"
#include "daemon/worker_shared.h"

namespace tidemark {
namespace {

// Notes that what came in is not what was accounted for, where that is so.
void hold(LedgerAccount& account, const std::string& where, uint64_t in, uint64_t out) {
  if (in == out) return;
  account.open += in > out ? in - out : out - in;
  account.gaps.push_back(where + ": " + std::to_string(in) + " in, " + std::to_string(out) + " accounted for");
}

}  // namespace

SourceCounters& Ledger::source(uint32_t number) {
  if (sources.size() <= number) sources.resize(number + size_t{1});
  return sources[number];
}

void Ledger::add(const WorkerReport& report, const std::vector<PartitionStart>& partitions) {
  for (const PartitionReport& p : report.partitions) {
    const PartitionStart& partition = partitions[p.partition];
    add_counters(source(partition.source), p.counters);
    Read& of_partition = read[partition.id];
    of_partition.source = partition.source;
    of_partition.records += p.counters.read;
  }
  Tally::add(report.tally);
}

void Ledger::add(const Ledger& other) {
  for (uint32_t i = 0; i < other.sources.size(); ++i) add_counters(source(i), other.sources[i]);
  for (const auto& [id, more] : other.read) {
    read[id].source = more.source;
    read[id].records += more.records;
  }
  Tally::add(other);
}

uint64_t Ledger::records_read() const {
  uint64_t all = 0;
  for (const SourceCounters& counters : sources) all += counters.read;
  return all;
}

uint64_t Ledger::rows_written() const {
  uint64_t all = 0;
  for (const SinkCounters& sink : sinks) all += sink.rows;
  return all;
}

std::vector<LedgerAccount> Ledger::accounts(const Plan& plan) const {
  std::vector<LedgerAccount> all;
  for (size_t i = 0; i < plan.sources.size(); ++i) all.push_back(account_of_source(plan, i));
  for (size_t i = 0; i < plan.steps.size(); ++i) all.push_back(account_of(plan, i));
  return all;
}

LedgerAccount Ledger::account_of_source(const Plan& plan, size_t number) const {
  const PlannedSource& planned = plan.sources[number];
  const SourceCounters c = number < sources.size() ? sources[number] : SourceCounters{};
  LedgerAccount account{planned.name,
                        {{"read", c.read}, {"passed", c.passed}, {"filtered", c.filtered}, {"dead_lettered", c.dead_lettered}},
                        0,
                        {}};
  hold(account, planned.name, c.read, c.dead_lettered + c.filtered + c.passed);
  find_gaps_behind(plan, c.passed, planned.next_steps, account);
  return account;
}

LedgerAccount Ledger::account_of(const Plan& plan, size_t step) const {
  const PlannedStep& planned = plan.steps[step];
  const StepCounters c = step < steps.size() ? steps[step] : StepCounters{};
  LedgerAccount account{planned.name, {{"in", c.in}, {"out", c.out}, {"dead_lettered", c.dead_lettered}}, 0, {}};
  if (const PlannedWindow* const window = planned.window()) {
    const size_t ordinal = window->window.ordinal;
    const WindowCounters w = ordinal < windows.size() ? windows[ordinal] : WindowCounters{};
    account.entries.emplace_back("counted", w.counted);
    account.entries.emplace_back("late", w.late + w.idle_late);
    hold(account, planned.name, c.in - c.dead_lettered, w.counted + w.late + w.idle_late);
    hold(account, planned.name + "'s results", w.results, c.out);
  } else {
    account.entries.emplace_back("filtered", c.filtered);
    if (planned.dedupe()) {
      account.entries.emplace_back("late", c.late);
      account.entries.emplace_back("deduplicated", c.deduplicated);
    }
    hold(account, planned.name, c.in, c.out + c.filtered + c.dead_lettered + c.late + c.deduplicated);
  }
  if (std::holds_alternative<PlannedUnion>(planned.what)) hold_union(plan, step, account);
  find_gaps_behind(plan, c.out, planned.next_steps, account);
  return account;
}

// What comes out of all its sources together.
void Ledger::hold_union(const Plan& plan, size_t step, LedgerAccount& account) const {
  std::string from;
  uint64_t passed = 0;
  for (size_t i = 0; i < sources.size(); ++i) {
    if (std::ranges::find(plan.sources[i].next_steps, step) == plan.sources[i].next_steps.end()) continue;
    from += (from.empty() ? "" : " + ") + plan.sources[i].name;
    passed += sources[i].passed;
  }
  if (step < steps.size()) hold(account, from + " -> " + account.step, passed, steps[step].in);
}

std::vector<std::string> Ledger::gaps(const Plan& plan) const {
  std::vector<std::string> found;
  for (const LedgerAccount& account : accounts(plan)) found.insert(found.end(), account.gaps.begin(), account.gaps.end());
  return found;
}

// Each branch takes all of what comes out where it begins; a union answers for itself.
void Ledger::find_gaps_behind(const Plan& plan, uint64_t out, const std::vector<size_t>& next_steps, LedgerAccount& account) const {
  for (const size_t next : next_steps) {
    const bool united = std::holds_alternative<PlannedUnion>(plan.steps[next].what);
    if (next < steps.size() && !united) hold(account, account.step + " -> " + plan.steps[next].name, out, steps[next].in);
  }
}

std::string Ledger::to_json(const Plan& plan) const {
  nlohmann::ordered_json json;
  json["sources"] = nlohmann::ordered_json::array();
  for (size_t i = 0; i < plan.sources.size(); ++i) {
    const SourceCounters c = i < sources.size() ? sources[i] : SourceCounters{};
    json["sources"].push_back({{"name", plan.sources[i].name}, {"read", c.read}, {"dead_lettered", c.dead_lettered},
                               {"filtered", c.filtered}, {"passed", c.passed}});
  }
  json["steps"] = nlohmann::ordered_json::array();
  for (size_t i = 0; i < steps.size(); ++i) {
    nlohmann::ordered_json step = {{"name", plan.steps[i].name}, {"in", steps[i].in}, {"out", steps[i].out},
                                   {"filtered", steps[i].filtered}, {"dead_lettered", steps[i].dead_lettered}};
    if (const PlannedWindow* const window = plan.steps[i].window()) {
      const WindowCounters& w = windows[window->window.ordinal];
      step["counted"] = w.counted;
      step["late"] = w.late + w.idle_late;
      step["updates_missed"] = w.updates_missed;
      step["result_errors"] = w.result_errors + steps[i].result_errors;
    }
    if (plan.steps[i].dedupe()) {
      step["late"] = steps[i].late;
      step["deduplicated"] = steps[i].deduplicated;
    }
    json["steps"].push_back(std::move(step));
  }
  json["sinks"] = nlohmann::ordered_json::array();
  for (size_t i = 0; i < sinks.size(); ++i) {
    json["sinks"].push_back({{"name", plan.sinks[i].name}, {"rows", sinks[i].rows}, {"oversize", sinks[i].oversize}});
  }
  json["refused"] = nlohmann::ordered_json::object();
  for (const auto& [step, reasons] : refused) {
    for (const auto& [reason, n] : reasons) json["refused"][step][std::string(to_string(reason))] = n;
  }
  json["closed"] = gaps(plan).empty();
  return json.dump();
}

}  // namespace tidemark
