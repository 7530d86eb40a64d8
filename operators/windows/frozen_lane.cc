// Expiry is written first, then the metadata, whose key precedes all entries of its step, then the runs in key order.
// States are encoded one at a time; what they are merged with lies in the store.
#include "operators/windows/frozen_lane.h"

#include <algorithm>

#include "operators/windows/lane_metadata.h"
#include "operators/windows/sorted_entries.h"

namespace tidemark {
namespace {

constexpr size_t kAhead = 8;
constexpr size_t kCacheLine = 64;
constexpr size_t kMostLines = 4;  // the rest comes by itself

void prefetch(const HotTable::Entry& entry, size_t bytes) {
  for (size_t at = 0; at < std::min(bytes, kMostLines * kCacheLine); at += kCacheLine) {
    __builtin_prefetch(reinterpret_cast<const char*>(&entry) + at);
  }
}

}  // namespace

FrozenLane::FrozenLane(std::shared_ptr<const StateBlock> block, Contents contents)
    : block_(std::move(block)), contents_(std::move(contents)) {}

Status FrozenLane::write_run(const FrozenRun& run, GenerationWriter& out) const {
  const StateKeyHeader header{contents_.lane, contents_.step, run.slice_end, run.visible_from};
  std::string operand;
  const std::vector<const HotTable::Entry*> entries = sorted_entries(run.table->table);
  const size_t entry_bytes = sizeof(HotTable::Entry) + block_->blank().size();
  for (size_t i = 0; i < entries.size(); ++i) {
    // In key order, entries lie anywhere in memory.
    if (i + kAhead < entries.size()) prefetch(*entries[i + kAhead], entry_bytes);
    operand.clear();
    block_->encode(entries[i]->states(), operand);
    if (Status written = out.merge(header, entries[i]->key(), operand); !written) return written;
  }
  return {};
}

Status FrozenLane::write_to(GenerationWriter& out) const {
  begin_generation(contents_.lane, contents_.step, contents_.expired, contents_.metadata, out);
  for (const FrozenRun& run : contents_.runs) {
    if (Status written = write_run(run, out); !written) return written;
  }
  return {};
}

std::unique_ptr<FrozenGeneration> LaneGenerations::freeze(std::vector<FrozenRun> runs, std::string metadata) {
  FrozenLane::Contents contents{number_, lane_, step_, std::move(runs), expired_.take(), std::move(metadata)};
  return std::make_unique<FrozenLane>(block_, std::move(contents));
}

}  // namespace tidemark
