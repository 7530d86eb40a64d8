// KeyedStore: the durable and cold tier of one recovery unit's keyed state, on RocksDB with the write-ahead log off.
// One writer applies whole frozen generations; any thread reads through views meanwhile. It knows keys and bytes, not
// what an accumulator is: that is the merge function's part. The live store is disposable; truth is the checkpoint.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "state/files.h"
#include "state/state_key.h"
#include "state/write_set.h"

namespace tidemark {

// Folds `operand` into `accumulator` (both encoded partials); false = one of them is corrupt. Must be associative, must
// not throw, and is called from RocksDB's own threads as well: it has to be thread-safe and keep no state.
using MergeFunction =
    std::function<bool(std::string_view state_key, std::string& accumulator, std::string_view operand)>;

// The memory that all stores of a process share: one block cache (blocks, indexes, filters) and one bound on memtables.
// Thread-safe.
class StoreMemory {
 public:
  // Memtables are flushed early when they exceed `memtable_bytes` in sum. They are charged to the cache as well, so
  // that blocks, indexes, filters and memtables together stay within `cache_bytes + memtable_bytes`.
  StoreMemory(size_t cache_bytes, size_t memtable_bytes);
  ~StoreMemory();
  StoreMemory(const StoreMemory&) = delete;
  StoreMemory& operator=(const StoreMemory&) = delete;
  size_t memtable_bytes() const { return memtable_bytes_; }
  size_t cache_used() const;
  size_t memtables_used() const;

  struct Parts;
  const Parts& parts() const { return *parts_; }

 private:
  size_t memtable_bytes_;
  std::unique_ptr<Parts> parts_;
};

struct StoreOptions {
  std::shared_ptr<const StoreMemory> memory;  // required
  MergeFunction merge;                        // required
  size_t memtable_bytes = size_t{16} << 20;   // of this store alone; at most two of them exist at a time
  // A write set at least this large becomes a sorted file of its own, which is ingested; smaller ones go through the
  // memtable. See docs/state-format.md for the measurement.
  size_t ingest_bytes = size_t{2} << 20;
  // Keys are looked up one by one, most of them in vain: filters, 10 bits for each key, save what they would read.
  bool point_reads = false;
};

struct StoreStats {
  uint64_t disk_bytes = 0;
  uint64_t memtable_bytes = 0;
  uint64_t table_reader_bytes = 0;  // outside the block cache
  uint64_t approximate_keys = 0;
  uint64_t pending_compaction_bytes = 0;  // an estimate of what is still to be rewritten
};

// A walk over one range of a view, in key order. Single-threaded; it keeps its view alive.
class Scan {
 public:
  struct Cursor;
  explicit Scan(std::unique_ptr<Cursor> cursor);
  Scan(Scan&&) noexcept;
  Scan& operator=(Scan&&) noexcept;
  ~Scan();
  // False at the end and after an error: look at status() then.
  bool valid() const;
  // The views stay good until next().
  std::string_view key() const;
  std::string_view value() const;
  void next();
  Status status() const;

 private:
  std::unique_ptr<Cursor> cursor_;
};

// A frozen sight of the store between two applied write sets: never half of one. Thread-safe, immutable; it may outlive
// its KeyedStore (the files stay open until the last view goes). Hold it briefly: it keeps old files and versions.
class View : public std::enable_shared_from_this<View> {
 public:
  virtual ~View() = default;
  // The newest generation of `lane` that this view holds; 0 = none since the store was opened.
  virtual uint64_t generation(uint16_t lane) const = 0;
  // Entries in [begin, end).
  virtual Scan scan(std::string_view begin, std::string_view end) const = 0;
  virtual Result<std::optional<std::string>> get(std::string_view key) const = 0;
};

// apply, checkpoint, step ids and lane metadata: one thread at a time (the unit's writer; before it starts, its maker).
// view, stats and broken: any thread.
class KeyedStore {
 public:
  // Opens or makes the store in `dir`, whose parent must exist. Nothing is compacted, and so nothing merged in the
  // background, before start_compaction(): what the merge function needs may be read from the open store first.
  static Result<std::unique_ptr<KeyedStore>> open(const std::string& dir, StoreOptions options);
  Status start_compaction();
  ~KeyedStore();
  KeyedStore(const KeyedStore&) = delete;
  KeyedStore& operator=(const KeyedStore&) = delete;

  // Applies the rest of a generation and then publishes a new view. After a failure the store is broken: part of the
  // set may be applied.
  Status apply(WriteSet set);
  // Applies the generations of several lanes, in one file if they are large, and then publishes one view with all of
  // them: cheaper than one by one. Each lane may occur once.
  Status apply_all(std::vector<WriteSet> sets);
  // Applies a part of what is too large to gather at once: no view shows it before apply() or apply_all() has brought
  // the last part. All keys of a part lie before all keys of those that follow; a lane's sets bear the same number.
  Status apply_part(std::vector<WriteSet> sets);
  // The newest published view: everything applied so far, each set whole.
  std::shared_ptr<const View> view() const;

  // The number that stands for a step name in this store's keys; a new name gets a number that was never used before.
  Result<uint16_t> step_id(std::string_view name);
  std::map<std::string, uint16_t, std::less<>> steps() const;
  // Deletes the state of a removed step in `lanes`, all that the store has, and forgets its name.
  Status drop_step(std::string_view name, std::span<const uint16_t> lanes);

  // Flushes and makes `dir` (which must not exist; its parent must) a copy of the store as of the last apply, by hard
  // links, durable when this returns. Answers every file in it by name, size and checksum (digest of Files); checksums
  // of immutable files are computed once in the life of this object. Fails without harm to the store unless broken()
  // says so.
  Result<std::vector<FileEntry>> checkpoint(const std::string& dir, Files& files);

  StoreStats stats() const;
  // True after a hard error: a failed flush, no space, damage, half an apply. The store must be discarded and restored
  // from the committed checkpoint; all its errors are external and retriable.
  bool broken() const;

 private:
  struct Core;
  explicit KeyedStore(std::shared_ptr<Core> core);
  std::shared_ptr<Core> core_;
};

}  // namespace tidemark
