// Shares of bytes by samples against exact ones: entries of all sizes, in the same order each time, as generations bring them.
#include "state/key_weights.h"

#include <random>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "tests/catch.h"

namespace tidemark {
namespace {

struct Entry {
  std::string key;
  size_t bytes;
};

double share_of(const HotKeys& keys, const std::string& key) {
  for (const HotKeys::Key& one : keys.above(0)) {
    if (one.hash == checksum64(key)) return one.ratio;
  }
  return 0;
}

}  // namespace

TEST_CASE("the heaviest key is found, whatever its neighbours and however often it comes") {
  for (uint32_t seed = 1; seed <= 20; ++seed) {
    std::mt19937_64 random(seed);
    std::vector<Entry> entries;
    size_t all = 0;
    for (uint64_t i = 0, n = 1 + random() % 2000; i < n; ++i) {
      entries.push_back({"key-" + std::to_string(i), 20 + random() % 60});
      all += entries.back().bytes;
    }
    const size_t heavy = random() % entries.size();
    entries[heavy].bytes += all / 2;
    KeyWeights weights;
    HotKeys found;
    uint64_t total = 0;
    while (total < 4'000'000) {
      for (const Entry& entry : entries) {
        weights.add(3, entry.key, entry.bytes);
        total += entry.bytes;
      }
      const auto taken = weights.take();
      for (const auto& [step, keys] : taken) {
        CHECK(step == 3);
        found.add(keys);
      }
    }
    CAPTURE(seed, entries.size());
    CHECK(found.total() == total / KeyWeights::kSampleBytes);
    const double exact = static_cast<double>(entries[heavy].bytes) / static_cast<double>(all + all / 2);
    CHECK(found.above(0).at(0).hash == checksum64(entries[heavy].key));
    CHECK(share_of(found, entries[heavy].key) > exact - 0.06);
    CHECK(share_of(found, entries[heavy].key) < exact + 0.04);
  }
}

TEST_CASE("entries of one size that come in one order are all seen alike") {
  KeyWeights weights;
  HotKeys found;
  for (int generation = 0; generation < 2'000; ++generation) {
    for (int key = 0; key < 20; ++key) weights.add(1, "key-" + std::to_string(key), 64);
    for (const auto& [step, keys] : weights.take()) found.add(keys);
  }
  for (int key = 0; key < 20; ++key) {
    CHECK(share_of(found, "key-" + std::to_string(key)) > 0.04);
    CHECK(share_of(found, "key-" + std::to_string(key)) < 0.06);
  }
}

TEST_CASE("steps are told apart, and keys are kept only when asked for") {
  KeyWeights weights;
  weights.add(1, "a", 10 * KeyWeights::kSampleBytes);
  weights.keep_keys(true);
  weights.add(2, "b", 5 * KeyWeights::kSampleBytes);
  weights.add(2, std::string(KeyWeights::kLongestKey + 1, 'x'), 5 * KeyWeights::kSampleBytes);
  const auto taken = weights.take();
  REQUIRE(taken.size() == 2);
  CHECK(taken.at(1).above(0).at(0).key.empty());
  CHECK(taken.at(1).total() == 10);
  for (const HotKeys::Key& key : taken.at(2).above(0)) CHECK(key.key == (key.hash == checksum64("b") ? "b" : ""));
  CHECK(weights.take().empty());
}

}  // namespace tidemark
