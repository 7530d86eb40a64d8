// KeyedLane: the keyed state of one step in one lane, as the memory budget and the store see it. Generations go to the store
// and are read back when they are no longer in memory. What rows do to the state is not known here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/error.h"
#include "base/time.h"
#include "state/generation_writer.h"
#include "state/keyed_store.h"

namespace tidemark {

// What a lane sees of its store: a frozen sight of what has been written.
using StoreView = View;

// Which slices of a step and lane are gone from the store, generation by generation. Single-threaded.
class ExpiredSlices {
 public:
  // Ending in (after, through]; nothing when none of them ever was frozen.
  struct Range {
    Time after = Time::min();
    std::optional<Time> through;
  };
  // Slices ending by then are gone, and some of them were frozen.
  void expire(Time through) { next_.through = through; }
  // What the next generation deletes.
  Range take() {
    const Range taken = next_;
    next_ = {taken.through.value_or(taken.after), std::nullopt};
    return taken;
  }

 private:
  Range next_;
};

// Everything that changed in a lane between two barriers (or two spills), frozen: immutable from then on. Written to
// the store on another thread, in the order of `number`.
class FrozenGeneration {
 public:
  virtual ~FrozenGeneration() = default;
  virtual uint64_t number() const = 0;
  virtual uint16_t lane() const = 0;
  virtual uint16_t step() const = 0;
  // Writes merges, expiries and the lane's own metadata. Thread: the unit's state writer.
  virtual Status write_to(GenerationWriter& out) const = 0;
};

// Single-threaded: all calls on the lane's thread.
class KeyedLane {
 public:
  virtual ~KeyedLane() = default;

  // How far the lane has come; never goes back.
  virtual Time watermark() const = 0;

  // Freezes what changed since the last freeze, metadata included; the lane goes on with an empty generation.
  virtual std::unique_ptr<FrozenGeneration> freeze() = 0;
  // Generation `number` and all before it are in the store as seen through `view`, and none after it: it is the view
  // from between their writes. Their copies in memory are from now on only a cache.
  virtual void on_written(uint64_t number, std::shared_ptr<const StoreView> view) = 0;

  // Bytes of memory: not yet frozen (hot), not yet written (dirty: hot ones and frozen ones), and all.
  virtual size_t hot_bytes() const = 0;
  virtual size_t dirty_bytes() const = 0;
  virtual size_t memory_bytes() const = 0;
  // Drops cached copies of written generations until memory_bytes() <= `target`, as far as that goes.
  virtual void shed(size_t target) = 0;
  // Entries held in memory: (slice, key), or key where a step keeps one of each.
  virtual uint64_t keys() const = 0;
};

}  // namespace tidemark
