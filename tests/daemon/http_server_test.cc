// The HTTP server over real sockets, with clients that are slow, rude or many.
#include "daemon/http_server.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "daemon/http_routes.h"
#include "daemon/socket.h"
#include "tests/catch.h"

namespace tidemark {

namespace {

class FakeStatus final : public StatusProvider {
 public:
  bool live(std::string& why) override {
    why = "lane 3 has not moved for 60s";
    return alive;
  }
  bool ready(std::string& why) override {
    why = "orders: restoring";
    return is_ready;
  }
  std::string metrics_text() override {
    std::unique_lock lock(mutex_);
    scrapes += 1;
    corked_.wait(lock, [&] { return !cork_; });
    return metrics;
  }
  std::string pipelines_json() override { return R"([{"name":"a<b"}])"; }
  std::optional<std::string> pipeline_json(std::string_view name) override {
    if (name != "a<b") return std::nullopt;
    return R"({"name":"a<b"})";
  }

  std::optional<std::string> plan_json(std::string_view name) override {
    return name == "a<b" ? std::optional<std::string>(R"({"pipeline":"a<b"})") : std::nullopt;
  }
  std::optional<std::string> plan_text(std::string_view name) override {
    return name == "a<b" ? std::optional<std::string>("pipeline a<b\n") : std::nullopt;
  }

  void cork(bool on) {
    {
      const std::lock_guard lock(mutex_);
      cork_ = on;
    }
    corked_.notify_all();
  }

  std::atomic<bool> alive = true;
  std::atomic<bool> is_ready = true;
  std::atomic<int> scrapes = 0;
  std::string metrics = "up 1\n";  // set before the server starts

 private:
  std::mutex mutex_;  // guards cork_
  std::condition_variable corked_;
  bool cork_ = false;
};

Descriptor dial(const HttpServer& server) {
  Descriptor fd(socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(server.address().port);
  inet_pton(AF_INET, "127.0.0.1", &where.sin_addr);
  REQUIRE(connect(fd.get(), reinterpret_cast<sockaddr*>(&where), sizeof where) == 0);
  const timeval patience{10, 0};
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  return fd;
}

void say(const Descriptor& fd, std::string_view text) { send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL); }

// All that comes until the other side closes.
std::string hear(const Descriptor& fd) {
  std::string all;
  char buffer[65536];
  for (ssize_t n = 0; (n = recv(fd.get(), buffer, sizeof buffer, 0)) > 0;) all.append(buffer, static_cast<size_t>(n));
  return all;
}

// Whether the server closes within `ms`.
bool is_closed_within(const Descriptor& fd, int ms) {
  pollfd one{fd.get(), POLLIN, 0};
  char byte = 0;
  return poll(&one, 1, ms) == 1 && recv(fd.get(), &byte, 1, MSG_DONTWAIT) <= 0;
}

std::string ask(const HttpServer& server, const std::string& request) {
  const Descriptor fd = dial(server);
  say(fd, request);
  return hear(fd);
}

std::string get(const HttpServer& server, const std::string& path) {
  return ask(server, "GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n");
}

int status_of(const std::string& response) {
  return response.starts_with("HTTP/1.1 ") ? std::stoi(response.substr(9, 3)) : 0;
}

std::string body_of(const std::string& response) { return response.substr(response.find("\r\n\r\n") + 4); }

const HttpAddress kAnyPort{true, "127.0.0.1", 0};

struct Fixture {
  FakeStatus status;
  StatusRoutes routes{status};
  SystemClock clock;
  CapturingLogSink log;

