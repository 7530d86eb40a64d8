// Addresses as `--http` takes, refuses and shows them.
#include "daemon/http_address.h"

#include "tests/catch.h"

namespace tidemark {

TEST_CASE("addresses as people write them") {
  CHECK(parse_http_address("127.0.0.1:9464") == HttpAddress{true, "127.0.0.1", 9464});
  CHECK(parse_http_address("0.0.0.0:80") == HttpAddress{true, "0.0.0.0", 80});
  CHECK(parse_http_address("localhost:0") == HttpAddress{true, "localhost", 0});
  CHECK(parse_http_address("[::1]:9000") == HttpAddress{true, "::1", 9000});
  CHECK_FALSE(parse_http_address("off")->on);
}

TEST_CASE("a port alone stays on loopback") {
  CHECK(parse_http_address(":0") == HttpAddress{true, "127.0.0.1", 0});
  CHECK(parse_http_address("9000") == HttpAddress{true, "127.0.0.1", 9000});
}

TEST_CASE("what is no address is refused with the right form") {
  for (const char* wrong : {"", ":", "localhost", "localhost:", "a:70000", "a:-1", "a:1x", "::1:9000", "[]:1", "on"}) {
    INFO(wrong);
    const auto parsed = parse_http_address(wrong);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().fault == Fault::kUser);
    CHECK(parsed.error().message.find("HOST:PORT") != std::string::npos);
  }
}

TEST_CASE("an address of this machine alone is told from others") {
  for (const char* text : {"127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "localhost:1", ":1", "1"}) {
    INFO(text);
    CHECK(is_loopback(*parse_http_address(text)));
  }
  for (const char* text : {"0.0.0.0:1", "[::]:1", "10.0.0.1:1", "host:1", "127.0.0.1.evil:1", "[::ffff:10.0.0.1]:1"}) {
    INFO(text);
    CHECK_FALSE(is_loopback(*parse_http_address(text)));
  }
}

TEST_CASE("hosts of requests that mean this machine") {
  for (const char* text : {"localhost", "localhost:8081", "127.0.0.1", "127.0.0.1:8081", "[::1]", "[::1]:8081"}) {
    INFO(text);
    CHECK(is_loopback_host(text));
  }
  for (const char* text : {"", "evil.example", "evil.example:8081", "localhost.evil.example", "127.0.0.1.evil.example:80",
                           "[::1", "[::1].evil.example", "10.0.0.1:8081", "::1"}) {
    INFO(text);
    CHECK_FALSE(is_loopback_host(text));
  }
}

TEST_CASE("addresses are written as they are read") {
  for (const char* text : {"127.0.0.1:9464", "[::1]:1", "off"}) CHECK(to_string(*parse_http_address(text)) == text);
}

}  // namespace tidemark
