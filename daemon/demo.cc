// Wires the embedded broker, the generator's thread, the service and the terminal together.
#include "daemon/demo.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "daemon/demo_events.h"
#include "daemon/demo_pipeline.h"
#include "daemon/demo_status.h"
#include "daemon/demo_terminal.h"
#include "daemon/scratch_dir.h"
#include "daemon/service.h"
#include "operators/sources/embedded_cluster.h"

namespace tidemark {
namespace {

constexpr const char* kPipelineFile = "examples/demo.yaml";
constexpr int32_t kPartitions = 4;
constexpr int64_t kEventsPerSecond = 2'000;
constexpr Duration kBacklog = Duration::seconds(15);  // of history at the start, so that the first windows close at once
constexpr Duration kGeneratorTick = Duration::millis(20);
constexpr uint64_t kMostBehind = 100'000;  // well inside what the embedded broker keeps
constexpr uint64_t kMemory = 256 << 20;
constexpr uint32_t kMostThreads = 2;
constexpr Duration kStatusEvery = Duration::millis(500);
constexpr Duration kFlushWithin = Duration::seconds(5);

// Fills the topic at a steady rate from a thread of its own, until destroyed.
class Generator {
 public:
  Generator(EmbeddedCluster& cluster, std::string topic, const Clock& clock)
      : cluster_(cluster), topic_(std::move(topic)), clock_(clock), thread_([this](std::stop_token stop) { run(stop); }) {}

  // How many events the pipeline has read: the generator waits for one that is far behind, as the broker keeps little.
  void set_read(uint64_t read) { read_ = read; }

 private:
  void run(const std::stop_token& stop) {
    Time next = clock_.now() - kBacklog;
    while (!stop.stop_requested()) {
      const Time now = clock_.now();
      if (sent_ > read_ + kMostBehind) next = now;
      while (next < now && send(next)) next = next + Duration::micros(1'000'000 / kEventsPerSecond);
      cluster_.poll(Duration{0});
      sleep_for(kGeneratorTick);
    }
    (void)cluster_.flush(kFlushWithin);
  }

  bool send(Time at) {
    const DemoEvent event = events_.next(at);
    if (!cluster_.produce(topic_, event.key, event.value, at)) return false;
    ++sent_;
    return true;
  }

