// Stage: runs the steps of a plan that have no windows (filter, map, select, dedupe, union) over a batch, up to the windows and
// sinks that take its rows. Knows neither where rows came from nor where they go, nor what a dedupe step remembers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "operators/batch.h"
#include "operators/plan/plan.h"

namespace tidemark {

// What became of the rows of one step: in = out + filtered + dead_lettered + late + deduplicated (windows: see their lanes'
// counters).
struct StepCounters {
  uint64_t in = 0;
  uint64_t out = 0;
  uint64_t filtered = 0;
  uint64_t dead_lettered = 0;
  uint64_t late = 0;           // of dedupe steps
  uint64_t deduplicated = 0;
  uint64_t result_errors = 0;  // behind a window: expressions that failed
};

// Takes what leaves a stage; called in the order of the plan, rows ascending.
class StageOutput {
 public:
  virtual ~StageOutput() = default;
  // Rows that reach a window step, of the source or of another window, its inputs worked out.
  virtual void to_window(size_t step, Batch& batch, Rows rows) = 0;
  virtual void to_sink(size_t sink, Batch& batch, Rows rows) = 0;
  // Takes rows that a dedupe step does not let pass out of `kept`, and counts them.
  virtual void deduplicate(size_t step, Batch& batch, std::vector<uint32_t>& kept, StepCounters& counters) = 0;
  // Before a window: the row goes to `dead_letter` with reason expression.
  virtual void expression_failed(size_t step, Batch& batch, uint32_t row, const std::string& message) = 0;
};

// Single-threaded: one for each worker. `plan` and `output` outlive it.
class Stage {
 public:
  Stage(const Plan& plan, StageOutput& output);

  // Runs all rows of a batch of one of the plan's sources through the steps behind it.
  void run_source(const PlannedSource& source, Batch& batch);
  // Works out a window step's results and runs its rows through the steps behind it.
  void run_results(size_t window_step, Batch& batch);

  const std::vector<StepCounters>& counters() const { return counters_; }

 private:
  void deliver(const std::vector<size_t>& steps, const std::vector<size_t>& sinks, Batch& batch, Rows rows);
  void run_step(size_t step, Batch& batch, Rows rows);
  void filter(size_t step, const PlannedFilter& filter, Batch& batch, Rows rows);
  void map(size_t step, const PlannedMap& map, Batch& batch, Rows rows);
  void deduplicate(size_t step, Batch& batch, Rows rows);
  void pass(size_t step, Batch& batch, Rows rows);
  void prepare_window(size_t step, const PlannedWindow& window, Batch& batch, Rows rows);
  // Evaluates `fields` for `kept`, and takes rows that failed out of it.
  void evaluate(size_t step, const std::vector<PlannedField>& fields, Batch& batch, std::vector<uint32_t>& kept);
  void refuse(size_t step, Batch& batch, std::vector<expr::RowError>& errors, std::vector<uint32_t>& kept);

  const Plan& plan_;
  StageOutput& output_;
  std::vector<StepCounters> counters_;
  std::vector<std::vector<uint32_t>> kept_;  // by step: its rows still in the running
  std::vector<uint32_t> wanted_;  // of those, the rows that an argument is worked out for
  std::vector<expr::RowError> errors_;
};

}  // namespace tidemark
