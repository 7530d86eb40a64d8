#include "operators/windows/frozen_lane.h"

#include "operators/windows/lane_metadata.h"
#include "operators/windows/sorted_entries.h"

namespace tidemark {
namespace {

// What is gathered before it goes to the store: large enough to become a sorted file of its own there.
constexpr size_t kPartBytes = size_t{8} << 20;

}  // namespace

FrozenLane::FrozenLane(std::shared_ptr<const StateBlock> block, Contents contents)
    : block_(std::move(block)), contents_(std::move(contents)) {
  for (const FrozenRun& run : contents_.runs) bytes_ += run.table->bytes;
}

Status FrozenLane::write_run(KeyedStore& store, const FrozenRun& run, WriteSet& set) const {
  const StateKeyHeader header{contents_.lane, contents_.step, run.slice_end, run.visible_from};
  std::string operand;
  for (const HotTable::Entry* entry : sorted_entries(run.table->table)) {
    operand.clear();
    block_->encode(entry->states(), operand);
    set.merge(header, entry->key(), operand);
    if (set.bytes() < kPartBytes) continue;
    WriteSet full = std::exchange(set, WriteSet(set.lane(), set.generation()));
    if (Status applied = store.apply_part(std::move(full)); !applied) return applied;
  }
  return {};
}

Status FrozenLane::write_to(KeyedStore& store) const {
  // The store numbers the generations of a lane over all of its steps; ours count for this step alone.
  WriteSet set(contents_.lane, store.view()->generation(contents_.lane) + 1);
  for (const FrozenRun& run : contents_.runs) {
    if (Status written = write_run(store, run, set); !written) return written;
  }
  if (contents_.expired_through) {
    const Time first{saturating_add(contents_.expired_after.us, 1)};
    set.expire(slice_range(contents_.lane, contents_.step, first, *contents_.expired_through));
  }
  set.put(lane_metadata_key(contents_.lane, contents_.step), contents_.metadata);
  return store.apply(std::move(set));
}

}  // namespace tidemark
