// A full house loses the connection whose deadline is nearest, and each phase has one but the computing. Parsing and
// rendering are http_protocol's, paths are http_routes'.
#include "daemon/http_server.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <limits>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/thread_name.h"
#include "daemon/socket.h"

namespace tidemark {

namespace {

constexpr Duration kNever = {std::numeric_limits<int64_t>::max()};
constexpr Duration kLinger = Duration::seconds(1);
constexpr Duration kAcceptPause = Duration::millis(100);

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
  std::string out;
  size_t sent = 0;
  bool over = false;  // to be closed at the end of the round
};

struct Question {
  uint64_t connection = 0;
  std::string path;
  bool head_only = false;
};

struct Answer {
  uint64_t connection = 0;
  std::string bytes;
};

// The second thread, and the two queues between it and the first. Both are bounded by `most` questions.
class Answerer {
 public:
  Answerer(StatusProvider& status, int wake_fd, size_t most)
      : status_(status), wake_fd_(wake_fd), most_(most), thread_([this] { work(); }) {}
  ~Answerer() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }
  Answerer(const Answerer&) = delete;
  Answerer& operator=(const Answerer&) = delete;

  // False if too many wait already.
  bool ask(Question question) {
    {
      const std::lock_guard lock(mutex_);
      if (questions_.size() >= most_) return false;
      questions_.push_back(std::move(question));
    }
    changed_.notify_one();
    return true;
  }

  std::vector<Answer> take_answers() {
    const std::lock_guard lock(mutex_);
    return std::exchange(answers_, {});
  }

 private:
  void work() {
    name_this_thread("http-worker");
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [&] { return stop_ || !questions_.empty(); });
      if (stop_) return;
      const Question question = std::move(questions_.front());
      questions_.pop_front();
      lock.unlock();
      Answer made{question.connection, render_http(answer(status_, question.path), question.head_only)};
      lock.lock();
      answers_.push_back(std::move(made));
      eventfd_write(wake_fd_, 1);
    }
  }

  StatusProvider& status_;
  const int wake_fd_;
  const size_t most_;
  std::mutex mutex_;  // guards the three below
  std::deque<Question> questions_;
  std::vector<Answer> answers_;
  bool stop_ = false;
  std::condition_variable changed_;
  std::thread thread_;  // last, so that it starts when all else is there
};

}  // namespace

// The first thread. All but stop_ belongs to it.
class HttpServer::Loop {
 public:
  Loop(Listener listener, Descriptor wake, StatusProvider& status, const Clock& clock, Logger logger, HttpLimits limits)
      : listener_(std::move(listener)),
        wake_(std::move(wake)),
        status_(status),
        clock_(clock),
        logger_(std::move(logger), Duration::minutes(1)),
        limits_(limits),
        answerer_(status, wake_.get(), limits.max_connections),
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
      if (polled_[1].revents != 0) accept_all();
      sweep();
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

  void accept_all() {
    while (true) {
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
    connections_.erase(nearest);
    logger_.warn("http_connection_evicted", {{"max_connections", limits_.max_connections}});
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
      case Phase::kLingering: linger(connection); return;
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
        reply(connection, render_http({431, "text/plain; charset=utf-8", "the request's head is too large\n"}, false));
      }
    }
  }

  void handle(Connection& connection, const std::optional<HttpRequest>& request) {
    if (!request) {
      reply(connection, render_http({400, "text/plain; charset=utf-8", "this is not HTTP/1\n"}, false));
      return;
    }
    const bool head_only = request->method == "HEAD";
    if (!head_only && request->method != "GET") {
      reply(connection, render_http({405, "text/plain; charset=utf-8", "only GET and HEAD\n"}, false));
      return;
    }
    if (is_liveness_path(request->path)) {
      reply(connection, render_http(answer_liveness(status_), head_only));
      return;
    }
    if (answerer_.ask({connection.id, request->path, head_only})) {
      connection.phase = Phase::kAnswering;
      connection.deadline = kNever;
      return;
    }
    reply(connection, render_http({503, "text/plain; charset=utf-8", "too many requests wait\n"}, head_only));
  }

  void take_answers() {
    for (Answer& made : answerer_.take_answers()) {
      const auto asker = std::find_if(connections_.begin(), connections_.end(),
                                      [&](const Connection& c) { return c.id == made.connection; });
      if (asker != connections_.end()) reply(*asker, std::move(made.bytes));
    }
  }

  void reply(Connection& connection, std::string bytes) {
    connection.out = std::move(bytes);
    connection.phase = Phase::kWriting;
    connection.deadline = clock_.elapsed() + limits_.response_within;
    write_some(connection);
  }

  void write_some(Connection& connection) {
    while (connection.sent < connection.out.size()) {
      const ssize_t n = send(connection.socket.get(), connection.out.data() + connection.sent,
                             connection.out.size() - connection.sent, MSG_NOSIGNAL);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
      if (n < 0) {
        connection.over = true;
        return;
      }
      connection.sent += static_cast<size_t>(n);
    }
    shutdown(connection.socket.get(), SHUT_WR);
    connection.phase = Phase::kLingering;
    connection.deadline = clock_.elapsed() + kLinger;
  }

  void linger(Connection& connection) {
    char buffer[4096];
    const ssize_t n = recv(connection.socket.get(), buffer, sizeof buffer, 0);
    const bool later = n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
    connection.over = n <= 0 && !later;
  }

  Listener listener_;
  Descriptor wake_;
  StatusProvider& status_;
  const Clock& clock_;
  RateLimited logger_;
  const HttpLimits limits_;
  std::vector<Connection> connections_;
  std::vector<pollfd> polled_;
  uint64_t last_id_ = 0;
  Duration accept_again_;
  Answerer answerer_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;  // last, so that it starts when all else is there
};

HttpServer::HttpServer(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {}
HttpServer::~HttpServer() = default;

const HttpAddress& HttpServer::address() const { return loop_->address(); }

Result<std::unique_ptr<HttpServer>> HttpServer::start(const HttpAddress& address, StatusProvider& status,
                                                      const Clock& clock, Logger logger, HttpLimits limits) {
  Result<Listener> listener = open_listener(address);
  if (!listener) return std::unexpected(listener.error());
  Descriptor wake(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!wake.open()) return external_error(std::string("cannot make an eventfd: ") + std::strerror(errno));
  auto loop = std::make_unique<Loop>(std::move(*listener), std::move(wake), status, clock, std::move(logger), limits);
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(loop)));
}

}  // namespace tidemark
