// Four ways, chosen by how many sources there are, how large and where: written as they are, hashed together, joined by
// look-ups, merged in key order. Only the last one reads the store.
#include "operators/windows/window_merge.h"

#include <algorithm>
#include <utility>

#include "operators/windows/ending_sessions.h"
#include "operators/windows/sorted_entries.h"
#include "operators/windows/store_errors.h"

namespace tidemark {
namespace {

// Tables are joined by looking each key up in the others, which needs next to no room. Where they are more than a few and
// small in sum, they are hashed together. Very many large ones are sorted and merged.
constexpr size_t kFewTables = 4;
constexpr size_t kCombineBytes = size_t{16} << 20;
constexpr size_t kMaxJoinedTables = 16;

template <class Out>
Status write_table(const HotTable& table, Out& out) {
  for (size_t i = 0; i < table.size(); ++i) {
    if (!out.add(table.entry(i).key(), table.entry(i).states())) return std::unexpected(foreign_key());
  }
  return {};
}

// Tables, joined: each key is written where it occurs first, with what the later tables hold of it.
template <class Out>
class TableJoin {
 public:
  TableJoin(std::span<const HotTable* const> tables, const StateBlock& block)
      : tables_(tables.begin(), tables.end()), written_(tables.size()), merged_(block) {
    // The largest is looked up by all and looks nothing up.
    std::ranges::sort(tables_, {}, &HotTable::size);
    for (size_t t = 1; t < tables_.size(); ++t) written_[t].resize(tables_[t]->size());
  }

  Status write(Out& out) {
    for (size_t t = 0; t < tables_.size(); ++t) {
      for (size_t i = 0; i < tables_[t]->size(); ++i) {
        if (t > 0 && written_[t][i]) continue;
        entries_[gathered_++] = &tables_[t]->entry(i);
        if (gathered_ < kBatch) continue;
        if (Status done = write_batch(t, out); !done) return done;
      }
      if (Status done = write_batch(t, out); !done) return done;
    }
    return {};
  }

 private:
  static constexpr size_t kBatch = 256;

  // Writes what was gathered of table `t`.
  Status write_batch(size_t t, Out& out) {
    const std::span entries(entries_, std::exchange(gathered_, 0));
    for (size_t later = t + 1; later < tables_.size(); ++later) tables_[later]->find(entries, found_[later]);
    for (size_t i = 0; i < entries.size(); ++i) {
      if (!out.add(entries[i]->key(), states_of(t, i))) return std::unexpected(foreign_key());
    }
    return {};
  }

  const std::byte* states_of(size_t t, size_t i) {
    bool merged = false;
    for (size_t later = t + 1; later < tables_.size(); ++later) {
      const uint32_t number = found_[later][i];
      if (number == HotTable::kNone) continue;
      if (!merged) {
        merged_.clear();
        merged_.merge(entries_[i]->states());
        merged = true;
      }
      merged_.merge(tables_[later]->entry(number).states());
      written_[later][number] = true;
    }
    return merged ? merged_.states() : entries_[i]->states();
  }

  std::vector<const HotTable*> tables_;
  std::vector<std::vector<bool>> written_;  // by table and entry
  ScratchBlock merged_;
  size_t gathered_ = 0;
  const HotTable::Entry* entries_[kBatch];
  uint32_t found_[kMaxJoinedTables][kBatch];
};

// One sorted input of a merge: a table's entries, or a range of the store; where `behind` is a key, what follows it.
class Run {
 public:
  using Behind = std::optional<std::string>;
  Run(const HotTable& table, const Behind& behind) : entries_(sorted_entries(table)) {
    if (!behind) return;
    const auto key_of = [](const HotTable::Entry* entry) { return entry->key(); };
    at_ = static_cast<size_t>(std::ranges::upper_bound(entries_, std::string_view(*behind), {}, key_of) - entries_.begin());
  }
  Run(const View& view, const StateKeyHeader& header, const Behind& behind) {
    const std::string all = encode_state_key(header, {});
    const std::string begin = behind ? encode_state_key(header, *behind) + '\0' : all;
    scan_ = view.scan(begin, prefix_end(all));
  }
  bool valid() const { return scan_ ? scan_->valid() : at_ < entries_.size(); }
  std::string_view key() const { return scan_ ? scan_->key().substr(StateKeyHeader::kBytes) : entries_[at_]->key(); }
  void next() {
    if (scan_) {
      scan_->next();
    } else {
      ++at_;
    }
  }
  Status status() const { return scan_ ? scan_->status() : Status{}; }
  // The states where they lie; null when they have to be decoded.
  const std::byte* states() const { return scan_ ? nullptr : entries_[at_]->states(); }
  std::string_view encoded() const { return scan_->value(); }

