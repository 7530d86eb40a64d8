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

TEST_CASE("of the headers those are read that somebody asks for, in whatever case") {
  const auto request = parse_http_head("POST /a HTTP/1.1\r\nhOST:  localhost:1 \r\nAccept: */*\r\nno header\r\n"
                                       "Content-Type:application/json\r\n\r\n");
  REQUIRE(request);
  CHECK(request->host == "localhost:1");
  CHECK(request->content_type == "application/json");
  CHECK_FALSE(request->origin);
  CHECK(parse_http_head("GET / HTTP/1.1\r\nOrigin:\r\n\r\n")->origin == "");
  CHECK_FALSE(parse_http_head("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"));
  CHECK_FALSE(parse_http_head("GET / HTTP/1.1\r\nHost : a\r\n\r\n")->host);
}

TEST_CASE("a refusal of a method names those that there are") {
  HttpResponse response = json_error(405, "only \"POST\"");
  response.allow = "POST";
  const std::string text = render_http(response, false);
  CHECK(text.starts_with("HTTP/1.1 405 Method Not Allowed\r\n"));
  CHECK(text.find("\r\nAllow: POST\r\n") != std::string::npos);
  CHECK(text.ends_with("\r\n\r\n{\"error\":\"only \\\"POST\\\"\"}\n"));
  CHECK(render_http(json_answer(202, "{}"), false).find("Allow:") == std::string::npos);
}

TEST_CASE("what is not a request of HTTP/1 is none") {
  for (const char* wrong : {"\r\n\r\n", "GET\r\n\r\n", "GET /\r\n\r\n", "GET / HTTP/2\r\n\r\n", " / HTTP/1.1\r\n\r\n",
                            "GET a HTTP/1.1\r\n\r\n", "GET /%4 HTTP/1.1\r\n\r\n", "GET /%g0 HTTP/1.1\r\n\r\n"}) {
    INFO(wrong);
    CHECK_FALSE(parse_http_head(wrong));
  }
}

}  // namespace tidemark
