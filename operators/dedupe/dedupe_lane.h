// DedupeLane: which keys of one dedupe step and lane have passed, and when. It says of each row whether it is the first
// with its key; who asks, and what becomes of the row, is not known here.
//
// A key is remembered with the time of its first record until W(p) has come `within` behind that, with W(p) of the
// record that asks: so what a partition repeats is told by its own log alone. In memory all of it is one table, probed
// once for each row. Beyond the memory budget the oldest keys are in the store only, and a key that is not in the table
// is looked for there, slice by slice (operators/dedupe/frozen_keys.h).
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "operators/batch.h"
#include "operators/dedupe/dedupe_plan.h"
#include "operators/dedupe/frozen_keys.h"
#include "operators/keyed_lane.h"
#include "operators/windows/hot_table.h"
#include "operators/windows/lane_metadata.h"

namespace tidemark {

// What becomes of a row.
enum class Verdict : uint8_t {
  kPasses,
  kRepeats,  // its key is remembered
  kLate,     // it is so old that its key would be forgotten by the watermark of its own partition
  kIdle,     // or by that of the lane
};

struct Judgement {
  Verdict verdict = Verdict::kPasses;
  Time watermark;  // that refused it; of kLate and kIdle
};

// What judge() works with; the caller keeps it for its memory.
struct DedupeScratch {
  std::vector<uint32_t> rows;     // that are not late
  std::vector<std::byte*> states;
  std::vector<uint32_t> unknown;  // rows whose keys are not in memory and may be in the store
  std::vector<std::optional<Time>> found;  // what the store has of them
};

// judge() may be called by any thread, everything else by the lane's own. The plan outlives the lane.
class DedupeLane final : public KeyedLane {
 public:
  DedupeLane(const DedupePlan& plan, uint16_t step, uint16_t lane);
  // Takes up where `metadata` was written; all keys are in the store, seen through `view`.
  void restore(const LaneMetadata& metadata, std::shared_ptr<const StoreView> view);
  // Reads the newest keys of the store back into memory, up to memory_bytes() = `target`, while others may ask.
  Status warm(size_t target);

  // Sets judged[row] for each of `rows`, which belong to this lane, in their order: that of one partition. Fails when the
  // store cannot be read.
  Status judge(const Batch& batch, const KeyedRows& keyed, Rows rows, DedupeScratch& scratch,
               std::span<Judgement> judged);

  // The watermark of the lane: W(p) of no live partition lies before it. Keys that it has come `within` behind are
  // forgotten. At Time::max() everything has been read, and nothing is.
  void advance(Time watermark);
  Time watermark() const override;

  std::unique_ptr<FrozenGeneration> freeze() override;
  void on_written(uint64_t number, std::shared_ptr<const StoreView> view) override;
  size_t hot_bytes() const override;
  size_t dirty_bytes() const override;
  size_t memory_bytes() const override;
  void shed(size_t target) override;
  uint64_t keys() const override;

 private:
  // What the table holds of a key.
  struct Seen {
    Time first;
    uint64_t generation;  // that it is in, or will be; kInStore: it was read from there
  };
  static constexpr uint64_t kInStore = 0;
  static constexpr uint64_t kNever = UINT64_MAX;
  static constexpr Seen kBlank{Time::min(), kNever};
  // Keys of one generation that is not in the store yet.
  struct Unwritten {
    uint64_t generation;
    size_t keys;
    size_t bytes;
  };
  // A table that was replaced while generations on their way to the store pointed into it.
  struct Retired {
    uint64_t generation;
    size_t bytes;
  };

  static std::shared_ptr<HotTable> make_table();
  static Seen& seen(std::byte* states) { return *reinterpret_cast<Seen*>(states); }
  static const Seen& seen(const HotTable::Entry& entry) { return *reinterpret_cast<const Seen*>(entry.states()); }
  bool remembers(Time first, Time watermark) const { return first + plan_.within > watermark; }

  void put_late_aside(const Batch& batch, Rows rows, std::vector<uint32_t>& others, std::span<Judgement> judged) const;
  std::vector<Time> slices_to_search(Time watermark) const;
  Status fetch_unknown(const Batch& batch, const KeyedRows& keyed, DedupeScratch& scratch,
                       std::unique_lock<std::mutex>& lock);
  Result<std::optional<Time>> look_up(const StoreView& view, std::string_view key, std::span<const Time> slices) const;
  void decide(const Batch& batch, const KeyedRows& keyed, DedupeScratch& scratch, std::span<Judgement> judged);
  Result<bool> warm_slice(Time slice_end, size_t target);
  std::set<Time>::const_iterator behind_store_only() const;
  std::optional<Time> newest_in_store_only() const;
  void note_in_memory(Time slice_end);
  void put_back(std::string_view key, uint64_t hash, Time first);
  Time shed_before(size_t target) const;
  void rebuild(Time drop_before);
  size_t unwritten_keys() const;
  size_t bytes() const;

  const DedupePlan& plan_;
  const DedupeSlices slices_;
  const uint16_t step_;  // in state keys
  const uint16_t lane_;

  mutable std::mutex mutex_;  // guards all below; not held while the store is read
  std::shared_ptr<HotTable> table_;
  size_t rebuild_at_;               // keys in the table, dead ones included
  std::vector<PassedKey> passed_;   // since the last freeze
  size_t passed_bytes_ = 0;
  std::deque<Unwritten> unwritten_;
  std::deque<Retired> retired_;
  std::set<Time> stored_;           // the ends of slices of which something was ever frozen
  std::optional<Time> in_store_only_before_;  // keys that passed before this may be in the store only
  size_t readers_ = 0;              // threads that read the store: nothing leaves memory meanwhile
  std::shared_ptr<const StoreView> view_;
  Time watermark_ = Time::min();
  uint64_t generation_ = 0;         // the last one frozen
  uint64_t written_ = 0;            // the last one in the store
  ExpiredSlices expired_;
};

// `step` is what the store's dictionary calls the step. `view` is the restored store's; null for a fresh start.
Result<std::unique_ptr<DedupeLane>> make_dedupe_lane(const DedupePlan& plan, uint16_t step, uint16_t lane,
                                                     std::shared_ptr<const StoreView> view);

}  // namespace tidemark