  std::unique_ptr<HttpServer> start(HttpLimits limits = {}) {
    auto server = HttpServer::start(kAnyPort, routes, clock, Logger(log, clock), limits);
    REQUIRE(server);
    return std::move(*server);
  }
};

}  // namespace

TEST_CASE("every endpoint answers") {
  Fixture f;
  const auto server = f.start();
  CHECK(server->address().port != 0);
  const std::string metrics = get(*server, "/metrics");
  CHECK(status_of(metrics) == 200);
  CHECK(metrics.find("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n") != std::string::npos);
  CHECK(metrics.find("Content-Length: 5\r\n") != std::string::npos);
  CHECK(body_of(metrics) == "up 1\n");
  CHECK(body_of(get(*server, "/livez")) == "ok\n");
  CHECK(body_of(get(*server, "/readyz?verbose")) == "ok\n");
  CHECK(body_of(get(*server, "/api/v1/pipelines")) == "[{\"name\":\"a<b\"}]\n");
  CHECK(body_of(get(*server, "/api/v1/pipelines/a%3Cb")) == "{\"name\":\"a<b\"}\n");
  const std::string page = get(*server, "/");
  CHECK(page.find("text/html") != std::string::npos);
  CHECK(page.find("<title>Tidemark</title>") != std::string::npos);
  CHECK(page.find("Content-Security-Policy: default-src 'none'; connect-src 'self';") != std::string::npos);
  CHECK(body_of(page).size() < 60'000);
  CHECK(body_of(get(*server, "/api/v1/pipelines/a%3Cb/plan")) == "{\"pipeline\":\"a<b\"}\n");
  CHECK(body_of(get(*server, "/api/v1/pipelines/a%3Cb/explain")) == "pipeline a<b\n");
}

TEST_CASE("a daemon that is not live or not ready answers 503 and why") {
  Fixture f;
  f.status.alive = false;
  f.status.is_ready = false;
  const auto server = f.start();
  CHECK(status_of(get(*server, "/livez")) == 503);
  CHECK(body_of(get(*server, "/livez")) == "lane 3 has not moved for 60s\n");
  CHECK(status_of(get(*server, "/readyz")) == 503);
  CHECK(body_of(get(*server, "/readyz")) == "orders: restoring\n");
}

TEST_CASE("what is not served is refused") {
  Fixture f;
  const auto server = f.start();
  CHECK(status_of(get(*server, "/nothing")) == 404);
  const std::string unknown = get(*server, "/api/v1/pipelines/a%22");
  CHECK(status_of(unknown) == 404);
  CHECK(body_of(unknown) == "{\"error\":\"there is no pipeline `a\\\"`; see /api/v1/pipelines\"}\n");
  CHECK(status_of(get(*server, "/api/v1/pipelines/a%3Cb/secrets")) == 404);
  CHECK(status_of(get(*server, "/api/v1/pipelines/b/plan")) == 404);
  const std::string post = ask(*server, "POST /metrics HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc");
  CHECK(status_of(post) == 405);
  CHECK(post.find("Allow: GET, HEAD\r\n") != std::string::npos);
  CHECK(status_of(ask(*server, "hello\r\n\r\n")) == 400);
  CHECK(status_of(ask(*server, "GET /%zz HTTP/1.1\r\n\r\n")) == 400);
  CHECK(status_of(ask(*server, "GET / HTTP/1.1\r\nX: " + std::string(2 * kMaxHttpHead, 'x'))) == 431);
}

TEST_CASE("HEAD gives the head alone") {
  Fixture f;
  const auto server = f.start();
  const std::string response = ask(*server, "HEAD /metrics HTTP/1.1\r\n\r\n");
  CHECK(response.find("Content-Length: 5\r\n") != std::string::npos);
  CHECK(body_of(response).empty());
}

TEST_CASE("a request that comes byte by byte is served") {
  Fixture f;
  const auto server = f.start();
  const Descriptor fd = dial(*server);
  for (const char c : std::string("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")) {
    say(fd, std::string(1, c));
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  CHECK(body_of(hear(fd)) == "up 1\n");
}

TEST_CASE("a large answer arrives whole at a slow reader") {
  Fixture f;
  f.status.metrics = std::string(8 * 1024 * 1024, 'm');
  const auto server = f.start();
  const Descriptor fd = dial(*server);
  say(fd, "GET /metrics HTTP/1.1\r\n\r\n");
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  CHECK(body_of(hear(fd)).size() == f.status.metrics.size());
}

TEST_CASE("liveness answers while scrapes hang, readers stall and silent clients fill every place") {
  Fixture f;
  const HttpLimits limits{.max_connections = 8};
  const auto server = f.start(limits);
  f.status.cork(true);
  std::vector<Descriptor> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(dial(*server));
    if (i % 2 == 0) say(clients.back(), "GET /metrics HTTP/1.1\r\n\r\n");
    CHECK(status_of(get(*server, "/livez")) == 200);
  }
  f.status.cork(false);
  std::string scrape = get(*server, "/metrics");
  for (int i = 0; i < 100 && status_of(scrape) == 503; ++i) {  // until the questions that waited are answered
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    scrape = get(*server, "/metrics");
  }
  CHECK(body_of(scrape) == "up 1\n");
  CHECK(f.log.saw("http_connection_evicted"));
}

TEST_CASE("probes answer while a scrape hangs, and those who wait for the same page are answered by one look") {
  Fixture f;
  const auto server = f.start();
  f.status.cork(true);
  std::vector<Descriptor> clients;
  for (int i = 0; i < 6; ++i) {
    clients.push_back(dial(*server));
    say(clients.back(), i == 5 ? "HEAD /metrics HTTP/1.1\r\n\r\n" : "GET /metrics HTTP/1.1\r\n\r\n");
    CHECK(body_of(get(*server, "/readyz")) == "ok\n");  // by then the server has read what came before
    for (int n = 0; f.status.scrapes == 0 && n < 10'000; ++n) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    REQUIRE(f.status.scrapes > 0);  // the first is looked after alone
  }
  f.status.cork(false);
  for (int i = 0; i < 6; ++i) CHECK(body_of(hear(clients[static_cast<size_t>(i)])) == (i == 5 ? "" : "up 1\n"));
  CHECK(f.status.scrapes == 2);
}

TEST_CASE("answers that nobody takes have bounded room: the slowest reader goes, the newest is served") {
  Fixture f;
  f.status.metrics = std::string(40 * 1024 * 1024, 'm');  // more than sockets take in
  const auto server = f.start({.max_answer_bytes = 40 << 20});
  const Descriptor slow = dial(*server);
  say(slow, "GET /metrics HTTP/1.1\r\n\r\n");
  pollfd begun{slow.get(), POLLIN, 0};
  REQUIRE(poll(&begun, 1, 10'000) == 1);
  CHECK(body_of(get(*server, "/metrics")).size() == f.status.metrics.size());
  CHECK(hear(slow).size() < f.status.metrics.size());
  CHECK(f.log.saw("http_reader_too_slow"));
}

TEST_CASE("hundreds of connections that say nothing keep no probe waiting, whatever they do") {
  Fixture f;
  const auto server = f.start({.max_connections = 16});
  const std::string junk(3000, '\xff');
  std::vector<Descriptor> clients;
  for (int i = 0; i < 400; ++i) {
    clients.push_back(dial(*server));
    if (i % 4 == 1) say(clients.back(), junk);
    if (i % 4 == 2) say(clients.back(), "GET /livez HTTP/1.1\r\n\r\nGET /livez HTTP/1.1\r\n\r\nGET / HTTP");
    if (i % 4 == 3) say(clients.back(), "GET /livez HTTP/1.1\r\nX: ");
    if (i % 20 == 0) CHECK(status_of(get(*server, "/livez")) == 200);
  }
}

TEST_CASE("of requests that are sent at once the first is answered, and the connection closed") {
  Fixture f;
  const auto server = f.start();
  const std::string answers = ask(*server, "GET /livez HTTP/1.1\r\n\r\nGET /readyz HTTP/1.1\r\n\r\n");
  CHECK(answers.find("HTTP/1.1 ") == answers.rfind("HTTP/1.1 "));
}

TEST_CASE("a client that does not finish its request in time is closed") {
  Fixture f;
  const auto server = f.start({.max_connections = 8, .request_within = Duration::millis(50)});
  const Descriptor fd = dial(*server);
  say(fd, "GET /metr");
  CHECK(is_closed_within(fd, 5000));
}

TEST_CASE("a client that does not read its answer in time is closed") {
  Fixture f;
  f.status.metrics = std::string(32 * 1024 * 1024, 'm');
  const auto server = f.start({.max_connections = 8, .response_within = Duration::millis(100)});
  const Descriptor fd = dial(*server);
  say(fd, "GET /metrics HTTP/1.1\r\n\r\n");
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  CHECK(hear(fd).size() < f.status.metrics.size());
}

TEST_CASE("a port in use is the user's error and names the ways out") {
  Fixture f;
  const auto server = f.start();
  const auto second = HttpServer::start(server->address(), f.routes, f.clock, Logger());
  REQUIRE_FALSE(second);
  CHECK(second.error().fault == Fault::kUser);
  CHECK(second.error().message == "cannot listen on " + to_string(server->address()) +
                                      ": the port is in use; choose another with --http HOST:PORT, let one be picked "
                                      "with --http :0, or go without with --http off");
  const auto admin = HttpServer::start(server->address(), f.routes, f.clock, Logger(), {}, "--admin");
  REQUIRE_FALSE(admin);
  CHECK(admin.error().message.ends_with("or go without with --admin off"));
}

TEST_CASE("an address of another machine is the user's error") {
  Fixture f;
  const auto server = HttpServer::start({true, "192.0.2.1", 0}, f.routes, f.clock, Logger());
  REQUIRE_FALSE(server);
  CHECK(server.error().fault == Fault::kUser);
  CHECK(server.error().message.find("does not have that address") != std::string::npos);
}

TEST_CASE("the server stops at once although clients are connected, and its port is free again") {
  Fixture f;
  auto server = f.start();
  const HttpAddress address = server->address();
  const Descriptor idle = dial(*server);
  CHECK(status_of(get(*server, "/livez")) == 200);
  server.reset();
  CHECK(is_closed_within(idle, 5000));
  CHECK(HttpServer::start(address, f.routes, f.clock, Logger()));
}

}  // namespace tidemark
