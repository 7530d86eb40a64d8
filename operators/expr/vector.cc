// The scratch memory and the failure notes of one evaluation.
#include "operators/expr/vector.h"

#include <algorithm>
#include <cstring>

namespace tidemark::expr {

Buffer Context::take() {
  if (free_.empty()) {
    const size_t bytes = 16 * std::max<size_t>(batch_.rows, 1);
    blocks_.push_back(std::make_unique_for_overwrite<char[]>(bytes));
    free_.push_back(blocks_.back().get());
  }
  char* block = free_.back();
  free_.pop_back();
  return {this, block};
}

void Context::fail(uint32_t row, std::string message) {
  if (latest_.empty()) latest_.resize(batch_.rows);
  latest_[row] = static_cast<uint32_t>(messages_.size());
  messages_.push_back(std::move(message));
}

std::string Context::take_message(uint32_t row) {
  std::string message = std::move(messages_[latest_[row]]);
  messages_.clear();
  latest_.clear();
  return message;
}

void Out::start_marking() {
  vec_.status_buffer = context_.take();
  status_ = vec_.status_buffer.as<uint8_t>();
  std::memset(status_, kValue, context_.batch().rows);
  vec_.status = status_;
}

}  // namespace tidemark::expr
