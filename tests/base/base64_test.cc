// Base64 both ways, against the vectors of RFC 4648, and what is refused.
#include "base/base64.h"

#include <random>
#include <string>

#include "tests/catch.h"

namespace tidemark {
namespace {

std::string encode(std::string_view bytes) {
  std::string out = "x";
  append_base64(bytes, out);
  return out.substr(1);
}

}  // namespace

TEST_CASE("Base64 of the RFC's vectors") {
  const std::string word = "foobar";
  const char* const encoded[] = {"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
  for (size_t i = 0; i <= word.size(); ++i) {
    CHECK(encode(word.substr(0, i)) == encoded[i]);
    std::string back;
    REQUIRE(append_decoded_base64(encoded[i], back));
    CHECK(back == word.substr(0, i));
  }
}

TEST_CASE("Any bytes come back from base64") {
  std::mt19937 random(3);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes(random() % 50, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    std::string back = "kept";
    REQUIRE(append_decoded_base64(encode(bytes), back));
    CHECK(back == "kept" + bytes);
  }
}

TEST_CASE("Base64 is read strictly") {
  for (const char* bad : {"Z", "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Zm-_", "Zm9v\n", "Zm 9", "=", "====", "Z===",
                          "=Zg=", "Zg==Zg==", "Zm9vZg=a", "\xC3\xA5==", "Zm9vZ"}) {
    INFO(bad);
    std::string out = "kept";
    CHECK_FALSE(append_decoded_base64(bad, out));
    CHECK(out == "kept");
  }
}

}  // namespace tidemark
