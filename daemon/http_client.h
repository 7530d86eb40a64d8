// One HTTP/1.1 request over a connection of its own, within a time limit: what the process asks of those next door, as a
// health check or a collector. No redirects, no TLS, no proxies, no connection kept.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/time.h"
#include "daemon/http_address.h"

namespace tidemark {

struct OutgoingRequest {
  std::string_view method = "GET";
  std::string_view path = "/";
  std::string_view content_type = {};  // empty: there is no body
  std::string_view body = {};
};

struct HttpReply {
  int status = 0;
  std::string body;  // of a long one, the beginning
};

// `to` is not off. All of it, but for looking the name up, takes no longer than `within`. Errors are external: nobody
// answers, not in time, or not in HTTP.
Result<HttpReply> ask_http(const HttpAddress& to, const OutgoingRequest& request, Duration within);

}  // namespace tidemark
