// HotKeys: which keys make up most of something that is counted, by hash, in a few kilobytes: the space-saving algorithm of
// Metwally, Agrawal and El Abbadi ("Efficient computation of frequent and top-k elements in data streams", 2005). Knows
// neither what is counted nor what the bytes of a key mean.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tidemark {

// Single-threaded. Whoever counts, samples: an update looks through kMost entries.
class HotKeys {
 public:
  static constexpr size_t kMost = 64;

  // A key's share of all that was added; at least that, and at most a kMost-th more.
  struct Key {
    uint64_t hash = 0;
    double ratio = 0;
    std::string key;
  };

  // `key`: its bytes, where they are to be kept.
  void add(uint64_t hash, uint64_t weight = 1, std::string_view key = {}) { add({hash, weight, 0, {}}, key); }
  void add(const HotKeys& more);
  // What was added so far counts half from here on.
  void age();
  // The weights of all that was added, by their age.
  uint64_t total() const { return total_; }
  // Those of at least `ratio`, hottest first; equal ones by hash.
  std::vector<Key> above(double ratio) const;

 private:
  struct Entry {
    uint64_t hash = 0;
    uint64_t count = 0;
    uint64_t over = 0;  // of `count`, what may belong to keys that had this entry before
    std::string key;
  };
  void add(Entry added, std::string_view key);

  std::vector<Entry> entries_;
  uint64_t total_ = 0;
};

}  // namespace tidemark
