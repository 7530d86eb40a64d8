// What others see of a pipeline: its metrics, whether it lives, and its status for the API.
#include <algorithm>

#include <nlohmann/json.hpp>

#include "daemon/pipeline.h"

namespace tidemark {

// Totals over all attempts, of committed work: exact at each checkpoint.
void Pipeline::publish(const AttemptStatus& status) {
  Ledger all = total_;
  all.add(status.ledger);
  for (size_t i = 0; i < all.sources.size(); ++i) {
    metrics_.step(plan_.sources[i].name).records_filtered.raise_to(static_cast<double>(all.sources[i].filtered));
  }
  for (const auto& [id, read] : all.read) {
    const std::string& source = plan_.sources[read.source].name;
    metrics_.partition(source, id.topic, id.partition).records_read.raise_to(static_cast<double>(read.records));
  }
  for (size_t i = 0; i < all.steps.size(); ++i) {
    const StepMetrics& step = metrics_.step(plan_.steps[i].name);
    const StepCounters& c = all.steps[i];
    if (const PlannedWindow* const window = plan_.steps[i].window()) {
      const WindowCounters& w = all.windows[window->window.ordinal];
      step.records_counted.raise_to(static_cast<double>(w.counted));
      step.partitioning_violations.raise_to(static_cast<double>(all.partitioning_violations[window->window.ordinal]));
      step.window_updates_missed.raise_to(static_cast<double>(w.updates_missed));
      step.result_errors.raise_to(static_cast<double>(w.result_errors + c.result_errors));
    } else if (plan_.steps[i].dedupe()) {
      step.records_deduplicated.raise_to(static_cast<double>(c.deduplicated));
    } else if (plan_.steps[i].behind_window) {
      step.results_filtered.raise_to(static_cast<double>(c.filtered));
      step.result_errors.raise_to(static_cast<double>(c.result_errors));
    } else {
      step.records_filtered.raise_to(static_cast<double>(c.filtered));
    }
  }
  for (size_t i = 0; i < all.sinks.size(); ++i) {
    metrics_.sink(plan_.sinks[i].name).records_emitted.raise_to(static_cast<double>(all.sinks[i].rows - all.sinks[i].oversize));
  }
  for (const auto& [step, reasons] : all.refused) {
    for (const auto& [reason, n] : reasons) {
      const bool late = reason == Reason::kLate || reason == Reason::kIdle || reason == Reason::kDedupe;
      const MetricCounter counter = late ? metrics_.late(step, to_string(reason)) : metrics_.dead_lettered(step, to_string(reason));
      counter.raise_to(static_cast<double>(n));
    }
  }
  publish_ledger(all);
  const std::lock_guard lock(status_mutex_);
  last_status_ = status;
  shown_ledger_ = std::move(all);
}

void Pipeline::publish_ledger(const Ledger& all) {
  for (const LedgerAccount& account : all.accounts(plan_)) {
    for (const auto& [entry, n] : account.entries) metrics_.ledger(account.step, entry).raise_to(static_cast<double>(n));
    metrics_.ledger_open(account.step).set(static_cast<double>(account.open));
  }
}

std::string Pipeline::error() const {
  const std::lock_guard lock(status_mutex_);
  return error_;
}

bool Pipeline::live(Duration limit) const {
  const int64_t now = deps_.clock.elapsed().us;
  const auto moves = [now](const std::atomic<int64_t>& at, int64_t within_us) { return at == 0 || now - at <= within_us; };
  const auto worker_moves = [&](const std::atomic<int64_t>& at) { return moves(at, limit.us); };
  return over_ || (std::ranges::all_of(worker_progress_us_, worker_moves) && moves(writer_step_began_us_, 5 * limit.us));
}

std::string Pipeline::status_json() const {
  const std::lock_guard lock(status_mutex_);
  nlohmann::ordered_json json;
  json["name"] = plan_.name;
  json["state"] = std::string(to_string(state_.load()));
  json["wanted"] = std::string(to_string(wish_.load()));
  json["ready"] = ready();
  if (!error_.empty()) json["error"] = error_;
  json["epoch"] = last_status_.epoch;
  if (last_status_.last_checkpoint > Time{0}) {
    json["last_checkpoint"] = format_rfc3339(last_status_.last_checkpoint);
    json["last_checkpoint_took_ms"] = last_status_.last_checkpoint_took.to_millis();
    json["checkpoint_bytes"] = last_status_.checkpoint_bytes;
  }
  if (!last_error_.empty()) json["last_error"] = last_error_;
  json["keys"] = last_status_.keys;
  json["positions"] = nlohmann::ordered_json::array();
  for (const PartitionOffset& at : last_status_.positions) {
    json["positions"].push_back({{"topic", at.where.topic}, {"partition", at.where.partition}, {"next_offset", at.offset}});
  }
  json["hot_keys"] = hot_keys_json(plan_, last_status_.hot_keys);
  json["ledger"] = nlohmann::ordered_json::parse(shown_ledger_.to_json(plan_));
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace tidemark
