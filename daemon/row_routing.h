// RowRouting: takes what leaves a worker's stage: sorts rows by lane, hands them to the sinks, asks dedupe lanes which may
// pass, or writes late records and dead letters.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "daemon/events.h"
#include "base/hot_keys.h"
#include "daemon/worker_core.h"
#include "operators/transforms/stage.h"

namespace tidemark {

// Single-threaded.
class RowRouting final : public StageOutput {
 public:
  explicit RowRouting(WorkerCore& core);

  // Before a source batch goes through the stage. `partition` is the attempt's number.
  void begin(uint32_t partition);
  // Before results that another window takes go through it, of this lane.
  void begin_results(uint16_t lane);
  // After it: its rows by lane, for each window ordinal.
  std::shared_ptr<const std::vector<LaneRows>> take_rows() { return std::move(rows_); }
  // Samples of keys that broke the promise of `partitioned_by`, by window ordinal.
  const std::vector<uint64_t>& partitioning_violations() const { return partitioning_violations_; }

  // Samples of what reached each window since the last call, by ordinal.
  std::vector<HotKeys> take_hot_keys();

  void to_window(size_t step, Batch& batch, Rows rows) override;
  void to_sink(size_t sink, Batch& batch, Rows rows) override { core_.sinks.write_rows(sink, batch, rows); }
  void deduplicate(size_t step, Batch& batch, std::vector<uint32_t>& kept, StepCounters& counters) override;
  void expression_failed(size_t step, Batch& batch, uint32_t row, const std::string& message) override;

 private:
  void refuse_old(size_t step, const Batch& batch, uint32_t row, const Judgement& judged);
  bool judge(const std::vector<DedupeLane*>& lanes, const Batch& batch, Rows rows);
  void route(bool by_key, const std::vector<uint64_t>& hashes, Rows rows, LaneRows& out);
  void watch_promise(size_t ordinal, const std::vector<uint64_t>& hashes, Rows rows);
  void sample_hot_keys(size_t ordinal, const KeyedRows& keyed, Rows rows);
  void sort_by_lane(const std::vector<uint64_t>& hashes, Rows rows, uint32_t lanes, LaneRows& out);

  WorkerCore& core_;
  uint32_t own_lane_ = 0;  // of rows that need no exchange
  std::shared_ptr<std::vector<LaneRows>> rows_;
  std::vector<uint32_t> next_;  // scratch
  // Scratch of deduplicate().
  KeyedRows keyed_;
  LaneRows asked_;
  DedupeScratch dedupe_;
  std::vector<Judgement> judged_;  // by row
  std::vector<uint64_t> partitioning_violations_;
  std::vector<HotKeys> hot_keys_;
  std::vector<size_t> next_samples_;  // the row of the next batch that is sampled, by ordinal
};

}  // namespace tidemark
