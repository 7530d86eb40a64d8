// Holds what went into each step against what became of it. A gap is named, not closed: whether the run goes on is not
// decided here.
#include "daemon/ledger.h"

#include <nlohmann/json.hpp>

#include "base/counters.h"
#include "daemon/worker_shared.h"

namespace tidemark {
namespace {

std::string unequal(const std::string& where, uint64_t in, uint64_t out) {
  return where + ": " + std::to_string(in) + " in, " + std::to_string(out) + " accounted for";
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

std::vector<std::string> Ledger::gaps(const Plan& plan) const {
  std::vector<std::string> found;
  if (source.read != source.dead_lettered + source.filtered + source.passed) {
    found.push_back(unequal(plan.source.name, source.read, source.dead_lettered + source.filtered + source.passed));
  }
  for (size_t i = 0; i < steps.size(); ++i) {
    const StepCounters& c = steps[i];
    if (const PlannedWindow* const window = plan.steps[i].window()) {
      const WindowCounters& w = windows[window->window.ordinal];
      const uint64_t reached = c.in - c.dead_lettered;
      const uint64_t judged = w.counted + w.late + w.idle_late;
      if (reached != judged) found.push_back(unequal(plan.steps[i].name, reached, judged));
      if (w.results != c.out) found.push_back(unequal(plan.steps[i].name + "'s results", w.results, c.out));
    } else if (const uint64_t judged = c.out + c.filtered + c.dead_lettered + c.late + c.deduplicated; c.in != judged) {
      found.push_back(unequal(plan.steps[i].name, c.in, judged));
    }
    find_gaps_behind(plan, plan.steps[i].name, c.out, plan.steps[i].next_steps, found);
  }
  find_gaps_behind(plan, plan.source.name, source.passed, plan.source.next_steps, found);
  return found;
}

// Each branch takes all of what comes out where it begins.
void Ledger::find_gaps_behind(const Plan& plan, const std::string& name, uint64_t out, const std::vector<size_t>& next_steps,
                              std::vector<std::string>& found) const {
  for (const size_t next : next_steps) {
    if (next >= steps.size() || steps[next].in == out) continue;
    found.push_back(unequal(name + " -> " + plan.steps[next].name, out, steps[next].in));
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
