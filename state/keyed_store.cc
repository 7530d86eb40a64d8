// In three parts: the views that readers share, the writer's core, the contract on top. Small generations go in as
// batches, large ones as sorted files. A failed write breaks the store for good; restoring is for others.
#include "state/keyed_store.h"

#include <fmt/core.h>
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/options.h>
#include <rocksdb/sst_file_writer.h>
#include <rocksdb/utilities/checkpoint.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <mutex>
#include <utility>

#include "base/bytes.h"
#include "base/check.h"
#include "state/rocks.h"

namespace tidemark {
namespace {

constexpr uint32_t kFormatVersion = 1;
constexpr size_t kBatchBytes = size_t{1} << 20;
// Files that lie on top of each other: compaction starts at the one and stops below the other.
constexpr uint64_t kTooManyFiles = 16;
constexpr uint64_t kEnoughFiles = 4;
constexpr uint64_t kFileBytes = uint64_t{256} << 20;  // what is larger becomes several files

template <class T>
std::string fixed_bytes(T value) {
  std::string bytes;
  ByteWriter(bytes).fixed(value);
  return bytes;
}

void sort_by_lane(std::vector<WriteSet>& sets) {
  std::ranges::sort(sets, {}, &WriteSet::lane);
  const auto same = std::ranges::adjacent_find(sets, {}, &WriteSet::lane);
  CHECK_OR_DIE(same == sets.end(), "each lane occurs once");
}

rocksdb::Slice slice_of(std::string_view bytes) { return {bytes.data(), bytes.size()}; }
std::string_view view_of(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

rocksdb::WriteOptions without_log() {
  rocksdb::WriteOptions options;
  options.disableWAL = true;
  return options;
}

// An iterator and the bound that it looks at.
struct BoundedIterator {
  std::string end;
  rocksdb::Slice end_slice;
  std::unique_ptr<rocksdb::Iterator> rocks;
};

// Lets go of iterators, but never while a checkpoint is made. The end of an iterator may look for obsolete files, and
// RocksDB (7.8 to 9.10) then forgets to wake a checkpoint that waits for that look to be over: it waits for ever.
class IteratorEnds {
 public:
  void end(std::unique_ptr<BoundedIterator> iterator) {
    const std::lock_guard lock(mutex_);
    if (held_) return kept_.push_back(std::move(iterator));
    iterator.reset();  // under the lock: hold() waits for it
  }
  void hold() {
    const std::lock_guard lock(mutex_);
    held_ = true;
  }
  void let_go() {
    const std::lock_guard lock(mutex_);
    held_ = false;
    kept_.clear();
  }

 private:
  std::mutex mutex_;  // guards the two below
  bool held_ = false;
  std::vector<std::unique_ptr<BoundedIterator>> kept_;
};

// The open database with what it must not outlive; views share it, so that files stay open until the last one goes.
struct Database {
  std::shared_ptr<const StoreMemory> memory;
  std::shared_ptr<std::atomic<bool>> broken = std::make_shared<std::atomic<bool>>(false);
  rocksdb::Options rocks;
  std::unique_ptr<rocksdb::DB> db;
  IteratorEnds iterator_ends;  // gone before db
};

using Generations = std::vector<uint64_t>;                         // by lane
using SortedRuns = std::vector<std::span<const WriteSet::Entry>>;  // each key of a run before all keys of the next

Result<std::optional<std::string>> get_value(rocksdb::DB& db, const rocksdb::ReadOptions& options,
                                             std::string_view key) {
  std::string value;
  const rocksdb::Status status = db.Get(options, slice_of(key), &value);
  if (status.ok()) return value;
  if (status.IsNotFound()) return std::nullopt;
  return std::unexpected(store_error("cannot read the state store", status));
}

}  // namespace

// --- Views -----------------------------------------------------------------------------------------------------------

struct Scan::Cursor {
  std::shared_ptr<Database> database;
  std::shared_ptr<const View> view;
  std::unique_ptr<BoundedIterator> bounded = std::make_unique<BoundedIterator>();
  rocksdb::Iterator* iterator = nullptr;

