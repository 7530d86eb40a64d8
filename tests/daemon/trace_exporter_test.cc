// The exporter against a collector on a real socket: one that takes, refuses, is busy, hangs or is not there.
#include "daemon/trace_exporter.h"

#include <sys/socket.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

#include "daemon/socket.h"
#include "tests/catch.h"

namespace tidemark {
namespace {

// Answers each request with the next of `statuses`, the last one for ever; 0: not at all.
class Collector {
 public:
  explicit Collector(std::vector<int> statuses) : statuses_(std::move(statuses)), listener_(*open_listener({true, "127.0.0.1", 0})) {
    thread_ = std::thread([this] { run(); });
  }
  ~Collector() {
    over_ = true;
    thread_.join();
  }
  const HttpAddress& address() const { return listener_.address; }
  std::vector<std::string> requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  void run() {
    std::vector<Descriptor> hanging;
    while (!over_) {
      Descriptor peer(accept(listener_.socket.get(), nullptr, nullptr));
      if (!peer.open()) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        continue;
      }
      const int status = answer(read_request(peer));
      if (status == 0) {
        hanging.push_back(std::move(peer));
        continue;
      }
      const std::string words = "HTTP/1.1 " + std::to_string(status) + " So\r\nContent-Length: 2\r\n\r\n{}";
      (void)send(peer.get(), words.data(), words.size(), MSG_NOSIGNAL);
    }
  }

  std::string read_request(Descriptor& peer) {
    std::string text;
    char part[65536];
    while (true) {
      const ssize_t n = recv(peer.get(), part, sizeof part, 0);
      if (n <= 0) return text;
      text.append(part, static_cast<size_t>(n));
      const size_t head = text.find("\r\n\r\n"), length = text.find("Content-Length: ");
      if (head != std::string::npos && length < head && text.size() >= head + 4 + std::stoul(text.substr(length + 16))) return text;
    }
  }

  int answer(std::string request) {
    const std::lock_guard lock(mutex_);
    requests_.push_back(std::move(request));
    return statuses_[std::min(requests_.size(), statuses_.size()) - 1];
  }

  const std::vector<int> statuses_;
  Listener listener_;
  std::mutex mutex_;  // guards requests_
  std::vector<std::string> requests_;
  std::atomic<bool> over_ = false;
  std::thread thread_;
};

HttpAddress nobody() {
  const auto listener = open_listener({true, "127.0.0.1", 0});
  REQUIRE(listener);
  return listener->address;
}

Trace trace_of(size_t spans, uint64_t id = 1) {
  Trace trace{{id, id}, {}};
  for (size_t i = 0; i < spans; ++i) trace.spans.push_back({i + 1, i == 0 ? 0u : 1u, "s", {1}, {2}, {}, {}});
  return trace;
}

struct Fixture {
  explicit Fixture(const HttpAddress& address) {
    options.endpoint = {address, "/v1/traces"};
    options.resource = {{"service.name", "t"}};
    options.request_within = Duration::millis(500);
    options.first_wait = Duration::millis(5);
    options.longest_wait = Duration::millis(20);
    options.flush_within = Duration::millis(500);
  }
  void start() { exporter.emplace(options, metrics, Logger(log, clock)); }

  MetricRegistry registry;
  TraceMetrics metrics{registry};
  const SystemClock clock;
  CapturingLogSink log;
  TraceExporterOptions options;
  std::optional<TraceExporter> exporter;
};

// Within some seconds.
bool comes_true(const std::function<bool()>& what) {
  for (int i = 0; i < 5'000; ++i) {
    if (what()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

}  // namespace

TEST_CASE("traces reach the collector as it wants them") {
  Collector collector({200});
  Fixture f(collector.address());
  f.start();
  f.exporter->take(trace_of(3));
  CHECK(comes_true([&] { return f.metrics.exported.value() == 3; }));
  CHECK(f.exporter->stop());
  REQUIRE(collector.requests().size() == 1);
  const std::string request = collector.requests()[0];
  CHECK(request.starts_with("POST /v1/traces HTTP/1.1\r\nHost: " + to_string(collector.address()) + "\r\n"));
  CHECK(request.find("\r\nContent-Type: application/json\r\n") != std::string::npos);
  const auto json = nlohmann::json::parse(request.substr(request.find("\r\n\r\n") + 4));
  CHECK(json["resourceSpans"][0]["scopeSpans"][0]["spans"].size() == 3);
  CHECK(f.metrics.dropped.value() == 0);
  CHECK(f.log.lines().empty());
}

TEST_CASE("what waits when it stops is sent before it ends") {
  Collector collector({200});
  Fixture f(collector.address());
  f.start();
  for (uint64_t i = 1; i <= 700; ++i) f.exporter->take(trace_of(5, i));  // more than one request takes
  CHECK(f.exporter->stop());
  CHECK(f.metrics.exported.value() == 3500);
  CHECK(collector.requests().size() >= 4);
  f.exporter->take(trace_of(2));
  CHECK(f.metrics.dropped.value() == 2);
}

TEST_CASE("a busy collector is asked again, one that refuses is not") {
  Collector busy({503, 429, 200});
  Fixture f(busy.address());
  f.start();
  f.exporter->take(trace_of(2));
  CHECK(comes_true([&] { return f.metrics.exported.value() == 2; }));
  CHECK(busy.requests().size() == 3);
  CHECK(f.metrics.dropped.value() == 0);
  CHECK(f.log.lines().size() == 1);  // repeats are held back

  Collector refusing({400});
  Fixture g(refusing.address());
  g.start();
  g.exporter->take(trace_of(2));
  CHECK(comes_true([&] { return g.metrics.dropped.value() == 2; }));
  CHECK(g.exporter->stop());
  CHECK(refusing.requests().size() == 1);
  CHECK(g.metrics.exported.value() == 0);
  CHECK(g.log.saw("traces_not_sent"));
}

TEST_CASE("with nobody there the newest wait, the others are dropped and counted") {
  Fixture f(nobody());
  f.options.most_spans = 10;
  f.start();
  for (uint64_t i = 1; i <= 100; ++i) f.exporter->take(trace_of(4, i));
  CHECK(f.metrics.dropped.value() >= 4 * 96);
  CHECK(f.metrics.dropped.value() <= 4 * 98);
  CHECK(f.exporter->stop());
  CHECK(f.metrics.dropped.value() == 400);
  CHECK(f.metrics.exported.value() == 0);
}

TEST_CASE("a trace larger than all that may wait is sent all the same") {
  Collector collector({200});
  Fixture f(collector.address());
  f.options.most_spans = 10;
  f.start();
  f.exporter->take(trace_of(50));
  CHECK(f.exporter->stop());
  CHECK(f.metrics.exported.value() == 50);
}

TEST_CASE("a collector that hangs holds nobody up: neither who gives traces nor the end") {
  Collector collector({0});
  Fixture f(collector.address());
  f.options.most_spans = 1000;
  f.options.flush_within = Duration::millis(300);
  f.options.request_within = Duration::millis(300);
  f.start();
  f.exporter->take(trace_of(1));
  CHECK(comes_true([&] { return collector.requests().size() == 1; }));
  const Duration begin = f.clock.elapsed();
  for (uint64_t i = 1; i <= 10'000; ++i) f.exporter->take(trace_of(1, i));
  CHECK(f.clock.elapsed() - begin < Duration::seconds(2));
  CHECK(f.exporter->stop());
  CHECK(f.clock.elapsed() - begin < Duration::seconds(5));
  CHECK(f.metrics.dropped.value() == 10'001);
}

}  // namespace tidemark
