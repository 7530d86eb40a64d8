// DDSketch: how many doubles fell into each of many buckets, whose bounds grow with their values, so that any rank's value
// is known within a relative error. Its state is a function of the multiset of values, so no order can change an answer.
//
// C. Masson, J. E. Rim, H. K. Lee, "DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees",
// PVLDB 12 (2019), with its fast mapping: the exponent of a double picks an octave, and the first bits of the mantissa one
// of 2^bits buckets of equal width in it. That takes up to twice the buckets of a logarithm, whose last digits would
// depend on the machine. Buckets lie in pages that are made when they are met and never collapsed: no value, however far
// out, costs accuracy elsewhere.
#pragma once

#include <bit>
#include <cstdint>
#include <string>

#include "base/arena.h"
#include "base/bytes.h"

namespace tidemark {

// A relocatable value without destructor; all zero bits = nothing seen. `heap` must outlive it. `bits`, from 1 to 12, is
// the same in every call on sketches that meet: the relative error is at most 2^-(bits + 1).
class DdSketch {
 public:
  void add(double x, unsigned bits, Arena& heap) { ++*counter(bucket_of(x, bits), heap); }
  void merge(const DdSketch& from, Arena& heap);
  uint64_t count() const;
  // The value at `rank`, counted from 0 and below count(), in ascending order: -infinity first, then the numbers, with -0.0
  // as 0.0, infinity, and NaN last. Numbers are the middle of their bucket.
  double at_rank(uint64_t rank, unsigned bits) const;

  void encode(unsigned bits, std::string& out) const;
  bool decode(ByteReader& in, unsigned bits, Arena& heap);

 private:
  // Buckets have numbers that sort as their values do; 0 is the number zero.
  static constexpr unsigned kPageBits = 5;
  static constexpr int32_t kPageSize = 1 << kPageBits;

  static int32_t bucket_of(double x, unsigned bits);
  static double value_of(int32_t bucket, unsigned bits);
  static int32_t last_bucket(unsigned bits);  // of NaN; that of -infinity is -last + 1
  // Where the count of `bucket` lies, made when it is new.
  uint64_t* counter(int32_t bucket, Arena& heap) {
    const int32_t page = bucket >> kPageBits;
    const auto at = static_cast<uint32_t>(page - first_page_);
    uint64_t* counts = at < pages_ ? directory_[at] : nullptr;
    if (counts == nullptr) [[unlikely]] counts = make_page(page, heap);
    return counts + (bucket & (kPageSize - 1));
  }
  uint64_t* make_page(int32_t page, Arena& heap);
  void widen(int32_t page, Arena& heap);
  template <class F>
  bool find_bucket(F&& wanted) const;

  uint64_t** directory_;  // pages_ pointers to kPageSize counts each, or null
  int32_t first_page_;
  uint32_t pages_;
};

}  // namespace tidemark
