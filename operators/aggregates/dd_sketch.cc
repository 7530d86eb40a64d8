// A bucket's number is taken from the bits of a double: zero in the middle, infinities far out, NaN last. What is
// encoded are gaps between the buckets in use and their counts. Which rank is wanted is the caller's to know.
#include "operators/aggregates/dd_sketch.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tidemark {
namespace {

// Subnormal numbers are counted as if exponents went on downwards, by 52 octaves.
constexpr int32_t kSubnormalOctaves = 52;
constexpr int32_t kOctaves = 2046 + kSubnormalOctaves;

}  // namespace

int32_t DdSketch::last_bucket(unsigned bits) { return (kOctaves << bits) + 2; }

// 1 .. kOctaves << bits for positive numbers, then infinity, then NaN; mirrored for negative ones.
int32_t DdSketch::bucket_of(double x, unsigned bits) {
  if (std::isnan(x)) return last_bucket(bits);
  if (x == 0) return 0;
  const double magnitude = std::fabs(x);
  int32_t bucket = (kOctaves << bits) + 1;
  if (!std::isinf(x)) {
    const bool subnormal = magnitude < std::numeric_limits<double>::min();
    // The scaling is exact.
    const auto raw = std::bit_cast<uint64_t>(subnormal ? magnitude * 0x1p52 : magnitude);
    const int32_t octaves = subnormal ? 1 : kSubnormalOctaves + 1;
    // From the exponent field 1 on: the least normal number.
    bucket = static_cast<int32_t>((raw >> (52 - bits)) + (static_cast<uint64_t>(octaves) << bits) -
                                  (uint64_t{2} << bits)) + 1;
  }
  return x < 0 ? -bucket : bucket;
}

double DdSketch::value_of(int32_t bucket, unsigned bits) {
  if (bucket == 0) return 0;
  if (bucket == last_bucket(bits)) return std::numeric_limits<double>::quiet_NaN();
  const int32_t number = std::abs(bucket) - 1;
  double value = std::numeric_limits<double>::infinity();
  if (number < kOctaves << bits) {
    const int32_t octave = number >> bits;
    const auto part = static_cast<double>(number & ((1 << bits) - 1)) + 0.5;
    value = std::ldexp(1.0 + std::ldexp(part, -static_cast<int>(bits)), octave - kSubnormalOctaves - 1022);
  }
  return bucket < 0 ? -value : value;
}

void DdSketch::widen(int32_t page, Arena& heap) {
  const int32_t first = pages_ == 0 ? page : std::min(first_page_, page);
  const int32_t end = pages_ == 0 ? page + 1 : std::max(first_page_ + static_cast<int32_t>(pages_), page + 1);
  // Room on both sides, so that a drifting value widens seldom.
  const auto needed = static_cast<uint32_t>(end - first);
  const uint32_t spare = std::max(1U, needed / 4);
  const uint32_t pages = needed + 2 * spare;
  auto** const directory = reinterpret_cast<uint64_t**>(heap.allocate(pages * sizeof(uint64_t*)));
  std::fill_n(directory, pages, nullptr);
  const int32_t new_first = first - static_cast<int32_t>(spare);
  for (uint32_t i = 0; i < pages_; ++i) directory[first_page_ - new_first + static_cast<int32_t>(i)] = directory_[i];
  directory_ = directory;
  first_page_ = new_first;
  pages_ = pages;
}

uint64_t* DdSketch::make_page(int32_t page, Arena& heap) {
  if (static_cast<uint32_t>(page - first_page_) >= pages_) widen(page, heap);
  auto* const counts = reinterpret_cast<uint64_t*>(heap.allocate(kPageSize * sizeof(uint64_t)));
  std::fill_n(counts, kPageSize, 0);
  directory_[page - first_page_] = counts;
  return counts;
}

// Goes through (bucket, count) in ascending order while `wanted` says no.
template <class F>
bool DdSketch::find_bucket(F&& wanted) const {
  for (uint32_t i = 0; i < pages_; ++i) {
    if (directory_[i] == nullptr) continue;
    for (int32_t k = 0; k < kPageSize; ++k) {
      const uint64_t count = directory_[i][k];
      if (count != 0 && wanted((first_page_ + static_cast<int32_t>(i)) * kPageSize + k, count)) return true;
    }
  }
  return false;
}

void DdSketch::merge(const DdSketch& from, Arena& heap) {
  for (uint32_t i = 0; i < from.pages_; ++i) {
    const uint64_t* const counts = from.directory_[i];
    if (counts == nullptr) continue;
    uint64_t* const mine = counter((from.first_page_ + static_cast<int32_t>(i)) * kPageSize, heap);
    for (int32_t k = 0; k < kPageSize; ++k) mine[k] += counts[k];
  }
}

uint64_t DdSketch::count() const {
  uint64_t sum = 0;
  find_bucket([&](int32_t, uint64_t count) {
    sum += count;
    return false;
  });
  return sum;
}

double DdSketch::at_rank(uint64_t rank, unsigned bits) const {
  uint64_t before = 0;
  double value = 0;
  find_bucket([&](int32_t bucket, uint64_t count) {
    before += count;
    if (before > rank) value = value_of(bucket, bits);
    return before > rank;
  });
  return value;
}

void DdSketch::encode(unsigned bits, std::string& out) const {
  uint64_t buckets = 0;
  find_bucket([&](int32_t, uint64_t) {
    ++buckets;
    return false;
  });
  ByteWriter writer(out);
  writer.varint(buckets);
  int32_t last = -last_bucket(bits);
  find_bucket([&](int32_t bucket, uint64_t count) {
    writer.varint(static_cast<uint64_t>(bucket - last));
    writer.varint(count);
    last = bucket;
    return false;
  });
}

bool DdSketch::decode(ByteReader& in, unsigned bits, Arena& heap) {
  *this = DdSketch{};
  const uint64_t buckets = in.varint();
  if (!in.ok() || buckets > in.rest().size()) return false;
  int64_t bucket = -last_bucket(bits);
  for (uint64_t i = 0; i < buckets; ++i) {
    const uint64_t gap = in.varint();
    const uint64_t count = in.varint();
    if (!in.ok() || gap == 0 || count == 0) return false;
    if (gap > static_cast<uint64_t>(last_bucket(bits) - bucket)) return false;
    bucket += static_cast<int64_t>(gap);
    *counter(static_cast<int32_t>(bucket), heap) += count;
  }
  return true;
}

}  // namespace tidemark
