// The demo as a newcomer meets it: a process of its own that shows closed windows, what it is doing and where its metrics
// are, and ends when asked to; and the parts that it is made of.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/metric_names.h"
#include "daemon/demo.h"
#include "daemon/demo_events.h"
#include "daemon/demo_pipeline.h"
#include "daemon/demo_status.h"
#include "daemon/socket.h"
#include "tests/catch.h"

namespace tidemark {
namespace {

std::string read_all(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return std::move(out).str();
}

// The demo in a child process, with its output in files and its state in a folder that the test can look into.
class DemoProcess {
 public:
  explicit DemoProcess(DemoCommand command) {
    std::string name = (std::filesystem::temp_directory_path() / "tidemark-demo-test-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    folder_ = name;
    std::filesystem::create_directory(folder_ / "tmp");
    std::cout.flush();  // what is buffered would be written by both
    child_ = ::fork();
    REQUIRE(child_ >= 0);
    if (child_ != 0) return;
    ::setenv("TMPDIR", (folder_ / "tmp").c_str(), 1);
    redirect(STDOUT_FILENO, "out");
    redirect(STDERR_FILENO, "err");
    ::_exit(run_demo(command));
  }
  ~DemoProcess() {
    if (child_ > 0) {
      ::kill(child_, SIGKILL);
      ::waitpid(child_, nullptr, 0);
    }
    std::filesystem::remove_all(folder_);
  }
  DemoProcess(const DemoProcess&) = delete;
  DemoProcess& operator=(const DemoProcess&) = delete;

  std::string out() const { return read_all(folder_ / "out"); }
  std::string err() const { return read_all(folder_ / "err"); }
  bool left_something_behind() const { return !std::filesystem::is_empty(folder_ / "tmp"); }
  void interrupt() const { ::kill(child_, SIGINT); }

  template <class Condition>
  bool wait_for(Condition condition, int seconds) const {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return true;
  }

  // The exit code; -1 when it did not end in time or was killed.
  int wait_for_exit(int seconds) {
    int status = 0;
    if (!wait_for([&] { return ::waitpid(child_, &status, WNOHANG) == child_; }, seconds)) return -1;
    child_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  void redirect(int descriptor, const char* name) const {
    const int file = ::open((folder_ / name).c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
    if (file < 0 || ::dup2(file, descriptor) < 0) ::_exit(99);
  }

  std::filesystem::path folder_;
  pid_t child_ = -1;
};

DemoCommand on_any_port() {
  DemoCommand command;
  command.http.port = 0;
  return command;
}

class FixedStatus final : public StatusProvider {
 public:
  std::string json;

  bool live(std::string&) override { return true; }
  bool ready(std::string&) override { return true; }
  std::string metrics_text() override { return {}; }
  std::string pipelines_json() override { return {}; }
  std::optional<std::string> pipeline_json(std::string_view name) override {
    if (name != "p") return std::nullopt;
    return json;
  }
  std::optional<std::string> plan_json(std::string_view) override { return std::nullopt; }
  std::optional<std::string> plan_text(std::string_view) override { return std::nullopt; }
};

}  // namespace

TEST_CASE("the demo shows closed windows and what it is doing, and ends at Ctrl-C leaving nothing behind") {
  DemoProcess demo(on_any_port());
  INFO(demo.err());
  REQUIRE(demo.wait_for([&] { return demo.err().find("events/s | lag") != std::string::npos; }, 60));
  demo.interrupt();
  REQUIRE(demo.wait_for_exit(30) == 0);
  CHECK_FALSE(demo.left_something_behind());

  std::set<std::pair<std::string, std::string>> windows;
  std::istringstream lines(demo.out());
  for (std::string line; std::getline(lines, line);) {
    INFO(line);
    const auto row = nlohmann::json::parse(line, nullptr, false);
    REQUIRE(row.is_object());
    const auto start = parse_rfc3339(row.at("window_start").get<std::string>());
    const auto end = parse_rfc3339(row.at("window_end").get<std::string>());
    REQUIRE((start && end));
    CHECK(*end - *start == Duration::seconds(5));
    CHECK(row.at("views").get<int64_t>() + row.at("purchases").get<int64_t>() > 0);
    CHECK(windows.emplace(row.at("product").get<std::string>(), row.at("window_end").get<std::string>()).second);
  }
  CHECK(windows.size() >= 12);  // the windows of the backlog

  const std::string err = demo.err();
  for (const char* part : {"broker    127.0.0.1:", "metrics   http://127.0.0.1:", "| watermark ", "| checkpoint ",
                           "| late ", "and each one is accounted for", "tidemark run demo.yaml"}) {
    INFO(part);
    CHECK(err.find(part) != std::string::npos);
  }
  CHECK(err.find(" ERROR ") == std::string::npos);
}

TEST_CASE("the demo ends by itself, takes another port where its own is taken, and prints its file") {
  Listener taken = std::move(*open_listener({true, "127.0.0.1", 0}));
  DemoCommand command;
  command.http.port = taken.address.port;
  command.seconds = Duration::seconds(1);
  DemoProcess demo(command);
  REQUIRE(demo.wait_for_exit(30) == 0);
  CHECK(demo.err().find("metrics   http://127.0.0.1:") != std::string::npos);
  CHECK(demo.err().find(":" + std::to_string(taken.address.port) + "/metrics") == std::string::npos);

  DemoCommand print;
  print.print = true;
  DemoProcess printing(print);
  REQUIRE(printing.wait_for_exit(10) == 0);
  CHECK(printing.out() == read_all(std::string(TIDEMARK_SOURCE_DIR) + "/examples/demo.yaml"));
}

TEST_CASE("the demo's events: mostly whole and in order, a few late, a few broken, the same for the same seed") {
  DemoEvents events(7), same(7);
  const Time now = *parse_rfc3339("2026-01-01T00:00:00Z");
  int broken = 0, late = 0, purchases = 0, texts = 0;
  for (int i = 0; i < 20'000; ++i) {
    const DemoEvent event = events.next(now);
    CHECK(event.value == same.next(now).value);
    const auto json = nlohmann::json::parse(event.value, nullptr, false);
    if (json.is_discarded()) {
      ++broken;
      continue;
    }
    CHECK(json.at("user_id") == event.key);
    const Duration age = now - Time::from_millis(json.at("ts").get<int64_t>());
    late += age > Duration::seconds(20);
    CHECK((age == Duration::seconds(30) || (age >= Duration{0} && age < Duration::millis(400))));
    texts += json.at("amount").is_string();
    const bool bought = json.at("event_type") == "purchase";
    purchases += bought;
    CHECK((bought || (json.at("event_type") == "view" && !json.at("amount").is_number())));
  }
  CHECK((broken > 0 && broken < 40));
  CHECK((texts > 0 && texts < 40));
  CHECK((late > 0 && late < 80));
  CHECK((purchases > 2'000 && purchases < 8'000));
}

TEST_CASE("the status line says what is known and nothing else") {
  const Time now = *parse_rfc3339("2026-01-01T07:48:06.5Z");
  DemoFigures figures;
  figures.state = "starting";
  CHECK(demo_status_line(figures, now) == "starting: joining the consumer group");
  figures.state = "running";
  figures.watermark = now - Duration::millis(1'500);
  figures.lag = 1'234;
  CHECK(demo_status_line(figures, now) == "lag 1,234 | watermark 07:48:05Z, 1.5s behind | late 0, bad 0");
  figures.events_per_second = 1'234'567.8;
  figures.epoch = 12;
  figures.last_checkpoint = now - Duration::millis(800);
  figures.late = 3;
  figures.dead_lettered = 2;
  CHECK(demo_status_line(figures, now) ==
        "1,234,567 events/s | lag 1,234 | watermark 07:48:05Z, 1.5s behind | checkpoint 12, 0.8s ago | late 3, bad 2");
}

TEST_CASE("figures come from the pipeline's status and its partitions' gauges") {
  FixedStatus status;
  MetricRegistry metrics;
  DemoWatch watch(status, metrics, "p", "t", 2);
  status.json = R"({"state": "running", "epoch": 1, "last_checkpoint": "2026-01-01T00:00:02Z",
      "ledger": {"sources": [{"read": 1000, "dead_lettered": 1}], "steps": [], "closed": true}})";
  CHECK_FALSE(watch.look().events_per_second);
  CHECK_FALSE(watch.look().watermark);

  for (const char* partition : {"0", "1"}) metrics.gauge(metric::kConsumerLag, {"p", "t", partition}).set(5);
  metrics.gauge(metric::kWatermarkTimestamp, {"p", "t", "0"}).set(100);
  CHECK_FALSE(watch.look().watermark);  // partition 1 has none yet
  metrics.gauge(metric::kWatermarkTimestamp, {"p", "t", "1"}).set(90);
  status.json = R"({"state": "running", "epoch": 2, "last_checkpoint": "2026-01-01T00:00:04Z",
      "ledger": {"sources": [{"read": 4000, "dead_lettered": 2}, {"read": 1000, "dead_lettered": 0}], "closed": true,
                 "steps": [{"dead_lettered": 3}, {"late": 7, "dead_lettered": 0}]}})";
  const DemoFigures figures = watch.look();
  CHECK(figures.events_per_second == 2'000.0);
  CHECK(figures.lag == 10);
  CHECK(figures.watermark == Time{90'000'000});
  CHECK(figures.read == 5'000);
  CHECK(figures.late == 7);
  CHECK(figures.dead_lettered == 5);
  CHECK(figures.closed);
  status.json = "not json";
  CHECK(watch.look().read == 5'000);
}

}  // namespace tidemark
