// What an arena hands out is exact and stays until it is cleared; what it keeps after that is limited.
#include "base/arena.h"

#include <string>
#include <vector>

#include "tests/catch.h"

namespace tidemark {
namespace {

std::string text_of(size_t size, size_t seed) {
  std::string text;
  for (size_t i = 0; i < size; ++i) text += static_cast<char>('a' + (i * 7 + seed) % 26);
  return text;
}

}  // namespace

TEST_CASE("Copies of every length are exact and leave their neighbours alone") {
  for (size_t size = 0; size < 100; ++size) {
    const std::string text = text_of(size, size);
    std::string to(size + 2, '#');
    Arena::copy_bytes(to.data() + 1, text);
    CHECK(to == "#" + text + "#");
  }
}

TEST_CASE("What an arena holds stays until it is cleared, use after use") {
  Arena arena(128);
  for (int use = 0; use < 5; ++use) {
    std::vector<std::string> expected;
    std::vector<std::string_view> copies;
    for (size_t i = 0; i < 300; ++i) {
      expected.push_back(text_of(i * (use + 3) % 400, i));
      copies.push_back(arena.copy(expected.back()));
    }
    for (size_t i = 0; i < expected.size(); ++i) REQUIRE(copies[i] == expected[i]);
    arena.clear();
    CHECK(arena.bytes_used() == 0);
  }
}

TEST_CASE("An arena uses its first blocks again and gives back the rest") {
  Arena arena(1024);
  for (int i = 0; i < 100; ++i) arena.allocate(1000);
  const size_t held = arena.bytes_reserved();
  arena.clear();
  CHECK(arena.bytes_reserved() == held);
  for (int i = 0; i < 100; ++i) arena.allocate(1000);
  CHECK(arena.bytes_reserved() == held);
  for (int i = 0; i < 2000; ++i) arena.allocate(1000);
  arena.clear();
  CHECK(arena.bytes_reserved() <= Arena::kKeptBytes);
  Arena large(1024);
  large.allocate(2 * Arena::kKeptBytes);
  large.allocate(1);
  large.clear();
  CHECK(large.bytes_reserved() == 2 * Arena::kKeptBytes);
}

}  // namespace tidemark
