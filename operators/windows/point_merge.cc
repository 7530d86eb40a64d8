// Keys are looked up in batches, so that one table's memory is asked for ahead; in the store one by one.
#include "operators/windows/point_merge.h"

#include <algorithm>
#include <array>

#include "operators/windows/store_errors.h"

namespace tidemark {
namespace {

constexpr size_t kBatch = 256;

class PointMerge {
 public:
  PointMerge(const WindowSources& sources, const View* view, const StateBlock& block)
      : sources_(sources), view_(view), found_(sources.tables.size()), merged_(block), decoded_(block) {}

  Status write(std::span<const HotTable::Entry* const> entries, ResultWriter& out) {
    for (size_t t = 0; t < found_.size(); ++t) sources_.tables[t]->find(entries, found_[t].data());
    for (size_t i = 0; i < entries.size(); ++i) {
      const auto states = states_of(*entries[i], i);
      if (!states) return std::unexpected(states.error());
      if (*states != nullptr && !out.add(entries[i]->key(), *states)) return std::unexpected(foreign_key());
    }
    return {};
  }

 private:
  // All that there is of a key; null where there is nothing. Good until the next call.
  Result<const std::byte*> states_of(const HotTable::Entry& key, size_t i) {
    const auto holds = [&](const auto& found) { return found[i] != HotTable::kNone; };
    const auto first = std::ranges::find_if(found_, holds);
    const bool one = first != found_.end() && std::find_if(std::next(first), found_.end(), holds) == found_.end();
    const auto states_in = [&](size_t t) { return sources_.tables[t]->entry(found_[t][i]).states(); };
    if (one && sources_.stored.empty()) return states_in(static_cast<size_t>(first - found_.begin()));
    bool any = first != found_.end();
    merged_.clear();
    for (size_t t = 0; t < found_.size(); ++t) {
      if (holds(found_[t])) merged_.merge(states_in(t));
    }
    for (const StateKeyHeader& header : sources_.stored) {
      const auto stored = view_->get(encode_state_key(header, key.key()));
      if (!stored) return std::unexpected(stored.error());
      if (!*stored) continue;
      decoded_.clear();
      if (!decoded_.decode(**stored)) return std::unexpected(foreign_value());
      merged_.merge(decoded_.states());
      any = true;
    }
    return any ? merged_.states() : nullptr;
  }

  const WindowSources& sources_;
  const View* view_;
  std::vector<std::array<uint32_t, kBatch>> found_;  // by table and key: the entry's number
  ScratchBlock merged_;
  ScratchBlock decoded_;
};

}  // namespace

Status write_keys(const HotTable& keys, const WindowSources& sources, const View* view, const StateBlock& block,
                  ResultWriter& out) {
  PointMerge merge(sources, view, block);
  const HotTable::Entry* entries[kBatch];
  for (size_t begin = 0; begin < keys.size(); begin += kBatch) {
    const size_t n = std::min(kBatch, keys.size() - begin);
    for (size_t i = 0; i < n; ++i) entries[i] = &keys.entry(begin + i);
    if (Status written = merge.write(std::span(entries, n), out); !written) return written;
  }
  return {};
}

}  // namespace tidemark
