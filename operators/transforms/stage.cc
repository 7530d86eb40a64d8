// Rows stay where they lie: each step passes on the numbers of those it keeps. Before a window a failed expression
// refuses its row; behind one it is counted, and nothing is sent to dead_letter.
#include "operators/transforms/stage.h"

#include <algorithm>
#include <iterator>
#include <numeric>

namespace tidemark {
namespace {

// A condition that is null is an expression error; adds one for every such row that did not fail already.
void null_conditions_are_errors(const Column& condition, Rows rows, std::vector<expr::RowError>& errors) {
  const size_t failed = errors.size();
  size_t next = 0;
  for (uint32_t row : rows) {
    while (next < failed && errors[next].row < row) ++next;
    const bool has_failed = next < failed && errors[next].row == row;
    if (!condition.valid[row] && !has_failed) errors.push_back({row, "the condition is null"});
  }
  if (errors.size() > failed) std::ranges::sort(errors, {}, &expr::RowError::row);
}

// Takes the rows of `errors` (ascending) out of `kept` (ascending).
void remove_failed(const std::vector<expr::RowError>& errors, std::vector<uint32_t>& kept) {
  size_t next = 0;
  std::erase_if(kept, [&](uint32_t row) {
    while (next < errors.size() && errors[next].row < row) ++next;
    return next < errors.size() && errors[next].row == row;
  });
}

bool is_condition(const PlannedWindow& window, uint32_t slot) {
  return std::ranges::any_of(window.window.aggregates, [&](const PlannedAggregate& a) { return a.where_slot == slot; });
}

}  // namespace

Stage::Stage(const Plan& plan, StageOutput& output)
    : plan_(plan), output_(output), counters_(plan.steps.size()), kept_(plan.steps.size() + 1) {}

void Stage::run_source(const PlannedSource& source, Batch& batch) {
  batch.columns.resize(source.slots);
  fill_record_columns(source.record_fields, *plan_.topics, batch);
  std::vector<uint32_t>& all = kept_.back();
  all.resize(batch.rows);
  std::iota(all.begin(), all.end(), 0);
  deliver(source.next_steps, source.next_sinks, batch, all);
}

void Stage::run_results(size_t window_step, Batch& batch) {
  const PlannedStep& step = plan_.steps[window_step];
  batch.columns.resize(std::max<size_t>(batch.columns.size(), step.window()->result_slots));
  std::vector<uint32_t>& all = kept_[window_step];
  all.resize(batch.rows);
  std::iota(all.begin(), all.end(), 0);
  for (const PlannedField& field : step.window()->results) {
    errors_.clear();
    field.program->evaluate(batch, all, batch.arena, batch.columns[field.slot], errors_);
    counters_[window_step].result_errors += errors_.size();
  }
  counters_[window_step].out += batch.rows;
  deliver(step.next_steps, step.next_sinks, batch, all);
}

void Stage::deliver(const std::vector<size_t>& steps, const std::vector<size_t>& sinks, Batch& batch, Rows rows) {
  if (rows.empty()) return;
  for (size_t sink : sinks) output_.to_sink(sink, batch, rows);
  for (size_t step : steps) run_step(step, batch, rows);
}

void Stage::run_step(size_t step, Batch& batch, Rows rows) {
  counters_[step].in += rows.size();
  const auto& what = plan_.steps[step].what;
  if (const auto* f = std::get_if<PlannedFilter>(&what)) return filter(step, *f, batch, rows);
  if (const auto* m = std::get_if<PlannedMap>(&what)) return map(step, *m, batch, rows);
  if (const auto* w = std::get_if<PlannedWindow>(&what)) return prepare_window(step, *w, batch, rows);
  if (std::holds_alternative<PlannedUnion>(what)) return pass(step, batch, rows);
  deduplicate(step, batch, rows);
}

void Stage::filter(size_t step, const PlannedFilter& filter, Batch& batch, Rows rows) {
  Column condition;
  errors_.clear();
  filter.condition->evaluate(batch, rows, batch.arena, condition, errors_);
  null_conditions_are_errors(condition, rows, errors_);
  std::vector<uint32_t>& kept = kept_[step];
  kept.clear();
  for (uint32_t row : rows) {
    if (condition.valid[row] && condition.bools[row]) kept.push_back(row);
  }
  const bool behind = plan_.steps[step].behind_window.has_value();
  StepCounters& count = counters_[step];
  count.filtered += rows.size() - kept.size() - (behind ? 0 : errors_.size());
  refuse(step, batch, errors_, kept);
  count.out += kept.size();
  deliver(plan_.steps[step].next_steps, plan_.steps[step].next_sinks, batch, kept);
}

void Stage::map(size_t step, const PlannedMap& map, Batch& batch, Rows rows) {
  std::vector<uint32_t>& kept = kept_[step];
  kept.assign(rows.begin(), rows.end());
  evaluate(step, map.fields, batch, kept);
  counters_[step].out += kept.size();
  deliver(plan_.steps[step].next_steps, plan_.steps[step].next_sinks, batch, kept);
}

void Stage::deduplicate(size_t step, Batch& batch, Rows rows) {
  std::vector<uint32_t>& kept = kept_[step];
  kept.assign(rows.begin(), rows.end());
  output_.deduplicate(step, batch, kept, counters_[step]);
  counters_[step].out += kept.size();
  deliver(plan_.steps[step].next_steps, plan_.steps[step].next_sinks, batch, kept);
}

void Stage::pass(size_t step, Batch& batch, Rows rows) {
  counters_[step].out += rows.size();
  deliver(plan_.steps[step].next_steps, plan_.steps[step].next_sinks, batch, rows);
}

void Stage::prepare_window(size_t step, const PlannedWindow& window, Batch& batch, Rows rows) {
  std::vector<uint32_t>& kept = kept_[step];
  kept.assign(rows.begin(), rows.end());
  for (const PlannedField& field : window.inputs) {
    errors_.clear();
    Column& column = batch.columns[field.slot];
    Rows wanted = kept;
    if (field.condition_slot) {
      const Column& condition = batch.columns[*field.condition_slot];
      wanted_.clear();
      const auto holds = [&](uint32_t row) { return (condition.valid[row] & condition.bools[row]) != 0; };
      std::ranges::copy_if(kept, std::back_inserter(wanted_), holds);
      wanted = wanted_;
    }
    field.program->evaluate(batch, wanted, batch.arena, column, errors_);
    if (is_condition(window, field.slot)) null_conditions_are_errors(column, kept, errors_);
    refuse(step, batch, errors_, kept);
  }
  if (!kept.empty()) output_.to_window(step, batch, kept);
}

void Stage::evaluate(size_t step, const std::vector<PlannedField>& fields, Batch& batch, std::vector<uint32_t>& kept) {
  for (const PlannedField& field : fields) {
    errors_.clear();
    field.program->evaluate(batch, kept, batch.arena, batch.columns[field.slot], errors_);
    refuse(step, batch, errors_, kept);
  }
}

void Stage::refuse(size_t step, Batch& batch, std::vector<expr::RowError>& errors, std::vector<uint32_t>& kept) {
  if (errors.empty()) return;
  if (plan_.steps[step].behind_window) {
    counters_[step].result_errors += errors.size();  // the field stays null, the row goes on
    return;
  }
  counters_[step].dead_lettered += errors.size();
  for (const expr::RowError& error : errors) output_.expression_failed(step, batch, error.row, error.message);
  remove_failed(errors, kept);
}

}  // namespace tidemark
