// The values that flow between the nodes of a running expression: one value and one status per row, indexed by the
// row's number in the batch, so that fields need no copy. Knows no operators and no types but their width.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/arena.h"
#include "operators/batch.h"

namespace tidemark::expr {

// A timestamp while an expression runs: nanoseconds since the epoch, wide enough for CEL's years 0001 to 9999.
using Nanos = __int128;

// What a row of a vector holds. The first two are those of Column::valid.
enum Status : uint8_t { kNull = 0, kValue = 1, kError = 2 };

class Context;
class Value;

// Memory for one value of at most 16 bytes per row, uninitialised. Goes back to its context for reuse when it dies.
class Buffer {
 public:
  Buffer() = default;
  Buffer(Context* owner, char* data) : owner_(owner), data_(data) {}
  Buffer(Buffer&& other) noexcept
      : owner_(std::exchange(other.owner_, nullptr)), data_(std::exchange(other.data_, nullptr)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(owner_, other.owner_);
    std::swap(data_, other.data_);
    return *this;
  }
  ~Buffer();
  template <class T>
  T* as() {
    static_assert(sizeof(T) <= 16 && alignof(T) <= 16);
    return reinterpret_cast<T*>(data_);
  }

 private:
  Context* owner_ = nullptr;
  char* data_ = nullptr;
};

// Reads the values of a vector; the mask makes a constant answer its one value for every row.
template <class T>
struct In {
  const T* values;
  uint32_t mask;
  const T& operator[](uint32_t row) const { return values[row & mask]; }
};

// The result of a node for the rows it was asked for; other rows are unspecified. Values, by type: bool as uint8_t, int
// and duration (ns) as int64_t, uint as uint64_t, double, timestamp as Nanos, everything else as std::string_view.
// Points into columns, into nodes of the program or into its own buffers.
struct Vec {
  const uint8_t* status = nullptr;  // Status per row; nullptr = every row has a value
  const void* values = nullptr;
  uint32_t mask = ~uint32_t{0};     // 0 for constants
  Buffer status_buffer;
  Buffer value_buffer;

  Status status_of(uint32_t row) const { return status == nullptr ? kValue : static_cast<Status>(status[row & mask]); }
  template <class T>
  In<T> in() const {
    return {static_cast<const T*>(values), mask};
  }
};

// What one evaluation works with: the batch, where result strings go, pooled scratch memory, and why rows failed.
// Lives on the stack of Program::evaluate; single-threaded.
class Context {
 public:
  Context(const Batch& batch, Arena& arena) : batch_(batch), arena_(arena) {}
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  const Batch& batch() const { return batch_; }
  Arena& arena() { return arena_; }

  Buffer take();
  void give_back(char* block) { free_.push_back(block); }

  // Notes why `row` failed. A later failure of the same row replaces the note, see failure_of.
  void fail(uint32_t row, std::string message);
  // A handle to the latest note of a row that failed, to be put back by restore_failure when a later one was absorbed.
  uint32_t failure_of(uint32_t row) const { return latest_[row]; }
  void restore_failure(uint32_t row, uint32_t failure) { latest_[row] = failure; }
  const std::string& message_of(uint32_t row) const { return messages_[latest_[row]]; }
  // Answers why `row` failed, and forgets all notes.
  std::string take_message(uint32_t row);

  // Fields that have a value for all rows instead of a column, by slot: the variables of a lone expression.
  void bind(std::span<const Value* const> values) { bound_ = values; }
  // nullptr: the field has a column.
  const Value* bound(uint32_t slot) const { return slot < bound_.size() ? bound_[slot] : nullptr; }

 private:
  const Batch& batch_;
  Arena& arena_;
  std::vector<std::unique_ptr<char[]>> blocks_;
  std::vector<char*> free_;
  std::vector<std::string> messages_;
  std::span<const Value* const> bound_;
  std::vector<uint32_t> latest_;  // by row, index into messages_; empty until a row fails
};

inline Buffer::~Buffer() {
  if (owner_ != nullptr) owner_->give_back(data_);
}

// A result under construction. Rows hold a value unless marked.
class Out {
 public:
  explicit Out(Context& context) : context_(context) {}

  template <class T>
  T* values() {
    vec_.value_buffer = context_.take();
    T* p = vec_.value_buffer.as<T>();
    vec_.values = p;
    return p;
  }
  void mark(uint32_t row, Status status) {
    if (status_ == nullptr) [[unlikely]] start_marking();
    status_[row] = status;
  }
  [[gnu::cold]] void fail(uint32_t row, std::string message) {
    mark(row, kError);
    context_.fail(row, std::move(message));
  }
  Context& context() { return context_; }
  Vec finish() { return std::move(vec_); }

 private:
  void start_marking();

  Context& context_;
  Vec vec_;
  uint8_t* status_ = nullptr;
};

// Calls `f` for each row; a run without gaps is counted through, which spares reading the indices.
template <class F>
inline void for_each_row(Rows rows, F&& f) {
  if (rows.empty()) return;
  const uint32_t first = rows.front();
  const auto n = static_cast<uint32_t>(rows.size());
  if (rows.back() - first + 1 == n) {
    for (uint32_t row = first; row < first + n; ++row) f(row);
  } else {
    for (const uint32_t row : rows) f(row);
  }
}

// A selection of rows in memory of its own. The span stays valid as long as the selection.
class Selection {
 public:
  explicit Selection(Context& context) : buffer_(context.take()) {}
  void add(uint32_t row) { buffer_.as<uint32_t>()[size_++] = row; }
  // Without a branch, which data would make unpredictable. There must be room for one row more than was added.
  void add_if(bool wanted, uint32_t row) {
    buffer_.as<uint32_t>()[size_] = row;
    size_ += wanted ? 1 : 0;
  }
  Rows rows() { return {buffer_.as<uint32_t>(), size_}; }

 private:
  Buffer buffer_;
  size_t size_ = 0;
};

}  // namespace tidemark::expr
