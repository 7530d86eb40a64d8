#include "daemon/service.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <set>
#include <sstream>
#include <thread>

#include <nlohmann/json.hpp>

#include "daemon/http_server.h"
#include "daemon/memory_limit.h"
#include "daemon/version.h"

namespace tidemark {
namespace {

constexpr Duration kStuckAfter = Duration::minutes(2);
constexpr Duration kDrainWithin = Duration::seconds(25);

class StdoutLines final : public LineOutput {
 public:
  void write(std::string_view lines) override {
    const std::lock_guard lock(mutex_);
    while (!lines.empty()) {
      const ssize_t n = ::write(STDOUT_FILENO, lines.data(), lines.size());
      if (n < 0 && errno != EINTR && errno != EAGAIN) return;  // the reader has gone; what is committed is not lost
      if (n > 0) lines.remove_prefix(static_cast<size_t>(n));
    }
  }

 private:
  std::mutex mutex_;  // keeps lines whole
};

Environment environment_of(const Variables& variables) {
  Environment environment;
  for (char** entry = ::environ; entry && *entry; ++entry) {
    const std::string_view text = *entry;
    const size_t equals = text.find('=');
    if (equals != std::string_view::npos) environment[std::string(text.substr(0, equals))] = text.substr(equals + 1);
  }
  for (const auto& [key, value] : variables) environment[key] = value;
  return environment;
}

std::optional<std::string> read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::nullopt;
  std::ostringstream out;
  out << in.rdbuf();
  return std::move(out).str();
}

RunMode mode_of(UntilEnd until_end) {
  switch (until_end) {
    case UntilEnd::kNo: return RunMode::kForever;
    case UntilEnd::kClose: return RunMode::kUntilEnd;
    case UntilEnd::kKeepOpen: return RunMode::kUntilEndKeepOpen;
  }
  __builtin_unreachable();
}

void print(const Diagnostics& diagnostics) {
  for (const Diagnostic& d : diagnostics.all()) std::cerr << to_string(d) << "\n";
}

// Signals reach the main thread only, which asks for them.
sigset_t block_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return set;
}

// The worst of all: what failed while running goes before what was refused.
int exit_code_of(const std::vector<std::unique_ptr<Pipeline>>& pipelines) {
  int code = 0;
  for (const auto& p : pipelines) {
    if (p->exit_code() == 1 || (p->exit_code() == 2 && code == 0)) code = p->exit_code();
  }
  return code;
}

void wait_until_over(const std::vector<std::unique_ptr<Pipeline>>& pipelines, bool fail_fast,
                     const sigset_t& signals) {
  while (true) {
    const timespec tick{0, 50'000'000};
    const bool asked = sigtimedwait(&signals, nullptr, &tick) > 0;
    const bool failed = std::ranges::any_of(pipelines, [](const auto& p) { return p->over() && p->exit_code() != 0; });
    if (asked || (fail_fast && failed)) {
      for (const auto& p : pipelines) p->request_stop();
      break;
    }
    if (std::ranges::all_of(pipelines, [](const auto& p) { return p->over(); })) break;
  }
  const SystemClock clock;
  const Duration deadline = clock.elapsed() + kDrainWithin;
  const auto over = [](const auto& p) { return p->over(); };
  while (!std::ranges::all_of(pipelines, over) && clock.elapsed() < deadline) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  for (const auto& p : pipelines) p->give_up();
  for (const auto& p : pipelines) p->join();
}

}  // namespace

std::optional<std::vector<Plan>> load_plans(const std::vector<std::string>& files, const Variables& variables,
                                            Diagnostics& diagnostics) {
  const Environment environment = environment_of(variables);
  std::vector<Plan> plans;
  std::map<std::string, std::string> file_of;
  for (const std::string& file : files) {
    const auto text = read_file(file);
    if (!text) {
      diagnostics.error({file, 1, 1}, "the file cannot be read");
      continue;
    }
    Diagnostics own;
    const auto spec = load_pipeline(*text, file, environment, own);
    std::optional<Plan> plan = spec ? make_plan(*spec, own) : std::nullopt;
    for (const Diagnostic& d : own.all()) {
      d.severity == Severity::kError ? diagnostics.error(d.where, d.message, d.hint) : diagnostics.warn(d.where, d.message, d.hint);
    }
    if (!plan) continue;
    const auto [known, is_new] = file_of.emplace(plan->name, file);
    if (!is_new) diagnostics.error(spec->name.where, "the name '" + plan->name + "' is taken by " + known->second, "every pipeline needs a name of its own");
    plans.push_back(std::move(*plan));
  }
  if (diagnostics.has_errors()) return std::nullopt;
  return plans;
}

