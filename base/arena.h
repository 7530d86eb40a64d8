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
    std::memcpy(p, text.data(), text.size());
    return {p, text.size()};
  }
  // Forgets all contents and keeps one block for the next use.
  void clear() {
    if (blocks_.size() > 1) blocks_.resize(1);
    used_ = 0;
    reserved_ = blocks_.empty() ? 0 : blocks_[0].size;
    next_ = blocks_.empty() ? nullptr : blocks_[0].data.get();
    left_ = reserved_;
  }
  size_t bytes_used() const { return used_; }
  size_t bytes_reserved() const { return reserved_; }

 private:
  struct Block {
    std::unique_ptr<char[]> data;
    size_t size;
  };
  void grow(size_t at_least) {
    const size_t size = at_least > block_bytes_ ? at_least : block_bytes_;
    blocks_.push_back({std::make_unique_for_overwrite<char[]>(size), size});
    next_ = blocks_.back().data.get();
    left_ = size;
    reserved_ += size;
  }

  size_t block_bytes_;
  std::vector<Block> blocks_;
  char* next_ = nullptr;
  size_t left_ = 0;
  size_t used_ = 0;
  size_t reserved_ = 0;
};

}  // namespace tidemark
