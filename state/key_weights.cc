// The byte at which a sample is due belongs to some entry, and that entry's key is the sample; what is left over of one
// generation counts for the next.
#include "state/key_weights.h"

#include <utility>

#include "base/bytes.h"

namespace tidemark {

void KeyWeights::sample(uint16_t step, std::string_view key, size_t bytes) {
  const size_t beyond = bytes - left_;
  left_ = kSampleBytes - beyond % kSampleBytes;
  const bool kept = keeps_keys_ && key.size() <= kLongestKey;
  samples_[step].add(checksum64(key), 1 + beyond / kSampleBytes, kept ? key : std::string_view{});
}

std::map<uint16_t, HotKeys> KeyWeights::take() { return std::exchange(samples_, {}); }

}  // namespace tidemark
