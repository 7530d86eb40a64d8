// FrozenLane: one frozen generation of a window lane on its way to the store. Knows how entries become state keys and
// operands; the lane goes on without it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "operators/windows/lane_slices.h"
#include "operators/windows/window_lane.h"

namespace tidemark {

// Immutable. It shares its tables with the lane and may outlive it; the plan outlives both.
class FrozenLane final : public FrozenGeneration {
 public:
  struct Contents {
    uint64_t number = 0;
    uint16_t lane = 0;
    uint16_t step = 0;
    std::vector<FrozenRun> runs;  // in the order of state keys
    ExpiredSlices::Range expired;
    std::string metadata;
  };
  FrozenLane(std::shared_ptr<const StateBlock> block, Contents contents);

  uint64_t number() const override { return contents_.number; }
  uint16_t lane() const override { return contents_.lane; }
  uint16_t step() const override { return contents_.step; }
  Status write_to(GenerationWriter& out) const override;

 private:
  Status write_run(const FrozenRun& run, GenerationWriter& out) const;

  std::shared_ptr<const StateBlock> block_;
  Contents contents_;
};

// The generations of one lane, one after the other, and what each of them deletes. Single-threaded.
class LaneGenerations {
 public:
  LaneGenerations(std::shared_ptr<const StateBlock> block, uint16_t lane, uint16_t step)
      : block_(std::move(block)), lane_(lane), step_(step) {}

  // Slices ending by then are gone, and some of them were frozen; nothing: none.
  void expire(std::optional<Time> through) {
    if (through) expired_.expire(*through);
  }
  // The number of the next one.
  uint64_t begin() { return ++number_; }
  // The one that was begun, of these.
  std::unique_ptr<FrozenGeneration> freeze(std::vector<FrozenRun> runs, std::string metadata);

 private:
  const std::shared_ptr<const StateBlock> block_;
  const uint16_t lane_;
  const uint16_t step_;
  uint64_t number_ = 0;
  ExpiredSlices expired_;
};

}  // namespace tidemark