  Cursor() = default;
  Cursor(const Cursor&) = delete;
  Cursor& operator=(const Cursor&) = delete;
  ~Cursor() { database->iterator_ends.end(std::move(bounded)); }
};

Scan::Scan(std::unique_ptr<Cursor> cursor) : cursor_(std::move(cursor)) {}
Scan::Scan(Scan&&) noexcept = default;
Scan& Scan::operator=(Scan&&) noexcept = default;
Scan::~Scan() = default;
bool Scan::valid() const { return cursor_->iterator->Valid(); }
std::string_view Scan::key() const { return view_of(cursor_->iterator->key()); }
std::string_view Scan::value() const { return view_of(cursor_->iterator->value()); }
void Scan::next() { cursor_->iterator->Next(); }
Status Scan::status() const {
  const rocksdb::Status status = cursor_->iterator->status();
  if (!status.ok()) return std::unexpected(store_error("cannot read the state store", status));
  return {};
}

namespace {

class SnapshotView final : public View {
 public:
  SnapshotView(std::shared_ptr<Database> database, Generations generations)
      : database_(std::move(database)), snapshot_(database_->db->GetSnapshot()), generations_(std::move(generations)) {}
  ~SnapshotView() override { database_->db->ReleaseSnapshot(snapshot_); }

  uint64_t generation(uint16_t lane) const override { return lane < generations_.size() ? generations_[lane] : 0; }

  Scan scan(std::string_view begin, std::string_view end) const override {
    auto cursor = std::make_unique<Scan::Cursor>();
    cursor->database = database_;
    cursor->view = shared_from_this();
    BoundedIterator& bounded = *cursor->bounded;
    bounded.end = end;
    bounded.end_slice = slice_of(bounded.end);
    rocksdb::ReadOptions options = read_options();
    options.iterate_upper_bound = &bounded.end_slice;
    options.fill_cache = false;  // a slice fires once: it would only push out indexes
    bounded.rocks.reset(database_->db->NewIterator(options));
    cursor->iterator = bounded.rocks.get();
    cursor->iterator->Seek(slice_of(begin));
    return Scan(std::move(cursor));
  }

  Result<std::optional<std::string>> get(std::string_view key) const override {
    return get_value(*database_->db, read_options(), key);
  }

 private:
  rocksdb::ReadOptions read_options() const {
    rocksdb::ReadOptions options;
    options.snapshot = snapshot_;
    return options;
  }

  std::shared_ptr<Database> database_;
  const rocksdb::Snapshot* snapshot_;
  Generations generations_;
};

}  // namespace

// --- The writer ------------------------------------------------------------------------------------------------------

struct KeyedStore::Core {
  std::string dir;
  StoreOptions options;
  std::shared_ptr<Database> database = std::make_shared<Database>();

  // The writer's own:
  Generations generations;
  std::map<uint16_t, uint64_t> open_generations;                   // by lane, while their parts are being applied
  std::unique_ptr<rocksdb::SstFileWriter> open_file;               // where parts are written
  std::vector<std::string> written_files;                          // not yet taken into the store
  std::map<std::pair<std::string, uint64_t>, uint64_t> checksums;  // of immutable files, by name and size
  bool may_compact = false;
  bool compacting = false;

  mutable std::mutex steps_mutex;  // guards steps and next_step
  std::map<std::string, uint16_t, std::less<>> steps;
  uint16_t next_step = 0;

  mutable std::mutex view_mutex;  // guards newest_view
  std::shared_ptr<const View> newest_view;

  rocksdb::DB& db() const { return *database->db; }
  // A failed write leaves the store in a state that no one knows: it is broken.
  Status written(std::string_view what, const rocksdb::Status& status) const {
    if (status.ok()) return {};
    database->broken->store(true);
    return std::unexpected(store_error(what, status));
  }
  Status put(std::string_view key, std::string_view value) const {
    return written("cannot write to the state store", db().Put(without_log(), slice_of(key), slice_of(value)));
  }

