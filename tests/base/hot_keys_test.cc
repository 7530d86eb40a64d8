// Shares of keys by the sketch against exact counts, over random streams, in one piece and merged of several.
#include "base/hot_keys.h"

#include <map>
#include <random>

#include "tests/catch.h"

namespace tidemark {
namespace {

struct Counted {
  HotKeys sketch;
  std::map<uint64_t, uint64_t> exact;
  uint64_t total = 0;

  void add(uint64_t hash) {
    sketch.add(hash);
    exact[hash] += 1;
    total += 1;
  }
  double share(uint64_t hash) const {
    const auto found = exact.find(hash);
    return found == exact.end() ? 0 : static_cast<double>(found->second) / static_cast<double>(total);
  }
};

constexpr double kErrs = 1.0 / static_cast<double>(HotKeys::kMost);

}  // namespace

TEST_CASE("a share is never too large, nor short by more than the sketch may err, and none that is hot is missing") {
  for (uint32_t seed = 1; seed <= 50; ++seed) {
    std::mt19937_64 random(seed);
    Counted counted;
    const uint64_t keys = 1 + random() % 5000;
    const uint64_t hot = random() % 4;
    for (int i = 0; i < 20'000; ++i) counted.add(hot != 0 && random() % 4 == 0 ? random() % hot : random() % keys);
    REQUIRE(counted.sketch.total() == counted.total);
    std::map<uint64_t, double> found;
    for (const HotKeys::Key& key : counted.sketch.above(0)) {
      found[key.hash] = key.ratio;
      CHECK(key.ratio <= counted.share(key.hash) + 1e-9);
      CHECK(key.ratio >= counted.share(key.hash) - kErrs - 1e-9);
    }
    for (const auto& [hash, n] : counted.exact) {
      if (counted.share(hash) > kErrs) CHECK(found.contains(hash));
    }
  }
}

TEST_CASE("sketches of workers make one of all") {
  std::mt19937_64 random(7);
  Counted all;
  std::vector<HotKeys> parts(4);
  for (int i = 0; i < 40'000; ++i) {
    const uint64_t hash = random() % 3 == 0 ? 42 : random() % 10'000;
    all.add(hash);
    parts[random() % parts.size()].add(hash);
  }
  HotKeys merged;
  for (const HotKeys& part : parts) merged.add(part);
  CHECK(merged.total() == all.total);
  const auto hot = merged.above(0.05);
  REQUIRE(hot.size() == 1);
  CHECK(hot[0].hash == 42);
  CHECK(hot[0].ratio > all.share(42) - 4 * kErrs);
  CHECK(hot[0].ratio <= all.share(42) + 1e-9);
}

TEST_CASE("a weight counts as so many, and a key that was kept comes back with its hash") {
  HotKeys heavy, parts;
  heavy.add(1, 70, "one");
  heavy.add(2, 30);
  heavy.add(1, 100, "one");
  for (const HotKeys::Key& key : heavy.above(0)) CHECK(key.key == (key.hash == 1 ? "one" : ""));
  CHECK(heavy.total() == 200);
  CHECK(heavy.above(0)[0].ratio == 0.85);
  parts.add(heavy);
  CHECK(parts.above(0.5).at(0).key == "one");
  // Whoever takes an entry over takes nobody else's key.
  HotKeys full;
  for (uint64_t hash = 0; hash < HotKeys::kMost; ++hash) full.add(hash, 1, "k" + std::to_string(hash));
  full.add(1000, 5);
  for (const HotKeys::Key& key : full.above(0)) CHECK(key.key == (key.hash == 1000 ? "" : "k" + std::to_string(key.hash)));
}

TEST_CASE("what was hot long ago is hot no more") {
  HotKeys keys;
  for (int i = 0; i < 1000; ++i) keys.add(1);
  CHECK(keys.above(0.5).at(0).hash == 1);
  for (int epoch = 0; epoch < 5; ++epoch) {
    keys.age();
    for (int i = 0; i < 1000; ++i) keys.add(2);
  }
  const auto hot = keys.above(0.5);
  REQUIRE(hot.size() == 1);
  CHECK(hot[0].hash == 2);
  for (int epoch = 0; epoch < 20; ++epoch) keys.age();
  CHECK(keys.above(0).empty());
}

}  // namespace tidemark
