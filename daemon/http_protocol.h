// As much of HTTP/1.1 as endpoints without bodies need: a request's head in, a response out. Bodies of requests,
// keep-alive, compression and TLS are deliberately not here. Pure: no sockets.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace tidemark {

struct HttpRequest {
  std::string method;
  std::string path;  // without the query, percent-decoded
  // Of the headers, those that anybody asks for.
  std::optional<std::string> host;
  std::optional<std::string> origin;
  std::optional<std::string> content_type;
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  std::string allow;  // of a 405: the methods that there are
};

// Who answers requests. A server calls it from two threads.
class HttpHandler {
 public:
  virtual ~HttpHandler() = default;
  // On the thread that serves all connections, so from atomics alone: no lock that is held across work, no I/O, never
  // Kafka. Nothing: answer() is asked instead.
  virtual std::optional<HttpResponse> answer_at_once(const HttpRequest& request) = 0;
  // On one other thread; may take its time.
  virtual HttpResponse answer(const HttpRequest& request) = 0;
};

inline constexpr size_t kMaxHttpHead = 8 * 1024;

// Where the head ends in `input` (one past its empty line); nothing while it is incomplete.
std::optional<size_t> http_head_end(std::string_view input);

// Nothing if the head is not one of HTTP/1.x, or names two hosts.
std::optional<HttpRequest> parse_http_head(std::string_view head);

// `%41` -> `A`; nothing where a percent sign is followed by no two hexadecimal digits.
std::optional<std::string> percent_decode(std::string_view text);

HttpResponse json_answer(int status, std::string body);
// An error as all of the API tells it: {"error": message}.
HttpResponse json_error(int status, std::string_view message);

// The whole response, with `Connection: close`; the body is left out for HEAD.
std::string render_http(const HttpResponse& response, bool head_only);

}  // namespace tidemark
