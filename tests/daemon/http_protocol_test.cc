// Heads of requests in every form, broken ones among them, and text made safe for pages and links.
#include "daemon/http_protocol.h"

#include "tests/catch.h"

namespace tidemark {

TEST_CASE("a head ends with its empty line") {
  CHECK_FALSE(http_head_end("GET / HTTP/1.1\r\nHost: x\r\n"));
  CHECK(http_head_end("GET / HTTP/1.1\r\n\r\nrest") == 18);
}

TEST_CASE("targets in every form give the path") {
  CHECK(parse_http_head("GET /a%20b?x=/y HTTP/1.0\r\n\r\n")->path == "/a b");
  CHECK(parse_http_head("GET http://host:1/a HTTP/1.1\r\n\r\n")->path == "/a");
  CHECK(parse_http_head("GET http://host HTTP/1.1\r\n\r\n")->path == "/");
  CHECK(parse_http_head("HEAD / HTTP/1.1\r\n\r\n")->method == "HEAD");
}

TEST_CASE("what is not a request of HTTP/1 is none") {
  for (const char* wrong : {"\r\n\r\n", "GET\r\n\r\n", "GET /\r\n\r\n", "GET / HTTP/2\r\n\r\n", " / HTTP/1.1\r\n\r\n",
                            "GET a HTTP/1.1\r\n\r\n", "GET /%4 HTTP/1.1\r\n\r\n", "GET /%g0 HTTP/1.1\r\n\r\n"}) {
    INFO(wrong);
    CHECK_FALSE(parse_http_head(wrong));
  }
}

}  // namespace tidemark