  Status check_format();
  Status load_steps();
  void publish();
  Status apply_deletions(const std::vector<WriteSet::RangeDeletion>& deletions);
  Status apply_batches(std::span<const WriteSet::Entry> entries);
  Status write_files(const SortedRuns& runs);
  Status finish_file();
  Status ingest_files();
  Status write_run(rocksdb::SstFileWriter& file, std::span<const WriteSet::Entry> run);
  Status write_folded(rocksdb::SstFileWriter& file, std::span<const WriteSet::Entry> same_key);
  Status require_whole() const {
    if (database->broken->load()) return external_error("the state store is broken and has to be restored");
    return {};
  }
  void check_order(const WriteSet& set);
  Status apply_sets(std::span<WriteSet> sets, bool more_to_come);
  Status publish_generations();
  Status pace_compaction();
  uint64_t property(const std::string& name) const {
    uint64_t value = 0;
    return db().GetIntProperty(name, &value) ? value : 0;
  }
  // Files that may overlap.
  uint64_t files_on_top() const {
    std::string number;  // RocksDB has this one as text only
    CHECK_OR_DIE(db().GetProperty("rocksdb.num-files-at-level0", &number), "RocksDB knows the property");
    return std::stoull(number);
  }
  Result<std::vector<FileEntry>> digest_all(const std::string& checkpoint_dir, Files& files);
};

Status KeyedStore::Core::check_format() {
  const std::string key = meta_key(MetaKind::kFormat);
  const auto found = get_value(db(), {}, key);
  if (!found) return std::unexpected(found.error());
  if (!*found) return put(key, fixed_bytes(kFormatVersion));
  if (**found == fixed_bytes(kFormatVersion)) return {};
  return user_error(fmt::format(
      "the state in {} has format {}, and this program reads {}: it was written by another version of Tidemark. Ways out: "
      "start that version, or one that reads it; --reset-state drops all state of this pipeline",
      dir, ByteReader(**found).fixed<uint32_t>(), kFormatVersion));
}

Status KeyedStore::Core::load_steps() {
  const auto next = get_value(db(), {}, meta_key(MetaKind::kNextStep));
  if (!next) return std::unexpected(next.error());
  if (*next) next_step = ByteReader(**next).fixed<uint16_t>();
  const std::string prefix = meta_key(MetaKind::kStep);
  std::unique_ptr<rocksdb::Iterator> it(db().NewIterator({}));
  for (it->Seek(prefix); it->Valid() && it->key().starts_with(prefix); it->Next()) {
    ByteReader in(view_of(it->value()));
    const auto id = in.fixed<uint16_t>();
    if (!in.done() || id >= next_step)
      return external_error(fmt::format("the state store {} is damaged: step numbers", dir));
    steps.emplace(view_of(it->key()).substr(prefix.size()), id);
  }
  return written("cannot read the state store", it->status());
}

void KeyedStore::Core::publish() {
  std::shared_ptr<const View> view = std::make_shared<SnapshotView>(database, generations);
  const std::lock_guard lock(view_mutex);
  newest_view.swap(view);  // the old one goes, if no one reads it, with `view`
}

Status KeyedStore::Core::apply_deletions(const std::vector<WriteSet::RangeDeletion>& deletions) {
  if (deletions.empty()) return {};
  rocksdb::WriteBatch batch;
  std::vector<rocksdb::RangePtr> expired;
  std::vector<std::pair<rocksdb::Slice, rocksdb::Slice>> bounds;
  bounds.reserve(deletions.size());
  for (const WriteSet::RangeDeletion& deletion : deletions) {
    bounds.emplace_back(slice_of(deletion.range.begin), slice_of(deletion.range.end));
    batch.DeleteRange(bounds.back().first, bounds.back().second);
    if (deletion.expired) expired.emplace_back(&bounds.back().first, &bounds.back().second);
  }
  if (Status done = written("cannot delete from the state store", db().Write(without_log(), &batch)); !done)
    return done;
  if (expired.empty()) return {};
  // Safe only behind the range deletion: it hides what lies in files that reach beyond the range.
  return written(
      "cannot delete files of the state store",
      rocksdb::DeleteFilesInRanges(&db(), db().DefaultColumnFamily(), expired.data(), expired.size(), false));
}

Status KeyedStore::Core::apply_batches(std::span<const WriteSet::Entry> entries) {
  rocksdb::WriteBatch batch;
  const auto flush = [&] {
    Status done = written("cannot write to the state store", db().Write(without_log(), &batch));
    batch.Clear();
    return done;
  };
  for (const WriteSet::Entry& entry : entries) {
    switch (entry.kind) {
      case WriteSet::Kind::kMerge:
        batch.Merge(slice_of(entry.key), slice_of(entry.value));
        break;
      case WriteSet::Kind::kPut:
        batch.Put(slice_of(entry.key), slice_of(entry.value));
        break;
      case WriteSet::Kind::kErase:
        batch.Delete(slice_of(entry.key));
        break;
    }
    if (batch.GetDataSize() < kBatchBytes) continue;
    if (Status done = flush(); !done) return done;
  }
  return flush();
}

// A sorted file holds a key once, so entries of one key are folded into what they amount to.
Status KeyedStore::Core::write_folded(rocksdb::SstFileWriter& file, std::span<const WriteSet::Entry> same_key) {
  const std::string_view key = same_key[0].key;
  WriteSet::Kind kind = same_key[0].kind;
  if (same_key.size() == 1 && kind == WriteSet::Kind::kMerge) {
    return written("cannot write a state file", file.Merge(slice_of(key), slice_of(same_key[0].value)));
  }
  std::string value(same_key[0].value);
  for (const WriteSet::Entry& entry : same_key.subspan(1)) {
    if (entry.kind != WriteSet::Kind::kMerge || kind == WriteSet::Kind::kErase) {
      value = entry.value;
      kind = entry.kind == WriteSet::Kind::kErase ? entry.kind : WriteSet::Kind::kPut;
    } else if (!options.merge(key, value, entry.value)) {
      database->broken->store(true);
      return internal_error("a partial that was to be written to the state store cannot be merged");
    }
  }
  switch (kind) {
    case WriteSet::Kind::kMerge:
      return written("cannot write a state file", file.Merge(slice_of(key), slice_of(value)));
    case WriteSet::Kind::kPut:
      return written("cannot write a state file", file.Put(slice_of(key), slice_of(value)));
    case WriteSet::Kind::kErase:
      return written("cannot write a state file", file.Delete(slice_of(key)));
  }
  return {};
}

Status KeyedStore::Core::write_run(rocksdb::SstFileWriter& file, std::span<const WriteSet::Entry> run) {
  for (size_t first = 0; first < run.size();) {
    size_t last = first + 1;
    while (last < run.size() && run[last].key == run[first].key) ++last;
    if (Status done = write_folded(file, run.subspan(first, last - first)); !done) return done;
    first = last;
  }
  return {};
}

Status KeyedStore::Core::write_files(const SortedRuns& runs) {
  for (const auto& run : runs) {
    if (open_file && open_file->FileSize() >= kFileBytes) {
      if (Status finished = finish_file(); !finished) return finished;
    }
    if (!open_file) {
      written_files.push_back(fmt::format("{}/generation-{}.tmp", dir, written_files.size()));
      open_file = std::make_unique<rocksdb::SstFileWriter>(rocksdb::EnvOptions(), database->rocks,
                                                           db().DefaultColumnFamily());
      if (Status opened = written("cannot make a state file", open_file->Open(written_files.back())); !opened) return opened;
    }
    if (Status done = write_run(*open_file, run); !done) return done;
  }
  return {};
}

Status KeyedStore::Core::finish_file() {
  return written("cannot finish a state file", std::exchange(open_file, nullptr)->Finish());
}

Status KeyedStore::Core::ingest_files() {
  if (Status finished = finish_file(); !finished) return finished;
  rocksdb::IngestExternalFileOptions ingest;
  ingest.move_files = true;
  ingest.failed_move_fall_back_to_copy = true;
  ingest.write_global_seqno = false;  // files never change after they were written
  const std::vector<std::string> files = std::exchange(written_files, {});
  return written("cannot take a file into the state store", db().IngestExternalFile(files, ingest));
}

void KeyedStore::Core::check_order(const WriteSet& set) {
  CHECK_OR_DIE(set.lane() != kMetaLane, "the meta lane has no write sets");
  if (set.lane() >= generations.size()) generations.resize(set.lane() + size_t{1});
  CHECK_OR_DIE(set.generation() > generations[set.lane()], "a lane's generations rise");
  const auto [open, is_new] = open_generations.emplace(set.lane(), set.generation());
  CHECK_OR_DIE(is_new || open->second == set.generation(), "the parts of a lane's generation bear its number");
}

// The sets of different lanes, in the order of the lanes. Once a part has gone into a file, so does the rest.
Status KeyedStore::Core::apply_sets(std::span<WriteSet> sets, bool more_to_come) {
  if (Status whole = require_whole(); !whole) return whole;
  SortedRuns runs;
  std::vector<WriteSet::RangeDeletion> deletions;
  size_t bytes = 0;
  for (WriteSet& set : sets) {
    check_order(set);
    deletions.insert(deletions.end(), set.deletions().begin(), set.deletions().end());
    if (set.size() == 0) continue;
    runs.push_back(set.sorted());
    bytes += set.bytes();
  }
  if (Status done = apply_deletions(deletions); !done) return done;
  if (more_to_come) return write_files(runs);
  if (open_file || (bytes >= options.ingest_bytes && !runs.empty())) {
    if (Status done = write_files(runs); !done) return done;
    return ingest_files();
  }
  for (const auto& run : runs) {
    if (Status done = apply_batches(run); !done) return done;
  }
  return {};
}

// The generations whose last part has been applied: one view shows them all.
Status KeyedStore::Core::publish_generations() {
  for (const auto& [lane, generation] : open_generations) generations[lane] = generation;
  open_generations.clear();
  publish();
  return pace_compaction();
}

// Compaction runs only where files have piled up: left to itself, RocksDB also rewrites each file at the bottom as soon as
// no snapshot is older, only to clear its sequence numbers, while most slices expire before any rewriting could pay.
Status KeyedStore::Core::pace_compaction() {
  if (!may_compact) return {};
  const uint64_t piled = files_on_top();
  const bool wanted = piled >= (compacting ? kEnoughFiles : kTooManyFiles);
  if (wanted == std::exchange(compacting, wanted)) return {};
  return written("cannot start or stop compaction",
                 db().SetOptions({{"disable_auto_compactions", wanted ? "false" : "true"}}));
}

Result<std::vector<FileEntry>> KeyedStore::Core::digest_all(const std::string& checkpoint_dir, Files& files) {
  const auto listed = files.list(checkpoint_dir);
  if (!listed) return std::unexpected(listed.error());
  std::vector<FileEntry> entries;
  for (const DirEntry& file : *listed) {
    const auto known = checksums.find({file.name, file.size});
    if (known != checksums.end()) {
      entries.push_back({file.name, file.size, known->second});
      continue;
    }
    Result<FileEntry> digest = files.digest(checkpoint_dir + "/" + file.name);
    if (!digest) return std::unexpected(digest.error());
    if (file.name.ends_with(".sst")) checksums[{digest->name, digest->size}] = digest->checksum;
    entries.push_back(std::move(*digest));
  }
  std::erase_if(checksums, [&](const auto& known) {
    return std::none_of(entries.begin(), entries.end(),
                        [&](const FileEntry& e) { return e.name == known.first.first; });
  });
  return entries;
}

// --- The contract ----------------------------------------------------------------------------------------------------

KeyedStore::KeyedStore(std::shared_ptr<Core> core) : core_(std::move(core)) {}
KeyedStore::~KeyedStore() = default;

Result<std::unique_ptr<KeyedStore>> KeyedStore::open(const std::string& dir, StoreOptions options) {
  CHECK_OR_DIE(options.memory && options.merge, "a store needs its memory and its merge function");
  auto core = std::make_shared<Core>();
  core->dir = dir;
  core->options = std::move(options);
  core->database->memory = core->options.memory;
  core->database->rocks = make_rocks_options(core->options, core->database->broken);
  rocksdb::DB* db = nullptr;
  const rocksdb::Status opened = rocksdb::DB::Open(core->database->rocks, dir, &db);
  if (!opened.ok()) return std::unexpected(store_error(fmt::format("cannot open the state store {}", dir), opened));
  core->database->db.reset(db);
  if (Status checked = core->check_format(); !checked) return std::unexpected(checked.error());
  if (Status loaded = core->load_steps(); !loaded) return std::unexpected(loaded.error());
  core->publish();
  return std::unique_ptr<KeyedStore>(new KeyedStore(std::move(core)));
}

Status KeyedStore::start_compaction() {
  core_->may_compact = true;
  return core_->pace_compaction();
}

Status KeyedStore::apply(WriteSet set) {
  std::vector<WriteSet> sets;
  sets.push_back(std::move(set));
  return apply_all(std::move(sets));
}

Status KeyedStore::apply_all(std::vector<WriteSet> sets) {
  sort_by_lane(sets);
  if (Status done = core_->apply_sets(sets, false); !done) return done;
  return core_->publish_generations();
}

Status KeyedStore::apply_part(std::vector<WriteSet> sets) {
  sort_by_lane(sets);
  return core_->apply_sets(sets, true);
}

std::shared_ptr<const View> KeyedStore::view() const {
  const std::lock_guard lock(core_->view_mutex);
  return core_->newest_view;
}

Result<uint16_t> KeyedStore::step_id(std::string_view name) {
  Core& core = *core_;
  {
    const std::lock_guard lock(core.steps_mutex);
    if (const auto known = core.steps.find(name); known != core.steps.end()) return known->second;
    if (core.next_step > kMaxStep)
      return user_error("this state has seen too many step names; begin anew with --reset-state");
  }
  const uint16_t id = core.next_step;
  rocksdb::WriteBatch batch;
  batch.Put(meta_key(MetaKind::kNextStep), fixed_bytes(static_cast<uint16_t>(id + 1)));
  batch.Put(meta_key(MetaKind::kStep, name), fixed_bytes(id));
  Status done = core.written("cannot write to the state store", core.db().Write(without_log(), &batch));
  if (!done) return std::unexpected(done.error());
  const std::lock_guard lock(core.steps_mutex);
  core.next_step = static_cast<uint16_t>(id + 1);
  core.steps.emplace(name, id);
  return id;
}

std::map<std::string, uint16_t, std::less<>> KeyedStore::steps() const {
  const std::lock_guard lock(core_->steps_mutex);
  return core_->steps;
}

Status KeyedStore::drop_step(std::string_view name, std::span<const uint16_t> lanes) {
  Core& core = *core_;
  uint16_t id = 0;
  {
    const std::lock_guard lock(core.steps_mutex);
    const auto known = core.steps.find(name);
    if (known == core.steps.end()) return {};
    id = known->second;
  }
  rocksdb::WriteBatch batch;
  for (const uint16_t lane : lanes) {
    const KeyRange range = step_range(lane, id);
    batch.DeleteRange(range.begin, range.end);
  }
  batch.Delete(meta_key(MetaKind::kStep, name));
  Status done = core.written("cannot delete from the state store", core.db().Write(without_log(), &batch));
  if (!done) return done;
  core.publish();
  const std::lock_guard lock(core.steps_mutex);
  core.steps.erase(core.steps.find(name));
  return {};
}

Result<std::vector<FileEntry>> KeyedStore::checkpoint(const std::string& dir, Files& files) {
  Core& core = *core_;
  if (Status whole = core.require_whole(); !whole) return std::unexpected(whole.error());
  CHECK_OR_DIE(core.open_generations.empty(), "a checkpoint holds whole generations only");
  rocksdb::FlushOptions flush;
  flush.allow_write_stall = true;
  if (Status flushed = core.written("cannot flush the state store", core.db().Flush(flush)); !flushed) {
    return std::unexpected(flushed.error());
  }
  rocksdb::Checkpoint* made = nullptr;
  rocksdb::Status status = rocksdb::Checkpoint::Create(&core.db(), &made);
  const std::unique_ptr<rocksdb::Checkpoint> owner(made);
  core.database->iterator_ends.hold();
  if (status.ok()) status = made->CreateCheckpoint(dir, 0);  // 0: without a log, everything has to be in files
  core.database->iterator_ends.let_go();
  if (!status.ok()) return std::unexpected(store_error(fmt::format("cannot make the checkpoint {}", dir), status));
  Result<std::vector<FileEntry>> entries = core.digest_all(dir, files);
  if (entries) {
    if (Status synced = files.sync_dir(parent_of(dir)); !synced) entries = std::unexpected(synced.error());
  }
  if (!entries) (void)files.remove_tree(dir);
  return entries;
}

StoreStats KeyedStore::stats() const {
  return {core_->property("rocksdb.total-sst-files-size"), core_->property("rocksdb.cur-size-all-mem-tables"),
          core_->property("rocksdb.estimate-table-readers-mem"), core_->property("rocksdb.estimate-num-keys"),
          core_->property("rocksdb.estimate-pending-compaction-bytes")};
}

bool KeyedStore::broken() const { return core_->database->broken->load(); }

}  // namespace tidemark
