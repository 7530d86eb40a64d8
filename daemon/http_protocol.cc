// Of a head only the first line and a few headers are read; each response closes its connection.
#include "daemon/http_protocol.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include <fmt/format.h>

#include "base/safe_text.h"

namespace tidemark {

namespace {

// What a page may do: run its own script and ask where it came from.
constexpr std::string_view kOnlyItself =
    "default-src 'none'; connect-src 'self'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:";

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200: return "OK";
    case 202: return "Accepted";
    case 400: return "Bad Request";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 409: return "Conflict";
    case 415: return "Unsupported Media Type";
    case 431: return "Request Header Fields Too Large";
    case 503: return "Service Unavailable";
  }
  return "Status";
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The path of a target such as `/a?b`, or of `http://host/a?b`, which proxies send.
std::string_view path_of(std::string_view target) {
  if (const size_t scheme = target.find("://"); scheme != std::string_view::npos && !target.starts_with('/')) {
    const size_t slash = target.find('/', scheme + 3);
    target = slash == std::string_view::npos ? "/" : target.substr(slash);
  }
  return target.substr(0, target.find('?'));
}

bool is_same_name(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

// `lines`: what stands behind the first line. False where two hosts are named: who is asked would depend on the reader.
bool read_headers(std::string_view lines, HttpRequest& request) {
  const std::pair<std::string_view, std::optional<std::string>*> wanted[] = {
      {"host", &request.host}, {"origin", &request.origin}, {"content-type", &request.content_type}};
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find("\r\n"));
    lines.remove_prefix(std::min(lines.size(), line.size() + 2));
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    for (const auto& [name, value] : wanted) {
      if (!is_same_name(line.substr(0, colon), name)) continue;
      if (value == &request.host && value->has_value()) return false;
      *value = trimmed(line.substr(colon + 1));
    }
  }
  return true;
}

}  // namespace

std::optional<std::string> percent_decode(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

std::optional<size_t> http_head_end(std::string_view input) {
  const size_t end = input.find("\r\n\r\n");
  if (end == std::string_view::npos) return std::nullopt;
  return end + 4;
}

std::optional<HttpRequest> parse_http_head(std::string_view head) {
  const std::string_view line = head.substr(0, head.find("\r\n"));
  const size_t method_end = line.find(' ');
  if (method_end == std::string_view::npos || method_end == 0) return std::nullopt;
  const size_t target_end = line.find(' ', method_end + 1);
  if (target_end == std::string_view::npos) return std::nullopt;
  if (!line.substr(target_end + 1).starts_with("HTTP/1.")) return std::nullopt;
  const std::string_view target = line.substr(method_end + 1, target_end - method_end - 1);
  std::optional<std::string> path = percent_decode(path_of(target));
  if (!path || !path->starts_with('/')) return std::nullopt;
  HttpRequest request;
  request.method = line.substr(0, method_end);
  request.path = std::move(*path);
  if (!read_headers(head.substr(std::min(head.size(), line.size() + 2)), request)) return std::nullopt;
  return request;
}

HttpResponse json_answer(int status, std::string body) {
  return {status, "application/json", std::move(body) + "\n", ""};
}

HttpResponse json_error(int status, std::string_view message) {
  std::string body = R"({"error":)";
  append_quoted(message, body);
  return json_answer(status, body + "}");
}

std::string render_http(const HttpResponse& response, bool head_only) {
  const std::string allow = response.allow.empty() ? "" : fmt::format("Allow: {}\r\n", response.allow);
  std::string out = fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\nCache-Control: no-store\r\n"
      "X-Content-Type-Options: nosniff\r\nContent-Security-Policy: {}\r\n{}\r\n",
      response.status, reason_phrase(response.status), response.content_type, response.body.size(), kOnlyItself,
      allow);
  if (!head_only) out += response.body;
  return out;
}

}  // namespace tidemark
