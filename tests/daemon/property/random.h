// Seeded choices, the same on every machine and library (std::distributions are not). Knows nothing of what is chosen.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <vector>

namespace tidemark::property {

// Splitmix64. Single-threaded; fork() gives another thread its own.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }
  // In [low, high].
  int64_t in(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(next() % (static_cast<uint64_t>(high - low) + 1));
  }
  bool percent(int64_t chance) { return in(1, 100) <= chance; }
  template <class T>
  T one_of(std::initializer_list<T> choices) {
    return choices.begin()[next() % choices.size()];
  }
  template <class T>
  const T& one_of(const std::vector<T>& choices) {
    return choices[next() % choices.size()];
  }
  Random fork() { return Random(next()); }

 private:
  uint64_t state_;
};

}  // namespace tidemark::property
