// KeyWeights: which keys make up most of the bytes that generations bring to the store, step by step. Sampled by bytes, so
// that an entry costs a comparison and a large one is never missed. Knows keys by their bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string_view>

#include "base/hot_keys.h"

namespace tidemark {

// Single-threaded.
class KeyWeights {
 public:
  // One sample for so many bytes: a prime, so that entries of one size which come in one order are all seen.
  static constexpr size_t kSampleBytes = 1021;
  static constexpr size_t kLongestKey = 1024;  // that is kept

  // Whether samples bear the keys themselves, and not only their hashes.
  void keep_keys(bool keep) { keeps_keys_ = keep; }

  void add(uint16_t step, std::string_view key, size_t bytes) {
    if (bytes < left_) {
      left_ -= bytes;
    } else {
      sample(step, key, bytes);
    }
  }
  // What was sampled since, by step; weights are samples.
  std::map<uint16_t, HotKeys> take();

 private:
  void sample(uint16_t step, std::string_view key, size_t bytes);

  size_t left_ = kSampleBytes;  // until the next sample
  bool keeps_keys_ = false;
  std::map<uint16_t, HotKeys> samples_;
};

}  // namespace tidemark
