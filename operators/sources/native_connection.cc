// A non-blocking socket. Reads ask for the rest of one answer and no more, so that what follows waits in the kernel, where
// the sender's own flow control bounds it.
#include "operators/sources/native_connection.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include <fmt/core.h>

#include "operators/sources/wire_bytes.h"

namespace tidemark {

namespace {

constexpr size_t kSize = sizeof(int32_t);
constexpr size_t kFirstRoom = size_t{256} << 10;
constexpr int32_t kMostBytes = 1 << 30;    // what claims to be larger is no answer
constexpr size_t kKept = size_t{4} << 20;  // a rare large answer does not hold its memory for ever

std::unexpected<Error> failed(const char* what, int error) {
  return external_error(fmt::format("{}: {}", what, std::strerror(error)));
}

}  // namespace

Status BrokerConnection::open(const std::string& host, int32_t port) {
  close();
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int code = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found); code != 0) {
    return external_error(fmt::format("{}: {}", host, gai_strerror(code)));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> addresses(found, freeaddrinfo);
  std::vector<const addrinfo*> all;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) all.push_back(at);
  const addrinfo& at = *all[tries_++ % all.size()];
  fd_ = socket(at.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return failed("socket", errno);
  if (connect(fd_, at.ai_addr, at.ai_addrlen) != 0 && errno != EINPROGRESS) {
    const int error = errno;
    close();
    return failed("connect", error);
  }
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(fd_, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  connecting_ = true;
  return {};
}

void BrokerConnection::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  connecting_ = false;
  out_.clear();
  drop_answer();
}

Result<bool> BrokerConnection::progress() {
  if (auto written = flush(); !written) return std::unexpected(written.error());
  return read_some();
}

Status BrokerConnection::flush() {
  if (connecting_) {
    int error = 0;
    socklen_t size = sizeof error;
    sockaddr_storage peer;
    socklen_t peer_size = sizeof peer;
    getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return failed("connect", error);
    if (getpeername(fd_, reinterpret_cast<sockaddr*>(&peer), &peer_size) != 0) return {};  // not yet
    connecting_ = false;
  }
  while (!out_.empty()) {
    const ssize_t n = ::send(fd_, out_.data(), out_.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return {};
    if (n < 0) return failed("send", errno);
    sent_ += n;
    out_.erase(0, static_cast<size_t>(n));
  }
  return {};
}

Result<bool> BrokerConnection::read_some() {
  if (connecting_) return false;
  while (true) {
    size_t wanted = kSize;
    if (filled_ >= kSize) {
      const auto size = from_big_endian<int32_t>(in_.data());
      if (size < 0 || size > kMostBytes) return external_error(fmt::format("an answer of {} bytes", size));
      wanted += static_cast<size_t>(size);
      if (filled_ == wanted) return true;
    }
    // Room for what comes, not for what a size promises.
    if (in_.size() == filled_) in_.resize(std::min(wanted, std::max(filled_ * 2, kFirstRoom)));
    const ssize_t n = recv(fd_, in_.data() + filled_, std::min(wanted, in_.size()) - filled_, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return false;
    if (n < 0) return failed("receive", errno);
    if (n == 0) return external_error("the broker closed the connection");
    filled_ += static_cast<size_t>(n);
    received_ += n;
  }
}

std::string_view BrokerConnection::answer() const { return {in_.data() + kSize, filled_ - kSize}; }

void BrokerConnection::drop_answer() {
  filled_ = 0;
  if (in_.size() <= kKept) return;
  in_.resize(kKept);
  in_.shrink_to_fit();
}

}  // namespace tidemark
