// Where the HTTP server listens, as `--http` writes it. It opens nothing.
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

}  // namespace tidemark
