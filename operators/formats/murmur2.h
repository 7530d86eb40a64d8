// Kafka's partitioning hash, bit for bit as the Java client computes it. Knows nothing of topics.
#pragma once

#include <cstdint>
#include <string_view>

namespace tidemark {

// org.apache.kafka.common.utils.Utils.murmur2: MurmurHash2, 32 bits, seed 0x9747b28c. As Java's int.
int32_t murmur2(std::string_view bytes);

// The partition that Java producers choose for a key that is not null; `partitions` must be positive.
inline int32_t murmur2_partition(std::string_view key, int32_t partitions) {
  return (murmur2(key) & 0x7fffffff) % partitions;
}

}  // namespace tidemark
