// The thread that serves all connections. Parsing and rendering are http_protocol's, what takes a while is
// http_answerer's, and what the answers are is the handler's.
#include "daemon/http_server.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <limits>
#include <thread>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/thread_name.h"
#include "daemon/cpu_share.h"
#include "daemon/http_answerer.h"
#include "daemon/socket.h"

namespace tidemark {

namespace {

constexpr Duration kNever = {std::numeric_limits<int64_t>::max()};
constexpr Duration kLinger = Duration::seconds(1);
constexpr Duration kAcceptPause = Duration::millis(100);
constexpr int kAcceptsAtOnce = 64;                   // then who is connected already has his turn
constexpr Duration kAtOnce = Duration::millis(500);  // of CPU time, by who was quiet: ten thousand connections
constexpr Duration kLongestRest = Duration::millis(40);  // a probe waits no longer

enum class Phase {
  kReading,    // the request's head
  kAnswering,  // the second thread computes
  kWriting,
  kLingering,  // all is sent: wait for the client to close, so that a reset does not take the answer from it
};

struct Connection {
  uint64_t id = 0;
  Descriptor socket;
  Phase phase = Phase::kReading;
  Duration deadline;
  std::string in;
  std::shared_ptr<const std::string> out;
  size_t sent = 0;
  bool over = false;  // to be closed at the end of the round
};

}  // namespace

// The first thread. All but stop_ belongs to it.
class HttpServer::Loop {
 public:
  Loop(Listener listener, Descriptor wake, HttpHandler& handler, const Clock& clock, Logger logger, HttpLimits limits)
      : listener_(std::move(listener)),
        wake_(std::move(wake)),
        handler_(handler),
        clock_(clock),
        logger_(std::move(logger), Duration::minutes(1)),
        limits_(limits),
        answerer_(handler, clock, wake_.get(), limits.max_connections, limits.answering_share),
        thread_([this] { run(); }) {}

