// Holds what went into each step against what became of it. A gap is named, not closed: whether the run goes on is not
// decided here.
#include "daemon/ledger.h"

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

void Ledger::add(const WorkerReport& report, const std::vector<PartitionStart>& partitions) {
  for (const PartitionReport& p : report.partitions) {
    add_counters(source, p.counters);
    read[partitions[p.partition].id] += p.counters.read;
  }
  Tally::add(report.tally);
}

void Ledger::add(const Ledger& other) {
  add_counters(source, other.source);
  for (const auto& [id, n] : other.read) read[id] += n;
  Tally::add(other);
}

std::vector<LedgerAccount> Ledger::accounts(const Plan& plan) const {
  LedgerAccount of_source{plan.source.name,
                          {{"read", source.read},
                           {"passed", source.passed},
                           {"filtered", source.filtered},
                           {"dead_lettered", source.dead_lettered}},
                          0,
                          {}};
  hold(of_source, plan.source.name, source.read, source.dead_lettered + source.filtered + source.passed);
  find_gaps_behind(plan, source.passed, plan.source.next_steps, of_source);
  std::vector<LedgerAccount> all;
  all.push_back(std::move(of_source));
  for (size_t i = 0; i < plan.steps.size(); ++i) all.push_back(account_of(plan, i));
  return all;
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
  find_gaps_behind(plan, c.out, planned.next_steps, account);
  return account;
}

std::vector<std::string> Ledger::gaps(const Plan& plan) const {
  std::vector<std::string> found;
  for (const LedgerAccount& account : accounts(plan)) found.insert(found.end(), account.gaps.begin(), account.gaps.end());
  return found;
}

// Each branch takes all of what comes out where it begins.
void Ledger::find_gaps_behind(const Plan& plan, uint64_t out, const std::vector<size_t>& next_steps, LedgerAccount& account) const {
  for (const size_t next : next_steps) {
    if (next < steps.size()) hold(account, account.step + " -> " + plan.steps[next].name, out, steps[next].in);
  }
}

std::string Ledger::to_json(const Plan& plan) const {
  nlohmann::ordered_json json;
  json["source"] = {{"name", plan.source.name}, {"read", source.read}, {"dead_lettered", source.dead_lettered},
                    {"filtered", source.filtered}, {"passed", source.passed}};
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
