// StateBlock: the states of all aggregates of a window step as one block of bytes, as it lies behind a key; those of session
// windows have a head before them (operators/windows/session_head.h). Knows where each state lies in it, not what it means.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "operators/windows/session_head.h"
#include "operators/windows/window_plan.h"

namespace tidemark {

// What a block begins with.
enum class StateHead : uint8_t { kNone, kSpan, kSession };

// The bytes of a block before the first aggregate's state.
size_t state_head_size(const WindowPlan& plan);
// The span of an encoded block of a session step; nothing where there cannot be one.
std::optional<SessionSpan> decode_span(std::string_view block);

// Immutable and thread-safe; the plan outlives it.
class StateBlock {
 public:
  explicit StateBlock(const WindowPlan& plan);

  // A block that has seen nothing; copied into every new entry.
  std::span<const std::byte> blank() const { return blank_; }
  void merge(std::byte* into, const std::byte* from, Arena& heap) const;
  // Whether merges into a block can mostly be taken back; and one that is. See Aggregate::retract.
  bool retracts() const;
  [[nodiscard]] bool retract(std::byte* into, const std::byte* from) const;
  // The durable form: the head if there is one, then that of each aggregate in plan order.
  void encode(const std::byte* states, std::string& out) const;
  // Fills uninitialised memory. False for bytes that are not exactly one block.
  bool decode(std::string_view bytes, std::byte* states, Arena& heap) const;

 private:
  const WindowPlan& plan_;
  const StateHead head_;
  std::vector<std::byte> blank_;
};

// One block of its own, for work on a single key.
class ScratchBlock {
 public:
  explicit ScratchBlock(const StateBlock& block) : block_(block), states_(block.blank().begin(), block.blank().end()) {}
  // Forgets everything, what the states pointed to included.
  void clear() {
    heap_.clear();
    std::copy(block_.blank().begin(), block_.blank().end(), states_.begin());
  }
  void merge(const std::byte* from) { block_.merge(states_.data(), from, heap_); }
  bool decode(std::string_view bytes) { return block_.decode(bytes, states_.data(), heap_); }
  const std::byte* states() const { return states_.data(); }

 private:
  const StateBlock& block_;
  std::vector<std::byte> states_;
  Arena heap_{4 * 1024};
};

}  // namespace tidemark
