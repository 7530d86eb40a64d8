// A table passes from hot to frozen to written, and stays as a copy while there are few and memory allows. Shedding
// begins with the slice that begins last; how much there may be is the lane's to say.
#include "operators/windows/lane_slices.h"

#include <algorithm>
#include <utility>

#include "operators/windows/window_merge.h"

namespace tidemark {

std::vector<const HotTable*> SlicePart::tables() const {
  std::vector<const HotTable*> tables;
  for (const auto& generation : frozen) tables.push_back(&generation->table);
  if (hot) tables.push_back(hot.get());
  return tables;
}

void SlicePart::add_to(WindowSources& sources, const StateKeyHeader& stored) const {
  for (const HotTable* table : tables()) sources.tables.push_back(table);
  if (in_store_only) sources.stored.push_back(stored);
}

SlicePart& LaneSlices::part(const Slice& slice, WindowNumber visible_from) {
  OpenSlice& open = open_[slice.start];
  open.slice = slice;
  const auto [at, made] = open.parts.try_emplace(visible_from);
  if (made) {
    at->second.visible_from = visible_from;
    ++parts_;
  }
  return at->second;
}

HotTable& LaneSlices::hot(SlicePart& part) {
  if (!part.hot) {
    part.hot = std::make_unique<HotTable>(block_.blank());
    hot_bytes_ += part.hot->bytes();
  }
  return *part.hot;
}

void LaneSlices::note_changed(SlicePart& part, const KeyedRows& keyed, Rows rows) {
  changed_bytes_ -= part.changed.bytes();
  part.changed.add(keyed.keys, keyed.hashes, rows);
  changed_bytes_ += part.changed.bytes();
}

ChangedKeys LaneSlices::take_changed(SlicePart& part) {
  changed_bytes_ -= part.changed.bytes();
  return std::exchange(part.changed, {});
}

std::vector<FrozenRun> LaneSlices::freeze(uint64_t number, const std::function<Time(WindowNumber)>& end_of) {
  std::vector<FrozenRun> runs;
  size_t bytes = 0;
  for (auto& [start, open] : open_) {
    for (auto& [visible_from, part] : open.parts) {
      if (!part.hot) continue;
      hot_bytes_ -= part.hot->bytes();
      part.frozen.push_back(std::make_shared<const FrozenTable>(number, std::move(*part.hot)));
      part.hot.reset();
      bytes += part.frozen.back()->bytes;
      const bool common = visible_from == open.slice.first_window;
      runs.push_back({open.slice.end, common ? kCommonPartial : end_of(visible_from), part.frozen.back()});
    }
  }
  unwritten_.push_back({number, bytes});
  unwritten_bytes_ += bytes;
  return runs;
}

// Drops the copies of a part that are in the store, all of them: the store cannot be asked for some.
void LaneSlices::drop_written(SlicePart& part) {
  std::erase_if(part.frozen, [&](const std::shared_ptr<const FrozenTable>& f) {
    if (f->generation > written_) return false;
    cached_bytes_ -= f->bytes;
    keys_ -= f->table.size();
    return true;
  });
  part.in_store_only = true;
}

// Makes one table of the copies of a part that are in the store.
void LaneSlices::fold_written(SlicePart& part) {
  const auto unwritten = std::ranges::find_if(part.frozen, [&](const auto& f) { return f->generation > written_; });
  if (unwritten - part.frozen.begin() < 2) return;
  HotTable folded(block_.blank());
  for (auto f = part.frozen.begin(); f != unwritten; ++f) {
    merge_table((*f)->table, block_, folded);
    cached_bytes_ -= (*f)->bytes;
    keys_ -= (*f)->table.size();
  }
  const uint64_t newest = (*std::prev(unwritten))->generation;
  part.frozen.erase(part.frozen.begin() + 1, unwritten);
  part.frozen.front() = std::make_shared<const FrozenTable>(newest, std::move(folded));
  cached_bytes_ += part.frozen.front()->bytes;
  keys_ += part.frozen.front()->table.size();
}

void LaneSlices::settle(SlicePart& part, uint64_t newly_written_from) {
  size_t cached = 0;
  for (const auto& f : part.frozen) {
    if (f->generation > written_) continue;
    ++cached;
    if (f->generation >= newly_written_from) cached_bytes_ += f->bytes;
  }
  if (cached > 0 && part.in_store_only) return drop_written(part);
  if (cached <= kMaxCachedGenerations) return;
  if (old_copies_ == OldCopies::kFold) {
    fold_written(part);
  } else {
    drop_written(part);
  }
}

void LaneSlices::on_written(uint64_t number) {
  const uint64_t newly_written_from = written_ + 1;
  written_ = std::max(written_, number);
  while (!unwritten_.empty() && unwritten_.front().generation <= number) {
    unwritten_bytes_ -= unwritten_.front().bytes;
    unwritten_.pop_front();
  }
  for (auto& [start, open] : open_) {
    for (auto& [visible_from, part] : open.parts) settle(part, newly_written_from);
  }
}

std::optional<Time> LaneSlices::expire_through(WindowNumber window) {
  std::optional<Time> frozen_end;
  while (!open_.empty() && open_.begin()->second.slice.last_window <= window) {
    const OpenSlice& gone = open_.begin()->second;
    for (const auto& [visible_from, part] : gone.parts) {
      if (part.ever_frozen()) frozen_end = gone.slice.end;
      if (part.hot) {
        hot_bytes_ -= part.hot->bytes();
        keys_ -= part.hot->size();
      }
      for (const auto& f : part.frozen) {
        if (f->generation <= written_) cached_bytes_ -= f->bytes;
        keys_ -= f->table.size();
      }
      changed_bytes_ -= part.changed.bytes();
    }
    parts_ -= gone.parts.size();
    open_.erase(open_.begin());
  }
  return frozen_end;
}

void LaneSlices::shed(size_t target) {
  if (old_copies_ == OldCopies::kFold && bytes() / kMostFolded <= target) {
    for (auto& [start, open] : open_) {
      for (auto& [visible_from, part] : open.parts) {
        if (part.frozen_bytes() <= target) fold_written(part);  // while it is folded it is there twice
      }
    }
    if (bytes() <= target / 2 * kEnoughFolded) return;
  }
  for (auto slice = open_.rbegin(); slice != open_.rend(); ++slice) {
    for (auto& [visible_from, part] : slice->second.parts) {
      if (bytes() <= target) return;
      const bool any = !part.frozen.empty() && part.frozen.front()->generation <= written_;
      if (any) drop_written(part);
    }
  }
  for (auto slice = open_.rbegin(); slice != open_.rend() && changed_bytes_ > 0; ++slice) {
    for (auto& [visible_from, part] : slice->second.parts) {
      if (bytes() <= target) return;
      if (!part.changed.any()) continue;
      changed_bytes_ -= part.changed.bytes();
      part.changed.add_all();
    }
  }
}

}  // namespace tidemark
