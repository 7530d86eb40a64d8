// The socket does not block: each step waits for it with what is left of the time. An answer is over when its length says
// so, or when the server, which was asked to close, has closed.
#include "daemon/http_client.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <optional>

#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "daemon/socket.h"

namespace tidemark {

namespace {

constexpr size_t kLongestAnswer = 64 * 1024;

std::unexpected<Error> no_answer(const HttpAddress& address, std::string_view why) {
  return external_error(fmt::format("{} does not answer: {}", to_string(address), why));
}

std::unexpected<Error> no_http(const HttpAddress& address) {
  return external_error(fmt::format("{} does not speak HTTP", to_string(address)));
}

// A socket and the time until which it may be used. What fails leaves its reason in errno.
class Connection {
 public:
  Connection(const Clock& clock, Duration deadline) : clock_(clock), deadline_(deadline) {}

  bool connect_to(const addrinfo& where) {
    fd_ = Descriptor(socket(where.ai_family, where.ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, where.ai_protocol));
    if (!fd_.open()) return false;
    if (connect(fd_.get(), where.ai_addr, where.ai_addrlen) == 0) return true;
    if (errno != EINPROGRESS || !wait_for(POLLOUT)) return false;
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) return false;
    errno = error;
    return error == 0;
  }

  bool send_all(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n > 0) bytes.remove_prefix(static_cast<size_t>(n));
      if (n < 0 && !may_go_on(POLLOUT)) return false;
    }
    return true;
  }

  // Appends what has come; nothing: the other side has closed.
  std::optional<bool> receive(std::string& to) {
    char part[4096];
    while (true) {
      const ssize_t n = recv(fd_.get(), part, sizeof part, 0);
      if (n > 0) to.append(part, static_cast<size_t>(n));
      if (n >= 0) return n > 0;
      if (!may_go_on(POLLIN)) return std::nullopt;
    }
  }

 private:
  bool may_go_on(short event) { return errno == EINTR || (errno == EAGAIN && wait_for(event)); }

  bool wait_for(short event) {
    while (true) {
      const Duration left = deadline_ - clock_.elapsed();
      if (left <= Duration{0}) return errno = EAGAIN, false;
      pollfd one{fd_.get(), event, 0};
      const int n = poll(&one, 1, static_cast<int>(left.to_millis() + 1));
      if (n > 0) return true;
      if (n < 0 && errno != EINTR) return false;
    }
  }

  const Clock& clock_;
  const Duration deadline_;
  Descriptor fd_;
};

std::string reason(int error) { return error == EAGAIN ? "it took too long" : std::strerror(error); }

// The number that a head gives as the length of the body; nothing: the body ends with the connection.
std::optional<size_t> content_length(std::string_view head) {
  constexpr std::string_view kName = "\r\ncontent-length:";
  const auto same = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
  const auto found = std::ranges::search(head, kName, same);
  if (found.empty()) return std::nullopt;
  std::string_view rest = head.substr(static_cast<size_t>(found.end() - head.begin()));
  rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  size_t length = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), length);
  return error == std::errc{} ? std::optional(length) : std::nullopt;
}

// Whether no more of it needs to be read.
bool is_whole(std::string_view text) {
  const size_t head = text.find("\r\n\r\n");
  if (head == std::string_view::npos) return text.size() >= kLongestAnswer;
  const size_t wanted = content_length(text.substr(0, head)).value_or(kLongestAnswer);
  return text.size() - head - 4 >= std::min(wanted, kLongestAnswer);
}

// The first resolved address that takes the connection.
Status connect_to(const HttpAddress& address, Connection& connection) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int unknown = getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
  if (unknown != 0) return no_answer(address, gai_strerror(unknown));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> candidates(found, &freeaddrinfo);
  int error = EADDRNOTAVAIL;
  for (const addrinfo* candidate = found; candidate != nullptr; candidate = candidate->ai_next) {
    if (connection.connect_to(*candidate)) return {};
    error = errno;
  }
  return no_answer(address, reason(error));
}

Result<HttpReply> read_answer(const HttpAddress& from, std::string_view text) {
  const size_t head = text.find("\r\n\r\n");
  int status = 0;
  if (!text.starts_with("HTTP/1.") || head == std::string_view::npos) return no_http(from);
  const std::string_view number = text.substr(std::string_view("HTTP/1.1 ").size(), 3);
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), status);
  if (error != std::errc{} || status < 100) return no_http(from);
  return HttpReply{status, std::string(text.substr(head + 4))};
}

}  // namespace

Result<HttpReply> ask_http(const HttpAddress& to, const OutgoingRequest& request, Duration within) {
  const SystemClock clock;
  Connection connection(clock, clock.elapsed() + within);
  if (Status connected = connect_to(to, connection); !connected) return std::unexpected(connected.error());
  std::string words = fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", request.method, request.path, to_string(to));
  if (!request.content_type.empty()) {
    words += fmt::format("Content-Type: {}\r\nContent-Length: {}\r\n", request.content_type, request.body.size());
  }
  words.append("\r\n").append(request.body);
  if (!connection.send_all(words)) return no_answer(to, reason(errno));
  std::string answer;
  while (!is_whole(answer)) {
    const std::optional<bool> more = connection.receive(answer);
    if (!more) return no_answer(to, reason(errno));
    if (!*more) break;
  }
  return read_answer(to, answer);
}

}  // namespace tidemark
