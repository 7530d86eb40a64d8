// The order of encoded keys is the order of their parts.
#include "state/state_key.h"

#include <random>
#include <tuple>

#include "state/write_set.h"
#include "tests/catch.h"

namespace tidemark {
namespace {

TEST_CASE("state keys decode to what was encoded and sort as their parts do") {
  std::mt19937_64 random(7);
  const int64_t times[] = {INT64_MIN, -1, 0, 1, 60'000'000, INT64_MAX};
  const std::string keys[] = {"", "a", std::string("\0", 1), "ab", "\xff\xff"};
  const uint16_t numbers[] = {0, 1, 255, 256, kMaxStep};
  const auto any = [&](const auto& list) { return list[random() % std::size(list)]; };
  for (int i = 0; i < 20'000; ++i) {
    const StateKeyHeader a{any(numbers), any(numbers), Time{any(times)}, Time{any(times)}};
    const StateKeyHeader b{any(numbers), any(numbers), Time{any(times)}, Time{any(times)}};
    const std::string ka = any(keys);
    const std::string kb = any(keys);
    const std::string ea = encode_state_key(a, ka);
    const auto decoded = decode_state_key(ea);
    REQUIRE(decoded);
    REQUIRE((decoded->header == a && decoded->key == ka));
    REQUIRE((ea < encode_state_key(b, kb)) == (std::tie(a, ka) < std::tie(b, kb)));
  }
}

TEST_CASE("ranges hold exactly what they say") {
  const auto in = [](const KeyRange& range, const StateKeyHeader& h) {
    const std::string key = encode_state_key(h, "\xff\xff\xff");
    return range.begin <= key && key < range.end;
  };
  const StateKeyHeader h{7, kMaxStep, Time{100}, Time::max()};
  CHECK(in(lane_range(7), h));
  CHECK_FALSE(in(lane_range(6), h));
  CHECK(in(step_range(7, kMaxStep), h));
  CHECK_FALSE(in(step_range(7, 0), h));
  CHECK(in(slice_range(7, kMaxStep, Time{100}, Time{100}), h));
  CHECK(in(slice_range(7, kMaxStep, Time::min(), Time::max()), h));
  CHECK_FALSE(in(slice_range(7, kMaxStep, Time::min(), Time{99}), h));
  CHECK_FALSE(in(slice_range(7, kMaxStep, Time{101}, Time::max()), h));
}

TEST_CASE("a short key and a key of the meta lane are no state keys") {
  CHECK_FALSE(decode_state_key(std::string(19, 'x')));
  CHECK_FALSE(decode_state_key(std::string(30, '\xff')));
}

TEST_CASE("the layout of a state key is what it was") {
  const std::string key = encode_state_key({1, 2, Time{3}, Time::min()}, "k");
  CHECK(key == std::string("\x00\x01\x00\x02\x80\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x00\x00\x00\x00\x00k", 21));
}

TEST_CASE("a write set sorts by key and keeps the order of equal keys") {
  std::mt19937_64 random(7);
  WriteSet set(2, 1);
  for (int i = 0; i < 5'000; ++i) {
    const StateKeyHeader header{2, static_cast<uint16_t>(random() % 2), Time{static_cast<int64_t>(random() % 5) - 2},
                                random() % 9 == 0 ? Time{5} : kCommonPartial};
    std::string key = random() % 3 == 0 ? "shared-prefix-" : "shared-";
    key += std::string(random() % 12, static_cast<char>(random() % 4));
    set.merge(header, key, std::to_string(i));
  }
  const auto sorted = set.sorted();
  REQUIRE(sorted.size() == 5'000);
  for (size_t i = 1; i < sorted.size(); ++i) {
    REQUIRE(sorted[i - 1].key <= sorted[i].key);
    if (sorted[i - 1].key != sorted[i].key) continue;
    REQUIRE(std::stoi(std::string(sorted[i - 1].value)) < std::stoi(std::string(sorted[i].value)));
  }
}

}  // namespace
}  // namespace tidemark
