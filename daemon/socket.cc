// The first resolved address that can be listened on is taken; where none can, the last error comes with a way out.
#include "daemon/socket.h"

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace tidemark {

namespace {

using AddressList = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

Result<AddressList> resolve(const HttpAddress& address) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
  if (error != 0) {
    return user_error(fmt::format("cannot listen on {}: {}", to_string(address), gai_strerror(error)));
  }
  return AddressList(found, &freeaddrinfo);
}

// What to do about a failed bind or listen.
std::string way_out(int error, std::string_view option) {
  const std::string elsewhere =
      fmt::format("choose another with {0} HOST:PORT, let one be picked with {0} :0, or go without with {0} off", option);
  switch (error) {
    case EADDRINUSE: return fmt::format("the port is in use; {}", elsewhere);
    case EACCES: return fmt::format("ports below 1024 need privileges; {}", elsewhere);
    case EADDRNOTAVAIL: return "this machine does not have that address; 0.0.0.0 or [::] stand for all that it has";
  }
  return std::strerror(error);
}

uint16_t bound_port(int fd) {
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size) != 0) return 0;
  if (bound.ss_family == AF_INET6) return ntohs(reinterpret_cast<sockaddr_in6*>(&bound)->sin6_port);
  return ntohs(reinterpret_cast<sockaddr_in*>(&bound)->sin_port);
}

// Listens on one resolved address; closed, with errno set, if it cannot.
Descriptor listen_on(const addrinfo& where) {
  Descriptor fd(socket(where.ai_family, where.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, where.ai_protocol));
  if (!fd.open()) return fd;
  // A restarted daemon gets its port back although old connections linger; one that is listened on stays taken.
  const int on = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  // As many as are accepted well within the time that a probe waits; whom it has no room for tries again a second later.
  constexpr int kBacklog = 1024;
  if (bind(fd.get(), where.ai_addr, where.ai_addrlen) != 0 || listen(fd.get(), kBacklog) != 0) {
    const int error = errno;
    fd = Descriptor();
    errno = error;
  }
  return fd;
}

}  // namespace

void Descriptor::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    close();
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

Result<Listener> open_listener(const HttpAddress& address, std::string_view option) {
  Result<AddressList> candidates = resolve(address);
  if (!candidates) return std::unexpected(candidates.error());
  int error = EADDRNOTAVAIL;
  for (const addrinfo* candidate = candidates->get(); candidate != nullptr; candidate = candidate->ai_next) {
    Descriptor fd = listen_on(*candidate);
    if (fd.open()) {
      HttpAddress bound = address;
      bound.port = bound_port(fd.get());
      return Listener{std::move(fd), std::move(bound)};
    }
    error = errno;
  }
  return user_error(fmt::format("cannot listen on {}: {}", to_string(address), way_out(error, option)));
}

}  // namespace tidemark
