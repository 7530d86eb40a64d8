// A hash table of single entries first, registers once these are too many: each form is merged, estimated and encoded
// in its own way. Who made the hashes, and of what, is not known here.
#include "operators/aggregates/hyper_log_log.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace tidemark {
namespace {

// The functions sigma and tau of Ertl's estimate: sums until they no longer change.
double sigma(double x) {
  if (x == 1) return std::numeric_limits<double>::infinity();
  double y = 1;
  double z = x;
  for (double before = -1; before != z; y += y) {
    x *= x;
    before = z;
    z += x * y;
  }
  return z;
}

double tau(double x) {
  if (x == 0 || x == 1) return 0;
  double y = 1;
  double z = 1 - x;
  for (double before = -1; before != z;) {
    x = std::sqrt(x);
    before = z;
    y *= 0.5;
    z -= (1 - x) * (1 - x) * y;
  }
  return z / 3;
}

// Where a table begins to look for an entry.
uint32_t scatter(uint32_t sparse) { return sparse * 0x9e3779b1U >> 16; }

}  // namespace

void HyperLogLog::raise_sparse(uint32_t sparse) {
  const uint32_t place = sparse >> (6 + kSparseBits - kBits);
  const uint32_t between = sparse >> 6 & ((1U << (kSparseBits - kBits)) - 1);
  constexpr unsigned kUnused = 32 - (kSparseBits - kBits);
  const unsigned rank = between != 0 ? static_cast<unsigned>(__builtin_clz(between)) - kUnused + 1
                                     : kSparseBits - kBits + (sparse & 63);
  raise(place, rank);
}

void HyperLogLog::grow_sparse(Arena& heap) {
  const uint32_t slots = slots_ == 0 ? kFirstSlots : 2 * slots_;
  auto* const grown = reinterpret_cast<uint32_t*>(heap.allocate(slots * sizeof(uint32_t)));
  std::fill_n(grown, slots, 0);
  for_each_sparse([&](uint32_t sparse) {
    uint32_t at = scatter(sparse) & (slots - 1);
    while (grown[at] != 0) at = (at + 1) & (slots - 1);
    grown[at] = sparse;
  });
  sparse_ = grown;
  slots_ = slots;
}

void HyperLogLog::add_sparse(uint32_t sparse, Arena& heap) {
  const auto place_of = [&] {
    uint32_t at = scatter(sparse) & (slots_ - 1);
    while (sparse_[at] != 0 && sparse_[at] != sparse) at = (at + 1) & (slots_ - 1);
    return at;
  };
  if (slots_ == 0) grow_sparse(heap);
  uint32_t at = place_of();
  if (sparse_[at] == sparse) return;
  if (count_ == kMostSparse) {
    make_dense(heap);
    return raise_sparse(sparse);
  }
  if ((count_ + 1) * 4 > slots_ * 3) {
    grow_sparse(heap);
    at = place_of();
  }
  sparse_[at] = sparse;
  ++count_;
}

void HyperLogLog::make_dense(Arena& heap) {
  if (registers_ != nullptr) return;
  registers_ = reinterpret_cast<uint8_t*>(heap.allocate(kRegisters));
  std::fill_n(registers_, kRegisters, uint8_t{0});
  for_each_sparse([&](uint32_t sparse) { raise_sparse(sparse); });
  sparse_ = nullptr;
  slots_ = count_ = 0;
}

void HyperLogLog::merge(const HyperLogLog& from, Arena& heap) {
  if (from.registers_ == nullptr) {
    from.for_each_sparse([&](uint32_t sparse) {
      if (registers_ == nullptr) {
        add_sparse(sparse, heap);
      } else {
        raise_sparse(sparse);
      }
    });
    return;
  }
  make_dense(heap);
  for (uint32_t i = 0; i < kRegisters; ++i) registers_[i] = std::max(registers_[i], from.registers_[i]);
}

uint64_t HyperLogLog::estimate() const {
  if (registers_ == nullptr) {
    constexpr double kPlaces = uint64_t{1} << kSparseBits;
    return static_cast<uint64_t>(std::llround(-kPlaces * std::log1p(-static_cast<double>(count_) / kPlaces)));
  }
  std::array<uint32_t, kRanks + 2> counts{};
  for (uint32_t i = 0; i < kRegisters; ++i) ++counts[registers_[i]];
  constexpr double m = kRegisters;
  double z = m * tau(1 - counts[kRanks + 1] / m);
  for (unsigned k = kRanks; k >= 1; --k) z = 0.5 * (z + counts[k]);
  z += m * sigma(counts[0] / m);
  return static_cast<uint64_t>(std::llround(m * m / (2 * M_LN2 * z)));
}

void HyperLogLog::encode(std::string& out) const {
  ByteWriter writer(out);
  // 0: dense. Else the number of sparse entries and one.
  writer.varint(registers_ != nullptr ? 0 : uint64_t{count_} + 1);
  for_each_sparse([&](uint32_t sparse) { writer.fixed(sparse); });
  if (registers_ == nullptr) return;
  // Four ranks of six bits in three bytes.
  for (uint32_t i = 0; i < kRegisters; i += 4) {
    uint32_t group = 0;
    for (uint32_t k = 0; k < 4; ++k) group |= uint32_t{registers_[i + k]} << (6 * k);
    out.append(reinterpret_cast<const char*>(&group), 3);
  }
}

bool HyperLogLog::decode(ByteReader& in, Arena& heap) {
  *this = HyperLogLog{};
  const uint64_t head = in.varint();
  if (!in.ok()) return false;
  return head == 0 ? decode_dense(in, heap) : decode_sparse(in, head - 1, heap);
}

bool HyperLogLog::decode_sparse(ByteReader& in, uint64_t count, Arena& heap) {
  if (count > kMostSparse || count > in.rest().size() / sizeof(uint32_t)) return false;
  for (uint64_t i = 0; i < count; ++i) {
    const auto sparse = in.fixed<uint32_t>();
    const uint32_t zeros = sparse & 63;
    if (zeros == 0 || zeros > 64 - kSparseBits + 1) return false;
    add_sparse(sparse, heap);
  }
  return in.ok() && count_ == count;
}

bool HyperLogLog::decode_dense(ByteReader& in, Arena& heap) {
  const std::string_view bytes = in.raw(kRegisters / 4 * 3);
  if (!in.ok()) return false;
  make_dense(heap);
  for (uint32_t i = 0; i < kRegisters; i += 4) {
    uint32_t group = 0;
    std::memcpy(&group, bytes.data() + i / 4 * 3, 3);
    for (uint32_t k = 0; k < 4; ++k) {
      registers_[i + k] = static_cast<uint8_t>(group >> (6 * k) & 63);
      if (registers_[i + k] > kRanks + 1) return false;
    }
  }
  return true;
}

}  // namespace tidemark
