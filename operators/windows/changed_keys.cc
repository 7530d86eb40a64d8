// Keys go into a table whose entries have no states; ranges of windows are few, and gone through one by one.
#include "operators/windows/changed_keys.h"

namespace tidemark {
namespace {

constexpr size_t kBatch = 256;

}  // namespace

void ChangedKeys::add(std::span<const std::string_view> keys, std::span<const uint64_t> hashes, Rows rows) {
  if (all_ || rows.empty()) return;
  if (!keys_) keys_ = std::make_unique<HotTable>(std::span<const std::byte>());
  std::byte* nothing[kBatch];
  for (size_t begin = 0; begin < rows.size(); begin += kBatch) {
    keys_->find_or_insert(keys, hashes, rows.subspan(begin, std::min(kBatch, rows.size() - begin)), nothing);
  }
}

void ChangedKeys::add(const HotTable& keys) {
  if (all_ || keys.size() == 0) return;
  if (!keys_) keys_ = std::make_unique<HotTable>(std::span<const std::byte>());
  keys.for_each([&](const HotTable::Entry& e) { keys_->find_or_insert(e.key(), e.hash()); });
}

void ChangedKeys::add_all() {
  all_ = true;
  keys_.reset();
}

void Speech::add(WindowNumber from, WindowNumber to, ChangedKeys keys) {
  if (from <= to) changes_.push_back({from, to, std::move(keys)});
}

std::optional<WindowNumber> Speech::next(WindowNumber least) const {
  std::optional<WindowNumber> next;
  for (const Change& change : changes_) {
    const WindowNumber first = std::max(change.from, least);
    if (first <= change.to && (!next || first < *next)) next = first;
  }
  return next;
}

const HotTable* Speech::keys_of(WindowNumber window) {
  const ChangedKeys* only = nullptr;
  size_t found = 0;
  for (const Change& change : changes_) {
    if (window < change.from || change.to < window) continue;
    if (change.keys.keys() == nullptr) return nullptr;
    only = &change.keys;
    ++found;
  }
  if (found == 1) return only->keys();
  gathered_ = {};
  for (const Change& change : changes_) {
    if (change.from <= window && window <= change.to) gathered_.add(*change.keys.keys());
  }
  return gathered_.keys();
}

void Speech::pass(WindowNumber window) {
  std::erase_if(changes_, [&](const Change& change) { return change.to <= window; });
  for (Change& change : changes_) change.from = std::max(change.from, window + 1);
  gathered_ = {};
}

void Speech::forget_keys() {
  for (Change& change : changes_) change.keys.add_all();
}

size_t Speech::bytes() const {
  size_t bytes = gathered_.bytes() + changes_.size() * sizeof(Change);
  for (const Change& change : changes_) bytes += change.keys.bytes();
  return bytes;
}

}  // namespace tidemark
