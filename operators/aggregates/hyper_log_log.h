// HyperLogLog: how many different hashes were seen, within a standard error of 1.15%, in at most 8 KiB. Exact in all but
// hash collisions while they are few. Its state is a function of the set of hashes, so no order can change the answer.
//
// P. Flajolet, É. Fusy, O. Gandouet, F. Meunier, "HyperLogLog: the analysis of a near-optimal cardinality estimation
// algorithm", AofA 2007, with 2^13 registers; few hashes are kept as they are and counted linearly, as in S. Heule,
// M. Nunkesser, A. Hall, "HyperLogLog in Practice", EDBT 2013; the estimate of many is that of O. Ertl, "New cardinality
// estimation algorithms for HyperLogLog sketches", arXiv:1702.01284 (2017), algorithm 6, which needs no tables of bias.
#pragma once

#include <cstdint>
#include <string>

#include "base/arena.h"
#include "base/bytes.h"

namespace tidemark {

// A relocatable value without destructor; all zero bits = nothing seen. `heap` must outlive it.
class HyperLogLog {
 public:
  // `hash`: 64 well spread bits.
  void add(uint64_t hash, Arena& heap) {
    if (registers_ == nullptr) return add_sparse(sparse_of(hash), heap);
    raise(hash >> (64 - kBits), rank_of(hash));
  }
  void merge(const HyperLogLog& from, Arena& heap);
  uint64_t estimate() const;

  void encode(std::string& out) const;
  bool decode(ByteReader& in, Arena& heap);

 private:
  static constexpr unsigned kBits = 13;
  static constexpr uint32_t kRegisters = 1U << kBits;
  static constexpr unsigned kRanks = 64 - kBits;  // a rank is 1 .. kRanks + 1, 0 where nothing came
  // Few hashes: the first 26 bits, and how many zeros follow. That says the place and rank of its register, too.
  static constexpr unsigned kSparseBits = 26;
  static constexpr uint32_t kFirstSlots = 8;
  static constexpr uint32_t kMostSparse = 768;  // in 1024 slots

  static unsigned rank_of(uint64_t hash) {
    // A one behind the last bit ends the zeros.
    return static_cast<unsigned>(__builtin_clzll(hash << kBits | uint64_t{1} << (kBits - 1))) + 1;
  }
  // Never 0: the rank begins with 1.
  static uint32_t sparse_of(uint64_t hash) {
    const uint64_t rest = hash << kSparseBits | uint64_t{1} << (kSparseBits - 1);
    return static_cast<uint32_t>(hash >> (64 - kSparseBits)) << 6 | static_cast<uint32_t>(__builtin_clzll(rest) + 1);
  }
  void raise(uint64_t place, unsigned rank) {
    if (registers_[place] < rank) registers_[place] = static_cast<uint8_t>(rank);
  }
  void raise_sparse(uint32_t sparse);
  void add_sparse(uint32_t sparse, Arena& heap);
  void grow_sparse(Arena& heap);
  void make_dense(Arena& heap);
  template <class F>
  void for_each_sparse(F&& f) const {
    for (uint32_t i = 0; i < slots_; ++i) {
      if (sparse_[i] != 0) f(sparse_[i]);
    }
  }
  bool decode_sparse(ByteReader& in, uint64_t count, Arena& heap);
  bool decode_dense(ByteReader& in, Arena& heap);

  uint32_t* sparse_;    // open addressing, 0 = free; null where dense or empty
  uint8_t* registers_;  // kRegisters ranks, or null while sparse
  uint32_t slots_;
  uint32_t count_;      // of different sparse entries
};

}  // namespace tidemark
