// A bump allocator for bytes that live and die together, such as the strings of one batch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace tidemark {

// Single-threaded while it grows; what it holds may be read by any thread afterwards. Nothing is freed singly.
class Arena {
 public:
  static constexpr size_t kKeptBytes = 512 * 1024;

  explicit Arena(size_t block_bytes = 64 * 1024) : block_bytes_(block_bytes) {}
  Arena(Arena&&) noexcept = default;
  Arena& operator=(Arena&&) noexcept = default;

  // `bytes` of memory at an 8-byte boundary, uninitialised; valid until clear() or destruction.
  char* allocate(size_t bytes) {
    const size_t rounded = (bytes + 7) & ~size_t{7};
    if (rounded > left_) grow(rounded);
    char* p = next_;
    next_ += rounded;
    left_ -= rounded;
    used_ += rounded;
    return p;
  }
  std::string_view copy(std::string_view text) {
    if (text.empty()) return {"", 0};
    char* p = allocate(text.size());
    copy_bytes(p, text);
    return {p, text.size()};
  }
  // Forgets all contents and keeps its first blocks, kKeptBytes at most but at least one, for the next use.
  void clear() {
    size_t kept = 0;
    reserved_ = 0;
    while (kept < blocks_.size() && (kept == 0 || reserved_ + blocks_[kept].size <= kKeptBytes)) {
      reserved_ += blocks_[kept++].size;
    }
    blocks_.resize(kept);
    used_ = 0;
    current_ = 0;
    next_ = blocks_.empty() ? nullptr : blocks_[0].data.get();
    left_ = blocks_.empty() ? 0 : blocks_[0].size;
  }
  // Like memcpy. Short texts, most of those in batches, take two moves that may overlap instead of a call.
  static void copy_bytes(char* to, std::string_view text) {
    const size_t n = text.size();
    if (n > 2 * sizeof(Words)) {
      std::memcpy(to, text.data(), n);
    } else if (n >= sizeof(Words)) {
      copy_ends<Words>(to, text.data(), n);
    } else if (n >= sizeof(uint64_t)) {
      copy_ends<uint64_t>(to, text.data(), n);
    } else if (n >= sizeof(uint32_t)) {
      copy_ends<uint32_t>(to, text.data(), n);
    } else if (n > 0) {
      to[0] = text[0];
      to[n / 2] = text[n / 2];
      to[n - 1] = text[n - 1];
    }
  }
  size_t bytes_used() const { return used_; }
  size_t bytes_reserved() const { return reserved_; }

 private:
  struct Block {
    std::unique_ptr<char[]> data;
    size_t size;
  };
  using Words = unsigned __int128;

  template <class Word>
  static void copy_ends(char* to, const char* from, size_t n) {
    Word first;
    Word last;
    std::memcpy(&first, from, sizeof first);
    std::memcpy(&last, from + n - sizeof last, sizeof last);
    std::memcpy(to, &first, sizeof first);
    std::memcpy(to + n - sizeof last, &last, sizeof last);
  }

  void grow(size_t at_least) {
    while (current_ + 1 < blocks_.size()) {
      const Block& kept = blocks_[++current_];
      if (kept.size < at_least) continue;
      next_ = kept.data.get();
      left_ = kept.size;
      return;
    }
    const size_t size = at_least > block_bytes_ ? at_least : block_bytes_;
    blocks_.push_back({std::make_unique_for_overwrite<char[]>(size), size});
    current_ = blocks_.size() - 1;
    next_ = blocks_.back().data.get();
    left_ = size;
    reserved_ += size;
  }

  size_t block_bytes_;
  std::vector<Block> blocks_;
  size_t current_ = 0;  // the block that is being filled
  char* next_ = nullptr;
  size_t left_ = 0;
  size_t used_ = 0;
  size_t reserved_ = 0;
};

}  // namespace tidemark
