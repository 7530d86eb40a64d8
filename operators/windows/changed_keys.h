// ChangedKeys: which keys of a part of a slice have changed since the windows over it last spoke; and Speech: those keys by
// window, for as long as it takes to speak of them. Knows keys, neither states nor rows.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "operators/windows/hot_table.h"
#include "operators/windows/slices.h"

namespace tidemark {

// Single-threaded. Each key is kept once.
class ChangedKeys {
 public:
  // `hashes` are hash_key of `keys`.
  void add(std::span<const std::string_view> keys, std::span<const uint64_t> hashes, Rows rows);
  void add(const HotTable& keys);
  // It is not known any more which of them: forgets them, and takes next to no memory.
  void add_all();

  bool any() const { return all_ || keys_; }
  // The keys; null where they are not known.
  const HotTable* keys() const { return all_ ? nullptr : keys_.get(); }
  size_t bytes() const { return keys_ ? keys_->bytes() : 0; }

 private:
  std::unique_ptr<HotTable> keys_;  // of entries without states; null = none
  bool all_ = false;
};

// What there is to be said of windows that changed. Single-threaded.
class Speech {
 public:
  // `keys`, of which there are some, changed in windows `from` to `to`, both included.
  void add(WindowNumber from, WindowNumber to, ChangedKeys keys);
  // The first window that is left, at `least` or beyond it.
  std::optional<WindowNumber> next(WindowNumber least) const;
  // What changed in `window`; good until the next call. Null: any key may have.
  const HotTable* keys_of(WindowNumber window);
  // Windows up to this one have been spoken of.
  void pass(WindowNumber window);
  void forget_keys();
  size_t bytes() const;

 private:
  struct Change {
    WindowNumber from;
    WindowNumber to;
    ChangedKeys keys;
  };
  std::vector<Change> changes_;
  ChangedKeys gathered_;
};

}  // namespace tidemark
