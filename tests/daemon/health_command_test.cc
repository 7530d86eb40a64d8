// The command that asks a process for its health, against the real server and against sockets that answer badly.
#include "daemon/health_command.h"

#include <atomic>
#include <sstream>
#include <string>
#include <thread>

#include <sys/socket.h>

#include "daemon/http_routes.h"
#include "daemon/http_server.h"
#include "daemon/socket.h"
#include "tests/catch.h"

namespace tidemark {

namespace {

struct FakeStatus final : StatusProvider {
  bool live(std::string& why) override { return why = "pipeline p has not moved", alive.load(); }
  bool ready(std::string& why) override { return why = "pipeline p is restoring", is_ready.load(); }
  std::string metrics_text() override { return ""; }
  std::string pipelines_json() override { return "[]"; }
  std::optional<std::string> pipeline_json(std::string_view) override { return std::nullopt; }
  std::optional<std::string> plan_json(std::string_view) override { return std::nullopt; }
  std::optional<std::string> plan_text(std::string_view) override { return std::nullopt; }

  std::atomic<bool> alive = true, is_ready = true;
};

struct Answer {
  int code;
  std::string out, err;
};

Answer ask(const HttpAddress& address, bool ready, Duration within = Duration::seconds(5)) {
  std::ostringstream out, err;
  const int code = health_command({address, ready}, out, err, within);
  return {code, out.str(), err.str()};
}

// Takes one connection and says `words`, or nothing, and closes only when it is destroyed.
class RudeServer {
 public:
  explicit RudeServer(std::string words) : listener_(*open_listener({true, "127.0.0.1", 0})) {
    thread_ = std::thread([this, words = std::move(words)] {
      while (!over_ && !peer_.open()) {
        peer_ = Descriptor(accept(listener_.socket.get(), nullptr, nullptr));
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
      }
      if (!words.empty()) {
        (void)send(peer_.get(), words.data(), words.size(), MSG_NOSIGNAL);
        peer_ = Descriptor();
      }
    });
  }
  ~RudeServer() {
    over_ = true;
    thread_.join();
  }
  const HttpAddress& address() const { return listener_.address; }

 private:
  Listener listener_;
  Descriptor peer_;
  std::atomic<bool> over_ = false;
  std::thread thread_;
};

}  // namespace

TEST_CASE("health says what the process says, with an exit code") {
  FakeStatus status;
  CapturingLogSink log;
  const SystemClock clock;
  StatusRoutes routes(status);
  const auto server = *HttpServer::start({true, "127.0.0.1", 0}, routes, clock, Logger(log, clock));
  CHECK(ask(server->address(), false).code == 0);
  CHECK(ask(server->address(), true).out == "ok\n");
  status.is_ready = false;
  CHECK(ask(server->address(), false).code == 0);
  const Answer waiting = ask(server->address(), true);
  CHECK(waiting.code == 1);
  CHECK(waiting.out.empty());
  CHECK(waiting.err == "tidemark: " + to_string(server->address()) + " answers 503: pipeline p is restoring\n");
  status.alive = false;
  CHECK(ask(server->address(), false).err.ends_with("answers 503: pipeline p has not moved\n"));
}

TEST_CASE("health is no where nobody answers, or not in time, or not in HTTP") {
  HttpAddress nobody;
  {
    const auto listener = open_listener({true, "127.0.0.1", 0});
    REQUIRE(listener);
    nobody = listener->address;
  }
  CHECK(ask(nobody, false).err == "tidemark: " + to_string(nobody) + " does not answer: Connection refused\n");
  CHECK(ask({true, "no.such.host.invalid", 1}, false).code == 1);

  const RudeServer silent("");
  const Answer late = ask(silent.address(), false, Duration::millis(50));
  CHECK(late.code == 1);
  CHECK(late.err == "tidemark: " + to_string(silent.address()) + " does not answer: it took too long\n");

  for (const char* words : {"SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK"}) {
    const RudeServer other(words);
    const Answer answer = ask(other.address(), false);
    CHECK(answer.code == 1);
    CHECK(answer.err.find(to_string(other.address())) != std::string::npos);
  }
}

}  // namespace tidemark
