// Where an HTTP server listens, as `--http` and `--admin` write it. It opens nothing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace tidemark {

struct HttpAddress {
  bool on = true;
  std::string host = "127.0.0.1";
  uint16_t port = 9464;  // 0: any free one

  bool operator==(const HttpAddress&) const = default;
};

// `HOST:PORT`, `[IPV6]:PORT`, `:PORT` or `PORT` (both on loopback: other machines get in only through a named host such
// as 0.0.0.0), or `off`.
Result<HttpAddress> parse_http_address(std::string_view text);
// `127.0.0.1:9464`, `[::1]:9464`, `off`.
std::string to_string(const HttpAddress& address);

// Whether only this machine can be meant: 127.0.0.0/8, ::1 or localhost.
bool is_loopback(const HttpAddress& address);
// The same for what a request's Host header says: HOST, HOST:PORT, an IPv6 one in brackets.
bool is_loopback_host(std::string_view host);

}  // namespace tidemark
