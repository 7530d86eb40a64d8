// Compares the partition hash with what the Java client computes, from a golden file.
#include "operators/formats/murmur2.h"

#include <fstream>
#include <sstream>
#include <string>

#include "tests/catch.h"

namespace tidemark {
namespace {

std::string from_hex(const std::string& hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

}  // namespace

TEST_CASE("Keys get the hash and the partition that the Java client gives them") {
  std::ifstream file(TIDEMARK_SOURCE_DIR "/tests/operators/formats/golden/murmur2.txt");
  REQUIRE(file);
  int keys = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    std::string hex;
    int32_t hash = 0, of_3 = 0, of_12 = 0, of_1000 = 0;
    REQUIRE(words >> hex >> hash >> of_3 >> of_12 >> of_1000);
    const std::string key = hex == "-" ? "" : from_hex(hex);
    INFO(hex);
    CHECK(murmur2(key) == hash);
    CHECK(murmur2_partition(key, 3) == of_3);
    CHECK(murmur2_partition(key, 12) == of_12);
    CHECK(murmur2_partition(key, 1000) == of_1000);
    CHECK(murmur2_partition(key, 1) == 0);
    ++keys;
  }
  CHECK(keys >= 40);
}

}  // namespace tidemark