  ~Loop() {
    stop_ = true;
    eventfd_write(wake_.get(), 1);
    thread_.join();
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  const HttpAddress& address() const { return listener_.address; }

 private:
  void run() {
    name_this_thread("http");
    CpuShare ration(limits_.serving_share, kAtOnce);
    while (!stop_) {
      wait();
      if (polled_[0].revents != 0) {
        eventfd_t ignored = 0;
        eventfd_read(wake_.get(), &ignored);
        take_answers();
      }
      // polled_ lists the connections of before this round, in their order.
      for (size_t i = 2; i < polled_.size(); ++i) {
        if (polled_[i].revents != 0) serve(connections_[i - 2], polled_[i].revents);
      }
      sweep();
      if (polled_[1].revents != 0) accept_some();
      sweep();
      sleep_for(std::min(kLongestRest, ration.rest(clock_.elapsed(), thread_cpu_time())));
    }
  }

  void sweep() {
    const Duration now = clock_.elapsed();
    std::erase_if(connections_, [&](const Connection& c) { return c.over || c.deadline <= now; });
  }

  // Fills polled_: the wake-up, the listener, the connections.
  void wait() {
    const Duration now = clock_.elapsed();
    Duration next = kNever;
    polled_.clear();
    polled_.push_back({wake_.get(), POLLIN, 0});
    if (now >= accept_again_) {
      polled_.push_back({listener_.socket.get(), POLLIN, 0});
    } else {
      polled_.push_back({-1, 0, 0});
      next = accept_again_;
    }
    for (const Connection& connection : connections_) {
      polled_.push_back({connection.socket.get(), events_of(connection.phase), 0});
      next = std::min(next, connection.deadline);
    }
    int timeout_ms = -1;
    if (next != kNever) timeout_ms = static_cast<int>(std::max<int64_t>(0, (next - now).to_millis()) + 1);
    if (poll(polled_.data(), polled_.size(), timeout_ms) < 0) {
      for (pollfd& one : polled_) one.revents = 0;
    }
  }

  static short events_of(Phase phase) {
    switch (phase) {
      case Phase::kReading: return POLLIN;
      case Phase::kAnswering: return 0;
      case Phase::kWriting: return POLLOUT;
      case Phase::kLingering: return POLLIN;
    }
    return 0;
  }

  void accept_some() {
    for (int i = 0; i < kAcceptsAtOnce; ++i) {
      Descriptor socket(accept4(listener_.socket.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (!socket.open()) {
        const int error = errno;
        if (error == EINTR || error == ECONNABORTED) continue;
        if (error != EAGAIN && error != EWOULDBLOCK) pause_accepting(error);
        return;
      }
      if (connections_.size() >= limits_.max_connections) close_one();
      Connection& made = connections_.emplace_back();
      made.id = ++last_id_;
      made.socket = std::move(socket);
      made.deadline = clock_.elapsed() + limits_.request_within;
      read_head(made);
    }
  }

  // Out of descriptors or memory: a listener that stays readable must not spin this thread.
  void pause_accepting(int error) {
    logger_.warn("http_accept_failed", {{"error", std::strerror(error)}});
    accept_again_ = clock_.elapsed() + kAcceptPause;
    if (!connections_.empty()) close_one();
  }

  void close_one() {
    const auto nearest = std::min_element(connections_.begin(), connections_.end(),
                                          [](const auto& a, const auto& b) { return a.deadline < b.deadline; });
    if (nearest->phase == Phase::kReading) reset_when_closed(nearest->socket);
    connections_.erase(nearest);
    logger_.warn("http_connection_evicted", {{"max_connections", limits_.max_connections}});
  }

  // Half as dear as a farewell, and leaves nothing behind. Not where an answer may still be on its way.
  static void reset_when_closed(const Descriptor& socket) {
    const linger at_once{1, 0};
    setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }

  void serve(Connection& connection, short events) {
    if ((events & (POLLERR | POLLNVAL)) != 0) {
      connection.over = true;
      return;
    }
    switch (connection.phase) {
      case Phase::kReading: read_head(connection); return;
      case Phase::kAnswering: connection.over = (events & POLLHUP) != 0; return;
      case Phase::kWriting: write_some(connection); return;
      case Phase::kLingering: drop_input(connection); return;
    }
  }

  void read_head(Connection& connection) {
    char buffer[2048];
    while (connection.phase == Phase::kReading) {
      const ssize_t n = recv(connection.socket.get(), buffer, sizeof buffer, 0);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
      if (n <= 0) {
        connection.over = true;
        return;
      }
      connection.in.append(buffer, static_cast<size_t>(n));
      if (const auto end = http_head_end(connection.in)) {
        handle(connection, parse_http_head(std::string_view(connection.in).substr(0, *end)));
      } else if (connection.in.size() > kMaxHttpHead) {
        refuse(connection, 431, "the request's head is too large\n");
      }
    }
  }

  void handle(Connection& connection, const std::optional<HttpRequest>& request) {
    if (!request) {
      refuse(connection, 400, "this is not HTTP/1\n");
    } else if (const auto made = handler_.answer_at_once(*request)) {
      reply(connection, render_http(*made, request->method == "HEAD"));
    } else if (answerer_.ask(connection.id, *request)) {
      connection.phase = Phase::kAnswering;
      connection.deadline = clock_.elapsed() + limits_.response_within;
    } else {
      refuse(connection, 503, "too many requests wait\n");
    }
  }

  void refuse(Connection& connection, int status, const char* why) {
    reply(connection, render_http({status, "text/plain; charset=utf-8", why, ""}, false));
  }

  void take_answers() {
    for (const HttpAnswer& made : answerer_.take_answers()) {
      for (Connection& connection : connections_) {
        const bool asked = std::ranges::find(made.connections, connection.id) != made.connections.end();
        if (asked && !connection.over) reply(connection, made.bytes);
      }
    }
  }

  void reply(Connection& connection, std::string bytes) {
    reply(connection, std::make_shared<const std::string>(std::move(bytes)));
  }

  void reply(Connection& connection, std::shared_ptr<const std::string> bytes) {
    connection.in = {};
    connection.out = std::move(bytes);
    connection.phase = Phase::kWriting;
    connection.deadline = clock_.elapsed() + limits_.response_within;
    write_some(connection);
    if (connection.phase == Phase::kWriting) make_room(connection);
  }

  // Who has been slow for longest goes first.
  void make_room(const Connection& newest) {
    while (bytes_waiting() > limits_.max_answer_bytes) {
      Connection* slowest = nullptr;
      for (Connection& one : connections_) {
        if (&one == &newest || one.phase != Phase::kWriting || one.over) continue;
        if (slowest == nullptr || one.deadline < slowest->deadline) slowest = &one;
      }
      if (slowest == nullptr) return;
      slowest->over = true;
      logger_.warn("http_reader_too_slow", {{"max_answer_bytes", limits_.max_answer_bytes}});
    }
  }

  // An answer that several have yet to take counts for each of them.
  size_t bytes_waiting() const {
    size_t bytes = 0;
    for (const Connection& one : connections_) {
      if (one.phase == Phase::kWriting && !one.over) bytes += one.out->size() - one.sent;
    }
    return bytes;
  }

  void write_some(Connection& connection) {
    while (connection.sent < connection.out->size()) {
      const ssize_t n = send(connection.socket.get(), connection.out->data() + connection.sent,
                             connection.out->size() - connection.sent, MSG_NOSIGNAL);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
      if (n < 0) {
        connection.over = true;
        return;
      }
      connection.sent += static_cast<size_t>(n);
    }
    shutdown(connection.socket.get(), SHUT_WR);
    connection.out.reset();
    connection.phase = Phase::kLingering;
    connection.deadline = clock_.elapsed() + kLinger;
  }

  void drop_input(Connection& connection) {
    char buffer[4096];
    const ssize_t n = recv(connection.socket.get(), buffer, sizeof buffer, 0);
    const bool later = n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
    connection.over = n <= 0 && !later;
  }

  Listener listener_;
  Descriptor wake_;
  HttpHandler& handler_;
  const Clock& clock_;
  RateLimited logger_;
  const HttpLimits limits_;
  std::vector<Connection> connections_;
  std::vector<pollfd> polled_;
  uint64_t last_id_ = 0;
  Duration accept_again_;
  HttpAnswerer answerer_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;  // last, so that it starts when all else is there
};

HttpServer::HttpServer(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {}
HttpServer::~HttpServer() = default;

const HttpAddress& HttpServer::address() const { return loop_->address(); }

Result<std::unique_ptr<HttpServer>> HttpServer::start(const HttpAddress& address, HttpHandler& handler,
                                                      const Clock& clock, Logger logger, HttpLimits limits,
                                                      std::string_view option) {
  Result<Listener> listener = open_listener(address, option);
  if (!listener) return std::unexpected(listener.error());
  Descriptor wake(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!wake.open()) return external_error(std::string("cannot make an eventfd: ") + std::strerror(errno));
  auto loop = std::make_unique<Loop>(std::move(*listener), std::move(wake), handler, clock, std::move(logger), limits);
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(loop)));
}

}  // namespace tidemark