  EmbeddedCluster& cluster_;
  const std::string topic_;
  const Clock& clock_;
  DemoEvents events_{std::random_device{}()};
  uint64_t sent_ = 0;
  std::atomic<uint64_t> read_{0};
  std::jthread thread_;  // last: it uses the others
};

// A taken port is no reason not to see a demo.
Result<HttpAddress> listen(Service& service, HttpAddress address) {
  auto at = service.listen(address);
  if (at || address.port == 0) return at;
  address.port = 0;
  return service.listen(address);
}

std::string introduction(const std::string& topic, const std::string& brokers, const std::string& metrics) {
  return fmt::format(
      "tidemark demo: views and purchases of a small shop, counted per product in windows of 5 seconds\n"
      "  broker    {}, inside this process: topic {}, {} partitions, {} events a second\n"
      "  pipeline  {} (tidemark demo --print shows it)\n"
      "  metrics   {}\n"
      "Ctrl-C ends it. Rows are on standard output, the rest is on standard error.\n\n",
      brokers, topic, kPartitions, kEventsPerSecond, kPipelineFile,
      metrics.empty() ? "off" : metrics);
}

std::string summary(const DemoFigures& figures, uint64_t rows, const std::string& topic) {
  return fmt::format(
      "\n{} events read, {} rows of closed windows; {} events came late, {} were unreadable{}.\n"
      "Next, on your Kafka with a topic {}: tidemark demo --print > demo.yaml && tidemark run demo.yaml --set "
      "KAFKA_BROKERS=localhost:9092\n",
      figures.read, rows, figures.late, figures.dead_lettered, figures.closed ? ", and each one is accounted for" : "",
      topic);
}

PipelineOptions options_for(const std::string& state_dir) {
  PipelineOptions options;
  options.state_dir = state_dir;
  options.workers = std::min(kMostThreads, worker_threads({}));
  return options;
}

std::optional<Plan> plan_for(const std::string& brokers) {
  Diagnostics diagnostics;
  auto plan = load_plan(std::string(demo_pipeline()), kPipelineFile, {{"KAFKA_BROKERS", brokers}}, diagnostics);
  for (const Diagnostic& d : diagnostics.all()) std::cerr << to_string(d) << "\n";
  return plan;
}

int failed(const std::string& message) {
  std::cerr << "tidemark: " << message << "\n";
  return 1;
}

Result<std::unique_ptr<EmbeddedCluster>> start_cluster(const Logger& logger) {
  return EmbeddedCluster::start([logger](int level, std::string_view text) {
    if (level <= 3) logger.error("embedded_broker", {{"text", text}});
  });
}

// Everything that runs while the demo is watched.
struct Stage {
  const Clock& clock;
  DemoTerminal& terminal;
  Service& service;
  Generator& generator;
  DemoWatch& watch;
  const std::string& metrics;  // their address; empty: none
};

bool show_until_over(Stage stage, const sigset_t& signals, std::optional<Duration> at_most) {
  const Duration began = stage.clock.elapsed();
  Duration next = began;
  return stage.service.wait_until_over(signals, false, [&] {
    const Duration now = stage.clock.elapsed();
    if (now >= next) {
      next = now + kStatusEvery;
      const DemoFigures figures = stage.watch.look();
      stage.generator.set_read(figures.read);
      const std::string address = stage.metrics.empty() ? "" : " | " + stage.metrics;
      stage.terminal.show_status(demo_status_line(figures, stage.clock.now()) + address);
    }
    return stage.terminal.reader_gone() || (at_most && now - began >= *at_most);
  });
}

int run_on(EmbeddedCluster& cluster, Plan plan, const DemoCommand& command, const sigset_t& signals, const Clock& clock,
           DemoTerminal& terminal) {
  const Logger logger(terminal, clock, LogLevel::kWarn);
  const std::string name = plan.name, topic = plan.sources.front().topics.front();
  if (Status created = cluster.create({topic, kPartitions}); !created) return failed(created.error().message);
  const auto folder = ScratchDir::make("tidemark-demo");
  if (!folder) return failed("the demo needs a folder for its state, and none can be made; see TMPDIR");
  const auto budget = memory_budget({});
  if (!budget) return failed(budget.error().message);
  std::vector<Plan> plans;
  plans.push_back(std::move(plan));
  Service service(std::move(plans), options_for(folder->path()), std::min(budget->bytes, kMemory), clock, logger, terminal);
  std::string metrics;
  if (command.http.on) {
    const auto at = listen(service, command.http);
    if (!at) return failed(at.error().message);
    metrics = "http://" + to_string(*at) + "/metrics";
  }
  terminal.say(introduction(topic, cluster.brokers(), metrics));
  Generator generator(cluster, topic, clock);
  service.start();
  DemoWatch watch(service.status(), service.metrics(), name, topic, kPartitions);
  const bool all_over = show_until_over({clock, terminal, service, generator, watch, metrics}, signals, command.seconds);
  terminal.end_status();
  terminal.say(summary(watch.look(), terminal.rows(), topic));
  const int code = service.report_exit();
  if (!all_over) leave_at_once(code);
  return code;
}

}  // namespace

int run_demo(const DemoCommand& command) {
  if (command.print) return std::cout << demo_pipeline() << std::flush, 0;
  const sigset_t signals = block_signals();
  const SystemClock clock;
  DemoTerminal terminal(clock);
  const auto cluster = start_cluster(Logger(terminal, clock, LogLevel::kWarn));
  if (!cluster) return failed(cluster.error().message);
  std::optional<Plan> plan = plan_for((*cluster)->brokers());
  if (!plan) return 2;
  return run_on(**cluster, std::move(*plan), command, signals, clock, terminal);
}

}  // namespace tidemark
