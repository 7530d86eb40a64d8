// One request over a blocking socket whose calls time out, read to its end: the server closes after each answer. No
// redirects, no TLS, no proxies: it asks the process next door.
#include "daemon/health_command.h"

#include <cerrno>
#include <cstring>
#include <memory>
#include <ostream>
#include <string>

#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/error.h"
#include "daemon/socket.h"

namespace tidemark {

namespace {

constexpr size_t kLongestAnswer = 64 * 1024;

std::unexpected<Error> no_answer(const HttpAddress& address, std::string_view why) {
  return external_error(fmt::format("{} does not answer: {}", to_string(address), why));
}

std::string reason(int error) {
  return error == EAGAIN || error == EINPROGRESS ? "it took too long" : std::strerror(error);
}

// On Linux the time to send is the time to connect, too.
Descriptor connect_to(const addrinfo& where, Duration within) {
  Descriptor fd(socket(where.ai_family, where.ai_socktype | SOCK_CLOEXEC, where.ai_protocol));
  if (!fd.open()) return fd;
  const timeval limit{within.us / 1'000'000, within.us % 1'000'000};
  setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  if (connect(fd.get(), where.ai_addr, where.ai_addrlen) != 0) {
    const int error = errno;
    fd = Descriptor();
    errno = error;
  }
  return fd;
}

// The first resolved address that takes the connection.
Result<Descriptor> connect_to(const HttpAddress& address, Duration within) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int unknown = getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
  if (unknown != 0) return no_answer(address, gai_strerror(unknown));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> candidates(found, &freeaddrinfo);
  int error = EADDRNOTAVAIL;
  for (const addrinfo* candidate = found; candidate != nullptr; candidate = candidate->ai_next) {
    Descriptor fd = connect_to(*candidate, within);
    if (fd.open()) return fd;
    error = errno;
  }
  return no_answer(address, reason(error));
}

Result<std::string> get(const HttpAddress& address, std::string_view path, Duration within) {
  auto connection = connect_to(address, within);
  if (!connection) return std::unexpected(connection.error());
  const std::string head = fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", path, to_string(address));
  if (send(connection->get(), head.data(), head.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(head.size())) {
    return no_answer(address, reason(errno));
  }
  std::string answer;
  char part[4096];
  while (answer.size() < kLongestAnswer) {
    const ssize_t n = recv(connection->get(), part, sizeof part, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return no_answer(address, reason(errno));
    if (n == 0) break;
    answer.append(part, static_cast<size_t>(n));
  }
  return answer;
}

}  // namespace

int health_command(const HealthCommand& command, std::ostream& out, std::ostream& err, Duration within) {
  const auto answer = get(command.http, command.ready ? "/readyz" : "/livez", within);
  if (!answer) return err << "tidemark: " << answer.error().message << "\n", 1;
  const size_t body = answer->find("\r\n\r\n");
  if (!answer->starts_with("HTTP/1.") || body == std::string::npos) {
    return err << "tidemark: " << to_string(command.http) << " does not speak HTTP\n", 1;
  }
  const std::string status = answer->substr(9, 3), said = answer->substr(body + 4);
  if (status == "200") return out << said, 0;
  return err << "tidemark: " << to_string(command.http) << " answers " << status << ": " << said, 1;
}

}  // namespace tidemark