MemoryPlan share_memory(uint64_t budget, size_t pipelines) {
  const auto at_most = [](uint64_t bytes, uint64_t limit) { return static_cast<size_t>(std::min(bytes, limit)); };
  constexpr uint64_t kMiB = 1 << 20;
  MemoryPlan plan;
  plan.cache_bytes = at_most(budget / 8, 256 * kMiB);
  plan.memtable_bytes = at_most(budget / 8, 64 * kMiB);
  const uint64_t each = budget / std::max<size_t>(pipelines, 1);
  plan.each.consumer_queue_bytes = static_cast<int64_t>(at_most(each / 8, 16 * kMiB));
  plan.each.producer_queue_bytes = static_cast<int64_t>(at_most(each / 8, 32 * kMiB));
  plan.each.sink_wait_bytes = at_most(each / 8, 256 * kMiB);
  plan.each.state_bytes = static_cast<size_t>(each / 3);
  return plan;
}

bool ServiceStatus::live(std::string& why) {
  for (const auto* p : pipelines_) {
    if (p->live(kStuckAfter)) continue;
    why = "pipeline " + p->name() + " has not moved for " + format_duration(kStuckAfter);
    return false;
  }
  return true;
}

bool ServiceStatus::ready(std::string& why) {
  for (const auto* p : pipelines_) {
    if (p->ready()) continue;
    why = "pipeline " + p->name() + " is " + std::string(to_string(p->state()));
    return false;
  }
  return true;
}

std::string ServiceStatus::metrics_text() {
  process_.refresh();
  return metrics_.expose();
}

std::vector<StatusProvider::Pipeline> ServiceStatus::pipelines() {
  std::vector<StatusProvider::Pipeline> all;
  for (const auto* p : pipelines_) all.push_back({p->name(), std::string(to_string(p->state()))});
  return all;
}

std::string ServiceStatus::pipelines_json() {
  std::string out = "[";
  for (const auto* p : pipelines_) out += (out.size() > 1 ? "," : "") + p->status_json();
  return out + "]";
}

std::optional<std::string> ServiceStatus::pipeline_json(std::string_view name) {
  for (const auto* p : pipelines_) {
    if (p->name() == name) return p->status_json();
  }
  return std::nullopt;
}

int run_service(const RunCommand& command) {
  Diagnostics diagnostics;
  auto plans = load_plans(command.files, command.variables, diagnostics);
  print(diagnostics);
  if (!plans) return 2;
  const sigset_t signals = block_signals();
  SystemClock clock;
  StderrLogSink sink(command.log_format);
  Logger logger(sink, clock);
  uint64_t budget = command.memory_bytes.value_or(0);
  if (budget == 0) {
    const auto limit = find_memory_limit();
    if (!limit) return std::cerr << "tidemark: " << limit.error().message << "\n", 1;
    budget = default_memory_budget(*limit);
  }
  const MemoryPlan memory = share_memory(budget, plans->size());
  const auto threads = static_cast<uint32_t>(command.threads.value_or(static_cast<int>(std::max(1u, std::thread::hardware_concurrency()))));

  MetricRegistry metrics;
  ProcessMetrics process(metrics, build_info());
  RealKafkaClients kafka;
  StdoutLines lines;
  LocalFiles files;
  const auto store_memory = std::make_shared<const StoreMemory>(memory.cache_bytes, memory.memtable_bytes);
  const CrashPoints crash_points = CrashPoints::from_environment();
  PipelineOptions options;
  options.mode = mode_of(command.until_end);
  options.state_dir = command.state_dir;
  options.instance = command.instance;
  options.workers = threads;
  options.memory = memory.each;
  options.reset_state = command.reset_state;
  options.accept_loss = command.accept_loss;

  std::vector<std::unique_ptr<Pipeline>> pipelines;
  ServiceStatus status(metrics, process);
  for (Plan& plan : *plans) {
    pipelines.push_back(std::make_unique<Pipeline>(
        std::move(plan), options, PipelineDeps{clock, logger, metrics, kafka, lines, files, store_memory, crash_points}));
    status.add(*pipelines.back());
  }
  std::unique_ptr<HttpServer> http;
  if (command.http.on) {
    auto started = HttpServer::start(command.http, status, clock, logger);
    if (!started) return std::cerr << "tidemark: " << started.error().message << "\n", 2;
    http = std::move(*started);
    logger.info("http_listening", {{"address", to_string(http->address())}});
  }
  for (const auto& p : pipelines) p->start();
  wait_until_over(pipelines, command.fail_fast, signals);
  http.reset();
  for (const auto& p : pipelines) {
    if (p->exit_code() != 0) std::cerr << "tidemark: pipeline " << p->name() << ": " << p->error() << "\n";
  }
  return exit_code_of(pipelines);
}

}  // namespace tidemark
