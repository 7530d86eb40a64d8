// The table has the last word on every key that is in it: the store is asked only for keys that are not, and only where
// some may be there alone. Forgotten keys stay in the table until it is rebuilt, which happens when it has doubled.
#include "operators/dedupe/dedupe_lane.h"

#include <algorithm>
#include <utility>

#include "operators/key_codec.h"
#include "operators/windows/store_errors.h"

namespace tidemark {
namespace {

constexpr size_t kFirstRebuild = 4096;
// What a key takes beside its own bytes: in the table, in the table's slots, and in the list of those that passed.
constexpr size_t kKeyBytes = sizeof(HotTable::Entry) + 16 + 12 + sizeof(PassedKey);
constexpr size_t kSliceBytes = 48;
constexpr size_t kKeysBetweenLocks = 1024;

}  // namespace

DedupeLane::DedupeLane(const DedupePlan& plan, uint16_t step, uint16_t lane)
    : plan_(plan), slices_(plan.slice), step_(step), lane_(lane), table_(make_table()), rebuild_at_(kFirstRebuild) {}

std::shared_ptr<HotTable> DedupeLane::make_table() {
  static_assert(sizeof(Seen) == 16);
  return std::make_shared<HotTable>(std::as_bytes(std::span(&kBlank, 1)));
}

void DedupeLane::restore(const LaneMetadata& metadata, std::shared_ptr<const StoreView> view) {
  const std::lock_guard lock(mutex_);
  view_ = std::move(view);
  watermark_ = metadata.watermark;
  for (const LaneMetadata::Part& part : metadata.parts) stored_.insert(*part.slice_end);
  if (!stored_.empty()) in_store_only_before_ = *stored_.rbegin();
}

// --- Judging --------------------------------------------------------------------------------------------------------

void DedupeLane::put_late_aside(const Batch& batch, Rows rows, std::vector<uint32_t>& others,
                                std::span<Judgement> judged) const {
  others.clear();
  for (const uint32_t row : rows) {
    const Time last = batch.event_times[row] + plan_.within;
    if (last > std::max(batch.watermarks[row], watermark_)) {
      others.push_back(row);
    } else {
      const bool by_own = last <= batch.watermarks[row];
      judged[row] = {by_own ? Verdict::kLate : Verdict::kIdle, by_own ? batch.watermarks[row] : watermark_};
    }
  }
}

Status DedupeLane::judge(const Batch& batch, const KeyedRows& keyed, Rows rows, DedupeScratch& scratch,
                         std::span<Judgement> judged) {
  std::unique_lock lock(mutex_);
  put_late_aside(batch, rows, scratch.rows, judged);
  if (in_store_only_before_) {
    if (Status fetched = fetch_unknown(batch, keyed, scratch, lock); !fetched) return fetched;
  }
  decide(batch, keyed, scratch, judged);
  if (table_->size() >= rebuild_at_) {
    rebuild(Time::min());
    rebuild_at_ = std::max(kFirstRebuild, 2 * table_->size());
  }
  return {};
}

// Where only the store may have keys that rows at `watermark` or later still have to know. Partitions may lie far apart in
// time: those ahead need not look at what is kept for those behind.
std::vector<Time> DedupeLane::slices_to_search(Time watermark) const {
  const auto first = stored_.upper_bound(std::max(watermark, watermark_) - plan_.within);
  const auto behind = behind_store_only();
  if (first == stored_.end() || (behind != stored_.end() && *behind <= *first)) return {};
  return {first, behind};
}

// Brings what the store alone has of these rows' keys into the table. `lock` is free while it reads; as nothing leaves
// memory then, what was in the table before still is after.
Status DedupeLane::fetch_unknown(const Batch& batch, const KeyedRows& keyed, DedupeScratch& scratch,
                                 std::unique_lock<std::mutex>& lock) {
  if (scratch.rows.empty()) return {};
  const std::vector<Time> slices = slices_to_search(batch.watermarks[scratch.rows.front()]);
  if (slices.empty()) return {};
  scratch.unknown.clear();
  for (const uint32_t row : scratch.rows) {
    if (table_->find(keyed.keys[row], keyed.hashes[row]) == HotTable::kNone) scratch.unknown.push_back(row);
  }
  if (scratch.unknown.empty()) return {};
  const std::shared_ptr<const StoreView> view = view_;
  ++readers_;
  lock.unlock();
  Status read;
  scratch.found.assign(scratch.unknown.size(), std::nullopt);
  for (size_t i = 0; i < scratch.unknown.size() && read; ++i) {
    auto found = look_up(*view, keyed.keys[scratch.unknown[i]], slices);
    if (found) scratch.found[i] = *found;
    else read = std::unexpected(found.error());
  }
  lock.lock();
  --readers_;
  if (!read) return read;
  for (size_t i = 0; i < scratch.unknown.size(); ++i) {
    const uint32_t row = scratch.unknown[i];
    if (scratch.found[i]) put_back(keyed.keys[row], keyed.hashes[row], *scratch.found[i]);
  }
  return {};
}

// A key that passed again is in a later slice than before, or in the same one under its later time.
Result<std::optional<Time>> DedupeLane::look_up(const StoreView& view, std::string_view key,
                                                  std::span<const Time> slices) const {
  for (size_t i = slices.size(); i-- > 0;) {
    const auto stored = view.get(encode_state_key({lane_, step_, slices[i], kCommonPartial}, key));
    if (!stored) return std::unexpected(stored.error());
    if (!*stored) continue;
    const auto first = decode_first_seen(**stored);
    if (!first) return std::unexpected(foreign_value());
    return first;
  }
  return std::nullopt;
}

// Where the key came back meanwhile, what is known of it is newer.
void DedupeLane::put_back(std::string_view key, uint64_t hash, Time first) {
  Seen& known = seen(table_->find_or_insert(key, hash));
  if (known.generation == kNever) known = {first, kInStore};
}

void DedupeLane::decide(const Batch& batch, const KeyedRows& keyed, DedupeScratch& scratch,
                        std::span<Judgement> judged) {
  const Rows rows = scratch.rows;
  scratch.states.resize(rows.size());
  table_->find_or_insert(keyed.keys, keyed.hashes, rows, scratch.states.data());
  for (size_t i = 0; i < rows.size(); ++i) {
    const uint32_t row = rows[i];
    Seen& known = seen(scratch.states[i]);
    const Time watermark = std::max(batch.watermarks[row], watermark_);
    const bool repeats = known.generation != kNever && remembers(known.first, watermark);
    judged[row].verdict = repeats ? Verdict::kRepeats : Verdict::kPasses;
    if (repeats) continue;
    known = {batch.event_times[row], generation_ + 1};
    passed_.push_back({&HotTable::entry_of(scratch.states[i]), known.first});
    passed_bytes_ += kKeyBytes + keyed.keys[row].size();
  }
}

// --- Time -----------------------------------------------------------------------------------------------------------

void DedupeLane::advance(Time watermark) {
  const std::lock_guard lock(mutex_);
  if (watermark <= watermark_ || watermark == Time::max()) return;
  watermark_ = watermark;
  while (!stored_.empty() && !remembers(*stored_.begin(), watermark)) {
    expired_.expire(*stored_.begin());
    stored_.erase(stored_.begin());
  }
  if (!newest_in_store_only()) in_store_only_before_.reset();
}

Time DedupeLane::watermark() const {
  const std::lock_guard lock(mutex_);
  return watermark_;
}

// --- Generations ----------------------------------------------------------------------------------------------------

std::unique_ptr<FrozenGeneration> DedupeLane::freeze() {
  const std::lock_guard lock(mutex_);
  // Nothing is written into slices that are gone.
  const auto gone = [this](const PassedKey& passed) { return !remembers(slices_.end_of(passed.first), watermark_); };
  std::erase_if(passed_, gone);
  std::optional<Time> last;
  for (const PassedKey& passed : passed_) {
    const Time end = slices_.end_of(passed.first);
    if (last != end) stored_.insert(end);
    last = end;
  }
  LaneMetadata metadata;
  metadata.watermark = watermark_;
  for (const Time end : stored_) metadata.parts.push_back({slices_.start_of(end), end, 0, Time{0}, false});
  unwritten_.push_back({++generation_, passed_.size(), std::exchange(passed_bytes_, 0)});
  FrozenKeys::Contents contents{generation_, lane_, step_, table_, std::exchange(passed_, {}), expired_.take(),
                                encode_lane_metadata(metadata)};
  return std::make_unique<FrozenKeys>(slices_, std::move(contents));
}

void DedupeLane::on_written(uint64_t number, std::shared_ptr<const StoreView> view) {
  const std::lock_guard lock(mutex_);
  written_ = number;
  view_ = std::move(view);
  while (!unwritten_.empty() && unwritten_.front().generation <= number) unwritten_.pop_front();
  while (!retired_.empty() && retired_.front().generation <= number) retired_.pop_front();
}

// --- Memory ---------------------------------------------------------------------------------------------------------

// A new table without what is forgotten, and of what the store has without what passed before `drop_before`.
void DedupeLane::rebuild(Time drop_before) {
  if (!unwritten_.empty()) retired_.push_back({unwritten_.back().generation, table_->bytes()});
  const std::shared_ptr<const HotTable> old = std::exchange(table_, make_table());
  passed_.clear();
  passed_bytes_ = 0;
  old->for_each([&](const HotTable::Entry& entry) {
    const Seen& known = seen(entry);
    if (!remembers(known.first, watermark_)) return;
    if (known.generation <= written_ && known.first < drop_before) return;
    std::byte* const states = table_->find_or_insert(entry.key(), entry.hash());
    seen(states) = known;
    if (known.generation != generation_ + 1) return;
    passed_.push_back({&HotTable::entry_of(states), known.first});
    passed_bytes_ += kKeyBytes + entry.key().size();
  });
}

size_t DedupeLane::unwritten_keys() const {
  size_t keys = passed_.size();
  for (const Unwritten& u : unwritten_) keys += u.keys;
  return keys;
}

// Written keys that passed before this have to go, so that the table comes to `target`; Time::min(): none has to.
Time DedupeLane::shed_before(size_t target) const {
  std::vector<Time> written;
  table_->for_each([&](const HotTable::Entry& entry) {
    const Seen& known = seen(entry);
    if (known.generation <= written_ && remembers(known.first, watermark_)) written.push_back(known.first);
  });
  const size_t all = target / std::max<size_t>(table_->bytes() / table_->size(), 1);
  const size_t room = all - std::min(all, unwritten_keys());
  if (written.size() <= room) return Time::min();
  const auto last_to_go = written.begin() + static_cast<ptrdiff_t>(written.size() - room - 1);
  std::ranges::nth_element(written, last_to_go);
  return {saturating_add(last_to_go->us, 1)};
}

void DedupeLane::shed(size_t target) {
  const std::lock_guard lock(mutex_);
  if (readers_ > 0 || table_->size() == 0 || bytes() <= target || table_->bytes() <= target) return;
  // Where most of it is not in the store yet there is little to be had, and all of it would have to be copied.
  if (unwritten_keys() > table_->size() / 8 * 7) return;
  const Time before = shed_before(target);
  rebuild(before);
  rebuild_at_ = std::max(kFirstRebuild, 2 * table_->size());
  if (before != Time::min()) in_store_only_before_ = std::max(in_store_only_before_.value_or(before), before);
}

// Behind the slices that may have keys which are in the store only.
std::set<Time>::const_iterator DedupeLane::behind_store_only() const {
  return stored_.upper_bound(slices_.end_of(*in_store_only_before_ - Duration::micros(1)));
}

// The end of the newest of these.
std::optional<Time> DedupeLane::newest_in_store_only() const {
  if (!in_store_only_before_) return std::nullopt;
  const auto behind = behind_store_only();
  return behind == stored_.begin() ? std::nullopt : std::optional(*std::prev(behind));
}

// All of the slice that ends there, the newest of those, is in memory now.
void DedupeLane::note_in_memory(Time slice_end) {
  in_store_only_before_ = slices_.start_of(slice_end);
  if (!newest_in_store_only()) in_store_only_before_.reset();
}

Status DedupeLane::warm(size_t target) {
  for (;;) {
    std::optional<Time> slice;
    {
      const std::lock_guard lock(mutex_);
      slice = newest_in_store_only();
    }
    if (!slice) return {};
    const auto all = warm_slice(*slice, target);
    if (!all) return std::unexpected(all.error());
    if (!*all) return {};
  }
}

// False: there was no room for all of it.
Result<bool> DedupeLane::warm_slice(Time slice_end, size_t target) {
  std::unique_lock lock(mutex_);
  const std::shared_ptr<const StoreView> view = view_;
  ++readers_;
  lock.unlock();
  const std::string begin = encode_state_key({lane_, step_, slice_end, kCommonPartial}, {});
  Scan scan = view->scan(begin, prefix_end(begin));
  bool room = true;
  bool readable = true;
  std::vector<std::pair<std::string, Time>> part;
  while (scan.valid() && room && readable) {
    part.clear();
    for (; part.size() < kKeysBetweenLocks && scan.valid() && readable; scan.next()) {
      const auto first = decode_first_seen(scan.value());
      readable = first.has_value();
      if (readable) part.emplace_back(scan.key().substr(StateKeyHeader::kBytes), *first);
    }
    lock.lock();
    for (const auto& [key, first] : part) put_back(key, hash_key(key), first);
    room = bytes() <= target;
    lock.unlock();
  }
  lock.lock();
  --readers_;
  if (!readable) return std::unexpected(foreign_value());
  if (Status read = scan.status(); !read) return std::unexpected(read.error());
  if (room) note_in_memory(slice_end);
  return room;
}

size_t DedupeLane::bytes() const {
  size_t bytes = table_->bytes() + passed_.capacity() * sizeof(PassedKey) + stored_.size() * kSliceBytes;
  for (const Unwritten& u : unwritten_) bytes += u.keys * sizeof(PassedKey);
  for (const Retired& r : retired_) bytes += r.bytes;
  return bytes;
}

size_t DedupeLane::hot_bytes() const {
  const std::lock_guard lock(mutex_);
  return passed_bytes_;
}

size_t DedupeLane::dirty_bytes() const {
  const std::lock_guard lock(mutex_);
  size_t bytes = passed_bytes_;
  for (const Unwritten& u : unwritten_) bytes += u.bytes;
  return bytes;
}

size_t DedupeLane::memory_bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes();
}

uint64_t DedupeLane::keys() const {
  const std::lock_guard lock(mutex_);
  return table_->size();
}

Result<std::unique_ptr<DedupeLane>> make_dedupe_lane(const DedupePlan& plan, uint16_t step, uint16_t lane,
                                                     std::shared_ptr<const StoreView> view) {
  auto made = std::make_unique<DedupeLane>(plan, step, lane);
  if (!view) return made;
  const auto kept = view->get(lane_metadata_key(lane, step));
  if (!kept) return std::unexpected(kept.error());
  if (!*kept) return made;
  const auto metadata = decode_lane_metadata(**kept);
  if (!metadata) return std::unexpected(metadata.error());
  made->restore(*metadata, std::move(view));
  return made;
}

}  // namespace tidemark
