// The port stands behind the last colon, or alone, so that hosts with colons need brackets. Whether there is such a
// host shows when it is listened on.
#include "daemon/http_address.h"

#include <charconv>
#include <optional>
#include <system_error>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

namespace tidemark {

namespace {

std::optional<uint16_t> parse_port(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return port;
}

}  // namespace

Result<HttpAddress> parse_http_address(std::string_view text) {
  HttpAddress address;
  if (text == "off") {
    address.on = false;
    return address;
  }
  const auto refuse = [&] {
    return user_error(fmt::format("`{}` is no address: write HOST:PORT such as 127.0.0.1:9464, :PORT, or off", text));
  };
  const size_t colon = text.rfind(':');
  const std::optional<uint16_t> port = parse_port(colon == std::string_view::npos ? text : text.substr(colon + 1));
  if (!port) return refuse();
  address.port = *port;
  if (colon == std::string_view::npos || colon == 0) return address;
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (host.empty() || (!bracketed && host.find(':') != std::string_view::npos)) return refuse();
  address.host = host;
  return address;
}

bool is_loopback(const HttpAddress& address) {
  in_addr v4{};
  if (inet_pton(AF_INET, address.host.c_str(), &v4) == 1) return ntohl(v4.s_addr) >> 24 == 127;
  in6_addr v6{};
  if (inet_pton(AF_INET6, address.host.c_str(), &v6) == 1) return IN6_IS_ADDR_LOOPBACK(&v6);
  return address.host == "localhost";
}

bool is_loopback_host(std::string_view host) {
  if (host.starts_with('[')) {
    const size_t end = host.find(']');
    if (end == std::string_view::npos || !(end + 1 == host.size() || host[end + 1] == ':')) return false;
    return is_loopback({true, std::string(host.substr(1, end - 1)), 0});
  }
  return is_loopback({true, std::string(host.substr(0, host.find(':'))), 0});
}

std::string to_string(const HttpAddress& address) {
  if (!address.on) return "off";
  const bool ipv6 = address.host.find(':') != std::string::npos;
  if (ipv6) return fmt::format("[{}]:{}", address.host, address.port);
  return fmt::format("{}:{}", address.host, address.port);
}

}  // namespace tidemark