 private:
  std::optional<Scan> scan_;
  std::vector<const HotTable::Entry*> entries_;
  size_t at_ = 0;
};

std::vector<Run> runs_of(const WindowSources& sources, const View* view, const Run::Behind& behind) {
  std::vector<Run> runs;
  runs.reserve(sources.tables.size() + sources.stored.size());
  for (const HotTable* table : sources.tables) runs.emplace_back(*table, behind);
  for (const StateKeyHeader& header : sources.stored) runs.emplace_back(*view, header, behind);
  return runs;
}

// A k-way merge by key over sorted runs.
template <class Out>
class RunMerge {
 public:
  RunMerge(std::vector<Run> runs, const StateBlock& block)
      : runs_(std::move(runs)), merged_(block), decoded_(block) {}

  // Until `enough` says so, asked behind each key.
  template <class Enough>
  Status write(Out& out, Enough enough) {
    for (Run& run : runs_) {
      if (Status queued = queue(&run); !queued) return queued;
    }
    while (!heap_.empty()) {
      if (Status written = write_next(out); !written) return written;
      if (enough()) break;
    }
    return {};
  }
  // The last one written; nothing where there are no more.
  std::optional<std::string> unfinished_behind() const { return heap_.empty() ? std::nullopt : std::optional(key_); }

 private:
  static bool later(const Run* a, const Run* b) { return b->key() < a->key(); }

  Status queue(Run* run) {
    if (!run->valid()) return run->status();
    heap_.push_back(run);
    std::ranges::push_heap(heap_, later);
    return {};
  }

  Run* take() {
    std::ranges::pop_heap(heap_, later);
    Run* const run = heap_.back();
    heap_.pop_back();
    return run;
  }

  bool merge(const Run& run) {
    if (run.states() != nullptr) {
      merged_.merge(run.states());
      return true;
    }
    decoded_.clear();
    if (!decoded_.decode(run.encoded())) return false;
    merged_.merge(decoded_.states());
    return true;
  }

  // Writes the row of the least key, and moves every run that holds it.
  Status write_next(Out& out) {
    Run* const first = take();
    key_.assign(first->key());
    if (first->states() != nullptr && (heap_.empty() || heap_.front()->key() != key_)) {
      if (!out.add(first->key(), first->states())) return std::unexpected(foreign_key());
      first->next();
      return queue(first);
    }
    merged_.clear();
    for (Run* run = first;; run = take()) {
      if (!merge(*run)) return std::unexpected(foreign_value());
      moved_.push_back(run);
      if (heap_.empty() || heap_.front()->key() != key_) break;
    }
    if (!out.add(key_, merged_.states())) return std::unexpected(foreign_key());
    for (Run* run : moved_) {
      run->next();
      if (Status queued = queue(run); !queued) return queued;
    }
    moved_.clear();
    return {};
  }

  std::vector<Run> runs_;
  ScratchBlock merged_;
  ScratchBlock decoded_;
  std::string key_;
  std::vector<Run*> heap_;   // by key, the least in front
  std::vector<Run*> moved_;
};

}  // namespace

void merge_table(const HotTable& from, const StateBlock& block, HotTable& into) {
  for_each_into(from, into, [&](const HotTable::Entry& entry, std::byte* states) {
    block.merge(states, entry.states(), into.heap());
  });
}

template <class Out>
Status write_window(const WindowSources& sources, const View* view, const StateBlock& block, Out& out) {
  const size_t count = sources.tables.size();
  if (sources.stored.empty() && count == 1) return write_table(*sources.tables[0], out);
  size_t bytes = 0;
  for (const HotTable* table : sources.tables) bytes += table->bytes();
  if (sources.stored.empty() && count > kFewTables && bytes <= kCombineBytes) {
    HotTable combined(block.blank());
    for (const HotTable* table : sources.tables) merge_table(*table, block, combined);
    return write_table(combined, out);
  }
  if (sources.stored.empty() && count <= kMaxJoinedTables) return TableJoin<Out>(sources.tables, block).write(out);
  return RunMerge<Out>(runs_of(sources, view, {}), block).write(out, [] { return false; });
}

Result<std::optional<std::string>> write_keys_behind(const std::optional<std::string>& behind, const WindowSources& sources,
                                                     const View* view, const StateBlock& block, ResultWriter& out) {
  RunMerge<ResultWriter> merge(runs_of(sources, view, behind), block);
  if (Status written = merge.write(out, [&out] { return out.wants_part(); }); !written) return std::unexpected(written.error());
  return merge.unfinished_behind();
}

template Status write_window(const WindowSources&, const View*, const StateBlock&, ResultWriter&);
template Status write_window(const WindowSources&, const View*, const StateBlock&, EndingRows&);
template Status write_window(const WindowSources&, const View*, const StateBlock&, CutSessions&);

}  // namespace tidemark
