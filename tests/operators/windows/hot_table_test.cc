// Hot tables: every key once, states that never move, small tables that cost little, and key order for the store.
#include "operators/windows/hot_table.h"

#include <map>
#include <random>
#include <set>

#include "operators/key_codec.h"
#include "operators/windows/sorted_entries.h"
#include "tests/catch.h"

namespace tidemark {
namespace {

constexpr size_t kStateBytes = 16;
const std::vector<std::byte> kBlank(kStateBytes, std::byte{0});

uint64_t& counter(std::byte* state) { return *reinterpret_cast<uint64_t*>(state); }
uint64_t counter(const std::byte* state) { return *reinterpret_cast<const uint64_t*>(state); }

std::string random_key(std::mt19937_64& rng, uint64_t distinct) {
  const uint64_t n = rng() % distinct;
  // Lengths around the border of what lies inline, and a few long ones.
  return std::string(n % 7 == 0 ? 40 : n % 14, '\x01') + std::to_string(n);
}

struct KeyBatch {
  std::vector<std::string> texts;
  std::vector<std::string_view> keys;
  std::vector<uint64_t> hashes;
  std::vector<uint32_t> rows;
};

KeyBatch random_batch(std::mt19937_64& rng, uint64_t distinct, size_t n) {
  KeyBatch b;
  for (size_t i = 0; i < n; ++i) b.texts.push_back(random_key(rng, distinct));
  for (const std::string& t : b.texts) {
    b.keys.push_back(t);
    b.hashes.push_back(hash_key(t));
  }
  for (uint32_t i = 0; i < n; i += 1 + static_cast<uint32_t>(rng() % 2)) b.rows.push_back(i);
  return b;
}

}  // namespace

TEST_CASE("a table counts every key once, whatever the batches") {
  std::mt19937_64 rng(1);
  for (const uint64_t distinct : {uint64_t{1}, uint64_t{10}, uint64_t{500}, uint64_t{50'000}}) {
    HotTable table(kBlank);
    std::map<std::string, uint64_t> expected;
    std::map<std::string, const std::byte*> places;
    for (int round = 0; round < 60; ++round) {
      const KeyBatch b = random_batch(rng, distinct, 1 + rng() % 3000);
      std::vector<std::byte*> states(b.rows.size());
      table.find_or_insert(b.keys, b.hashes, b.rows, states.data());
      for (size_t i = 0; i < b.rows.size(); ++i) {
        const std::string& key = b.texts[b.rows[i]];
        ++counter(states[i]);
        ++expected[key];
        REQUIRE(places.try_emplace(key, states[i]).first->second == states[i]);
      }
    }
    REQUIRE(table.size() == expected.size());
    std::set<std::string_view> seen;
    uint32_t i = 0;
    table.for_each([&](const HotTable::Entry& e) {
      REQUIRE(seen.insert(e.key()).second);
      REQUIRE(counter(e.states()) == expected.at(std::string(e.key())));
      REQUIRE(e.hash() == hash_key(e.key()));
      REQUIRE(table.find(e.key(), e.hash()) == i++);
    });
    CHECK(table.find("no such key", hash_key("no such key")) == HotTable::kNone);
  }
}

TEST_CASE("keys whose hashes collide are told apart") {
  HotTable table(kBlank);
  std::set<std::byte*> places;
  for (int i = 0; i < 300; ++i) places.insert(table.find_or_insert("key number " + std::to_string(i), 42));
  CHECK(places.size() == 300);
  CHECK(table.find("key number 7", 42) == 7);
  CHECK(table.size() == 300);
}

TEST_CASE("small tables are small and large ones are not wasteful") {
  HotTable table(kBlank);
  CHECK(table.bytes() < 400);
  for (const std::string_view key : {"one", "two", "a key that does not lie inline"}) table.find_or_insert(key, hash_key(key));
  CHECK(table.bytes() < 1024);
  HotTable large(kBlank);
  constexpr size_t kKeys = 100'000;
  for (size_t i = 0; i < kKeys; ++i) {
    const std::string key = "user_" + std::to_string(i);
    large.find_or_insert(key, hash_key(key));
  }
  CHECK(large.bytes() < kKeys * (sizeof(HotTable::Entry) + kStateBytes + 32));
  CHECK(large.bytes() > kKeys * (sizeof(HotTable::Entry) + kStateBytes + 8));
}

TEST_CASE("sorted entries lie in the order of their bytes") {
  std::mt19937_64 rng(2);
  for (int round = 0; round < 200; ++round) {
    HotTable table(kBlank);
    std::set<std::string> expected;
    const std::string shared(rng() % 12, '\xfe');
    for (uint64_t n = rng() % 300; n > 0; --n) {
      std::string key = shared;
      for (uint64_t length = rng() % 14; length > 0; --length) key += static_cast<char>(rng() % 3 == 0 ? rng() % 256 : 'a');
      expected.insert(key);
      table.find_or_insert(key, hash_key(key));
    }
    std::vector<std::string> sorted;
    for (const HotTable::Entry* e : sorted_entries(table)) sorted.emplace_back(e->key());
    REQUIRE(sorted == std::vector<std::string>(expected.begin(), expected.end()));
  }
}

}  // namespace tidemark
