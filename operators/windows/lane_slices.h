// LaneSlices: what a lane holds of its open slices, in memory and as a note of what lies in the store, with every byte
// accounted for. Knows generations; knows neither watermarks nor results.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "operators/windows/changed_keys.h"
#include "operators/windows/hot_table.h"
#include "operators/windows/slices.h"
#include "operators/windows/state_block.h"
#include "state/state_key.h"

namespace tidemark {

struct WindowSources;

// One part of a slice as it was frozen; immutable, shared with the generation that is being written.
struct FrozenTable {
  FrozenTable(uint64_t number, HotTable frozen) : generation(number), table(std::move(frozen)), bytes(table.bytes()) {}
  uint64_t generation;
  HotTable table;
  size_t bytes;
};

// The partials of a slice that are visible from one window on. Rows that counted in all of the slice's windows share the
// part with `visible_from` = the slice's first window; rows that missed some of them lie in side parts, which are rare.
struct SlicePart {
  WindowNumber visible_from = 0;
  Time newest_kafka_time = Time::min();  // of the rows in this part, written ones included
  std::unique_ptr<HotTable> hot;         // what came since the last freeze; null = nothing
  std::vector<std::shared_ptr<const FrozenTable>> frozen;  // by generation
  // What the store's view holds of this part has to be read from there: `frozen` has only generations beyond it.
  // Otherwise `frozen` has all of them, and the store is not looked at.
  bool in_store_only = false;
  ChangedKeys changed;       // since the windows over it spoke; noted only where they speak of changes
  int32_t batch_group = -1;  // scratch of RowGroups

  size_t frozen_bytes() const {
    size_t sum = 0;
    for (const auto& table : frozen) sum += table->bytes;
    return sum;
  }
  bool ever_frozen() const { return in_store_only || !frozen.empty(); }
  // All of it that is in memory.
  std::vector<const HotTable*> tables() const;
  // All of it: what is in the store lies behind `stored`.
  void add_to(WindowSources& sources, const StateKeyHeader& stored) const;
};

struct OpenSlice {
  Slice slice;
  std::map<WindowNumber, SlicePart> parts;  // by visible_from; nodes stay where they are
};

// What one freeze takes out of a slice.
struct FrozenRun {
  Time slice_end;
  Time visible_from;  // as state keys have it
  std::shared_ptr<const FrozenTable> table;
};

// What becomes of written copies of one part when they are many: each makes firing slower, and looking up a key much slower.
enum class OldCopies : uint8_t {
  kDrop,  // the store has them
  kFold,  // into one: keys are looked up all the time
};

// Single-threaded.
class LaneSlices {
 public:
  LaneSlices(const StateBlock& block, OldCopies old_copies) : block_(block), old_copies_(old_copies) {}

  // Open slices by start, which is also the order of their ends.
  std::map<Time, OpenSlice>& open() { return open_; }
  const std::map<Time, OpenSlice>& open() const { return open_; }

  // The part of `slice` visible from `window`, made when it is new.
  SlicePart& part(const Slice& slice, WindowNumber visible_from);
  // Lets change(table) at the hot table of a part, which is made when it is new.
  template <class Change>
  void change(SlicePart& part, Change change) {
    HotTable& table = hot(part);
    const size_t bytes_before = table.bytes();
    const size_t keys_before = table.size();
    change(table);
    hot_bytes_ += table.bytes() - bytes_before;
    keys_ += table.size() - keys_before;
  }

  // Keys of `part` have changed; or some that nobody knows.
  void note_changed(SlicePart& part, const KeyedRows& keyed, Rows rows);
  void note_all_changed(SlicePart& part) { part.changed.add_all(); }
  // What has changed since the last call.
  ChangedKeys take_changed(SlicePart& part);

  // Takes every hot table as generation `number`: pointers change hands, no entry is touched. `end_of` says where a
  // window ends.
  std::vector<FrozenRun> freeze(uint64_t number, const std::function<Time(WindowNumber)>& end_of);
  // Generations up to `number` are in the store.
  void on_written(uint64_t number);
  // Forgets slices whose last window is `window` or before. Answers the end of the last of them that ever was frozen.
  std::optional<Time> expire_through(WindowNumber window);
  // Folds written generations where they are folded, which may be enough. Otherwise drops them, those that fire last first, and
  // then what is known of changed keys, until bytes() <= target.
  void shed(size_t target);

  size_t hot_bytes() const { return hot_bytes_; }
  size_t dirty_bytes() const { return hot_bytes_ + unwritten_bytes_; }
  size_t bytes() const { return dirty_bytes() + cached_bytes_ + changed_bytes_ + parts_ * kPartBytes; }
  uint64_t keys() const { return keys_; }

 private:
  // Where folding leaves no more than so many times what was wanted, nothing is read from the store.
  static constexpr size_t kEnoughFolded = 3;  // halves
  static constexpr size_t kMostFolded = 4;    // folding more than so many times that is in vain
  // Written copies of one part beyond this number are too many.
  static constexpr size_t kMaxCachedGenerations = 8;
  // A part, its map node and its share of the slice.
  static constexpr size_t kPartBytes = sizeof(SlicePart) + sizeof(OpenSlice) + 96;

  struct Unwritten {
    uint64_t generation;
    size_t bytes;
  };
  HotTable& hot(SlicePart& part);
  void drop_written(SlicePart& part);
  void fold_written(SlicePart& part);
  void settle(SlicePart& part, uint64_t newly_written_from);

  const StateBlock& block_;
  const OldCopies old_copies_;
  std::map<Time, OpenSlice> open_;
  std::deque<Unwritten> unwritten_;
  uint64_t written_ = 0;         // generations up to here are in the store
  size_t parts_ = 0;
  size_t hot_bytes_ = 0;
  size_t unwritten_bytes_ = 0;   // frozen, not written; held by the writer even when the slice has expired
  size_t cached_bytes_ = 0;      // written, and still in memory
  size_t changed_bytes_ = 0;
  uint64_t keys_ = 0;
};

}  // namespace tidemark
