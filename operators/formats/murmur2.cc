// Four bytes at a time as little-endian words, with Kafka's own seed. Making a partition's number of the hash is the
// caller's part.
#include "operators/formats/murmur2.h"

#include <cstring>

namespace tidemark {

int32_t murmur2(std::string_view bytes) {
  constexpr uint32_t kSeed = 0x9747b28c;
  constexpr uint32_t kM = 0x5bd1e995;
  constexpr int kR = 24;
  uint32_t h = kSeed ^ static_cast<uint32_t>(bytes.size());
  while (bytes.size() >= 4) {
    uint32_t k = 0;
    std::memcpy(&k, bytes.data(), sizeof k);  // little-endian, see base/bytes.h
    k *= kM;
    k ^= k >> kR;
    k *= kM;
    h *= kM;
    h ^= k;
    bytes.remove_prefix(4);
  }
  if (!bytes.empty()) {
    for (size_t i = bytes.size(); i-- > 0;) h ^= static_cast<uint32_t>(static_cast<uint8_t>(bytes[i])) << (8 * i);
    h *= kM;
  }
  h ^= h >> 13;
  h *= kM;
  h ^= h >> 15;
  return static_cast<int32_t>(h);
}

}  // namespace tidemark
