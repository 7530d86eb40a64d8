// As much of HTTP/1.1 as read-only endpoints need: a request's head in, a response out. Bodies of requests, keep-alive,
// compression and TLS are deliberately not here. Pure: no sockets.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace tidemark {

struct HttpRequest {
  std::string method;
  std::string path;  // without the query, percent-decoded
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

inline constexpr size_t kMaxHttpHead = 8 * 1024;

// Where the head ends in `input` (one past its empty line); nothing while it is incomplete.
std::optional<size_t> http_head_end(std::string_view input);

// Nothing if the head is not one of HTTP/1.x.
std::optional<HttpRequest> parse_http_head(std::string_view head);

// The whole response, with `Connection: close`; the body is left out for HEAD.
std::string render_http(const HttpResponse& response, bool head_only);

}  // namespace tidemark
