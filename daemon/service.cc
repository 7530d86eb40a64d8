// Loads all files before it refuses, shares memory out, waits for signals, and drains within deadlines; threads that
// hang by then are left behind. What a pipeline does is not known here.
#include "daemon/service.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>
#include <sstream>
#include <thread>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "daemon/memory_limit.h"
#include "daemon/stdout_lines.h"
#include "daemon/version.h"
#include "operators/plan/check_tests.h"
#include "operators/sources/kafka_settings.h"

namespace tidemark {
namespace {

constexpr Duration kStuckAfter = Duration::minutes(2);
constexpr Duration kDrainWithin = Duration::seconds(25);
constexpr Duration kSilenceAtMost = Duration::seconds(8);  // that a drain waits for Kafka's answer
constexpr Duration kEndWithin = Duration::seconds(4);      // once told to give up

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

Result<std::string> read_file(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return user_error("it is a directory");
  std::ifstream in(path, std::ios::binary);
  if (!in) return user_error(std::generic_category().message(errno));
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

// Adds what is said of places that are not in `all` yet, and sorts.
void add_new(const Diagnostics& more, Diagnostics& all) {
  std::set<std::pair<int, int>> known;
  for (const Diagnostic& d : all.all()) {
    if (d.severity == Severity::kError) known.emplace(d.where.line, d.where.column);
  }
  for (const Diagnostic& d : more.all()) {
    if (known.contains({d.where.line, d.where.column})) continue;
    d.severity == Severity::kError ? all.error(d.where, d.message, d.hint) : all.warn(d.where, d.message, d.hint);
  }
  all.sort();
}

std::optional<LoadedFile> load_from(std::string text, const std::string& file, const Environment& environment,
                                    Diagnostics& diagnostics) {
  Diagnostics own, planning;
  auto spec = draft_pipeline(text, file, environment, own);
  std::optional<Plan> plan = spec ? make_plan(*spec, planning) : std::nullopt;
  if (spec) check_kafka_settings(*spec, planning);
  if (plan) check_tests(*spec, *plan, planning);
  add_new(planning, own);
  for (const Diagnostic& d : own.all()) {
    d.severity == Severity::kError ? diagnostics.error(d.where, d.message, d.hint) : diagnostics.warn(d.where, d.message, d.hint);
  }
  if (!plan || own.has_errors()) return std::nullopt;
  return LoadedFile{std::move(text), std::move(*spec), std::move(*plan)};
}

std::optional<LoadedFile> load_from_disk(const std::string& file, const Environment& environment, Diagnostics& diagnostics) {
  auto text = read_file(file);
  if (text) return load_from(std::move(*text), file, environment, diagnostics);
  diagnostics.error({file, 1, 1}, "the file cannot be read: " + text.error().message);
  return std::nullopt;
}

// Whether Kafka would divide partitions between the two, and each would see only a part of its topics.
bool share_partitions(const PlannedConsumer& a, const PlannedConsumer& b) {
  if (a.group != b.group || a.brokers != b.brokers) return false;
  if (!a.topic_pattern.empty() || !b.topic_pattern.empty()) return true;
  return std::ranges::find_first_of(a.topics, b.topics) != a.topics.end();
}

}  // namespace

std::optional<LoadedFile> load_text(std::string text, const std::string& file, const Variables& variables,
                                    Diagnostics& diagnostics) {
  return load_from(std::move(text), file, environment_of(variables), diagnostics);
}

std::optional<Plan> load_plan(const std::string& text, const std::string& file, const Variables& variables,
                              Diagnostics& diagnostics) {
  auto loaded = load_text(text, file, variables, diagnostics);
  if (!loaded) return std::nullopt;
  return std::move(loaded->plan);
}

std::optional<LoadedFile> load_file(const std::string& file, const Variables& variables, Diagnostics& diagnostics) {
  return load_from_disk(file, environment_of(variables), diagnostics);
}

std::optional<std::vector<Plan>> load_plans(const std::vector<std::string>& files, const Variables& variables,
                                            Diagnostics& diagnostics) {
  const Environment environment = environment_of(variables);
  std::vector<Plan> plans;
  std::map<std::string, std::string> file_of;
  for (const std::string& file : files) {
    auto loaded = load_from_disk(file, environment, diagnostics);
    if (!loaded) continue;
    Plan& plan = loaded->plan;
    const Location& name_where = loaded->spec.name.where;
    const auto [known, is_new] = file_of.emplace(plan.name, file);
    if (!is_new) {
      diagnostics.error(name_where, "the name '" + plan.name + "' is taken by " + known->second,
                        "every pipeline needs a name of its own");
    }
    for (const Plan& other : plans) {
      if (!is_new || !share_partitions(plan.consumer, other.consumer)) continue;
      diagnostics.error(name_where, "the consumer group '" + plan.consumer.group + "' already reads for " + other.file,
                        "each would be given only a part of the partitions; give every pipeline a `group` of its own");
    }
    plans.push_back(std::move(plan));
  }
  if (diagnostics.has_errors()) return std::nullopt;
  return plans;
}

// The parts come to nine tenths of the whole at most: what is left over is for what has no queue of its own, such as batches on
// their way, sorting before a write or a firing, and what the allocator cannot give back. Of that there is more where there is
// more state, so that no more than so much of the whole is state.
MemoryPlan share_memory(uint64_t budget, size_t pipelines) {
  const auto at_most = [](uint64_t bytes, uint64_t limit) { return static_cast<size_t>(std::min(bytes, limit)); };
  constexpr uint64_t kMiB = 1 << 20;
  MemoryPlan plan;
  plan.cache_bytes = at_most(budget / 16, 128 * kMiB);
  plan.memtable_bytes = at_most(budget / 12, 64 * kMiB);
  const uint64_t each = budget / std::max<size_t>(pipelines, 1);
  plan.each.consumer_queue_bytes = static_cast<int64_t>(at_most(each / 10, 16 * kMiB));
  plan.each.producer_queue_bytes = static_cast<int64_t>(at_most(each / 10, 32 * kMiB));
  plan.each.sink_wait_bytes = at_most(each / 10, 256 * kMiB);
  plan.each.channel_bytes = at_most(each / 16, 32 * kMiB);
  const uint64_t queues = static_cast<uint64_t>(plan.each.consumer_queue_bytes + plan.each.producer_queue_bytes) +
                          plan.each.sink_wait_bytes + plan.each.channel_bytes;
  const uint64_t others = (plan.cache_bytes + plan.memtable_bytes) / std::max<size_t>(pipelines, 1) + queues;
  plan.each.state_bytes = static_cast<size_t>(std::min(each / 20 * 9, each / 10 * 9 - others));
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

std::string ServiceStatus::pipelines_json() {
  std::string out = "[";
  for (const auto* p : pipelines_) out += (out.size() > 1 ? "," : "") + p->status_json();
  return out + "]";
}

const Pipeline* ServiceStatus::find(std::string_view name) const {
  const auto found = std::ranges::find(pipelines_, name, [](const auto* p) -> std::string_view { return p->name(); });
  return found == pipelines_.end() ? nullptr : *found;
}

std::optional<std::string> ServiceStatus::pipeline_json(std::string_view name) {
  const auto* pipeline = find(name);
  return pipeline ? std::optional(pipeline->status_json()) : std::nullopt;
}

std::optional<std::string> ServiceStatus::plan_json(std::string_view name) {
  const auto* pipeline = find(name);
  return pipeline ? std::optional(explain_json(pipeline->plan())) : std::nullopt;
}

std::optional<std::string> ServiceStatus::plan_text(std::string_view name) {
  const auto* pipeline = find(name);
  return pipeline ? std::optional(explain(pipeline->plan())) : std::nullopt;
}

std::optional<ActionAnswer> ServiceControl::ask(std::string_view pipeline, PipelineAction action) {
  const auto found = std::ranges::find(pipelines_, pipeline, [](const auto* p) -> std::string_view { return p->name(); });
  if (found == pipelines_.end()) return std::nullopt;
  const Ruling ruling = (*found)->ask(action);
  return ActionAnswer{ruling, (*found)->status_json()};
}

sigset_t block_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return set;
}

Result<MemoryBudget> memory_budget(std::optional<uint64_t> given) {
  if (given) return MemoryBudget{*given, "--memory"};
  const auto limit = find_memory_limit();
  if (!limit) return std::unexpected(limit.error());
  return MemoryBudget{default_memory_budget(*limit), fmt::format("60% of the {} bytes of {}", limit->bytes, limit->source)};
}

uint32_t worker_threads(std::optional<int> given) {
  return given ? static_cast<uint32_t>(*given) : std::max(1u, std::thread::hardware_concurrency());
}

Service::Service(std::vector<Plan> plans, PipelineOptions options, uint64_t memory_bytes, const Clock& clock,
                 Logger logger, LineOutput& lines, std::optional<TraceExporterOptions> traces)
    : clock_(clock),
      logger_(std::move(logger)),
      process_(metrics_, build_info(), {memory_bytes, options.state_dir}),
      crash_points_(CrashPoints::from_environment()),
      trace_metrics_(metrics_),
      status_(metrics_, process_) {
  if (traces) traces_.emplace(std::move(*traces), trace_metrics_, logger_);
  const MemoryPlan memory = share_memory(memory_bytes, plans.size());
  const auto store_memory = std::make_shared<const StoreMemory>(memory.cache_bytes, memory.memtable_bytes);
  options.memory = memory.each;
  for (Plan& plan : plans) {
    PipelineDeps deps{clock_, logger_, metrics_, kafka_, lines, files_, store_memory, crash_points_, traces_ ? &*traces_ : nullptr};
    pipelines_.push_back(std::make_unique<Pipeline>(std::move(plan), options, std::move(deps)));
    status_.add(*pipelines_.back());
    control_.add(*pipelines_.back());
  }
}

Service::~Service() = default;

Result<HttpAddress> Service::listen(const HttpAddress& address) {
  auto started = HttpServer::start(address, status_routes_, clock_, logger_);
  if (!started) return std::unexpected(started.error());
  http_ = std::move(*started);
  logger_.info("http_listening", {{"address", to_string(http_->address())}});
  return http_->address();
}

Status Service::listen_for_admin(const HttpAddress& address) {
  auto started = HttpServer::start(address, admin_routes_, clock_, logger_, {}, "--admin");
  if (!started) return std::unexpected(started.error());
  admin_ = std::move(*started);
  logger_.info("admin_listening", {{"address", to_string(admin_->address())}});
  return {};
}

void Service::start() {
  for (const auto& p : pipelines_) p->start();
}

bool Service::wait_until_over(const sigset_t& signals, bool fail_fast, const std::function<bool()>& stop_wanted) {
  while (true) {
    const timespec tick{0, 100'000'000};  // signals end it at once
    const bool asked = sigtimedwait(&signals, nullptr, &tick) > 0 || (stop_wanted && stop_wanted());
    const bool failed = std::ranges::any_of(pipelines_, [](const auto& p) { return p->over() && p->exit_code() != 0; });
    if (asked || (fail_fast && failed)) {
      for (const auto& p : pipelines_) p->request_stop();
      break;
    }
    if (std::ranges::all_of(pipelines_, [](const auto& p) { return p->over(); })) break;
  }
  admin_.reset();
  const bool all_over = drain();
  http_.reset();
  const bool traces_over = !traces_ || traces_->stop();
  return all_over && traces_over;
}

bool Service::drain() {
  const Duration begin = clock_.elapsed();
  const auto wait_until = [&](const auto& enough, Duration deadline) {
    while (!std::ranges::all_of(pipelines_, enough) && clock_.elapsed() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  };
  const auto finished = [](const auto& p) { return p->finished(); };
  const auto finished_or_hopeless = [&](const auto& p) {
    return p->finished() || std::min(p->silent_for(), clock_.elapsed() - begin) > kSilenceAtMost;
  };
  wait_until(finished_or_hopeless, begin + kDrainWithin);
  for (const auto& p : pipelines_) p->give_up();
  wait_until(finished, clock_.elapsed() + kEndWithin);
  bool all_over = true;
  for (const auto& p : pipelines_) {
    if (p->finished()) {
      p->join();
      continue;
    }
    all_over = false;
    logger_.warn("left_behind", {{"pipeline", p->name()}, {"state", to_string(p->state())},
                                 {"what", "its thread hangs in a call to Kafka or to a disk; the next start goes on from "
                                          "what the group has committed"}});
  }
  return all_over;
}

void leave_at_once(int exit_code) {
  std::cerr.flush();
  std::cout.flush();
  std::_Exit(exit_code);
}

// What failed while running goes before what was refused.
int Service::exit_code() const {
  int code = 0;
  for (const auto& p : pipelines_) {
    if (p->exit_code() == 1 || (p->exit_code() == 2 && code == 0)) code = p->exit_code();
  }
  return code;
}

int Service::report_exit() const {
  for (const auto& p : pipelines_) {
    if (p->exit_code() == 0) continue;
    const std::string pipeline = "pipeline " + p->name();  // some messages begin with it
    std::cerr << "tidemark: " << (p->error().starts_with(pipeline) ? "" : pipeline + ": ") << p->error() << "\n";
  }
  return exit_code();
}

namespace {

// Lanes are what threads share out: where fewer lanes than threads are fed by keys, the rest would have nothing to do.
void tell_of_idle_threads(const std::vector<Plan>& plans, std::optional<int> asked, const Logger& logger) {
  for (const Plan& plan : plans) {
    if (!asked || plan.lane_choice != Lanes::kByKey || static_cast<uint32_t>(*asked) <= plan.lanes) continue;
    logger.warn("fewer_threads", {{"pipeline", plan.name}, {"asked", *asked}, {"used", plan.lanes}, {"because", "it has that many `lanes`"}});
  }
}

// What traces are for does not depend on them: an environment that asks for what is not spoken here stops nobody.
std::optional<TraceExporterOptions> trace_options(const RunCommand& command, const Logger& logger) {
  const Environment environment = environment_of({});
  const auto endpoint = otlp_endpoint_of(command.otlp, environment);
  if (!endpoint) {
    logger.warn("traces_off", {{"error", endpoint.error().message}});
    return std::nullopt;
  }
  if (!*endpoint) return std::nullopt;
  char host[256] = {};
  (void)gethostname(host, sizeof host - 1);
  logger.info("traces_on", {{"endpoint", to_string(**endpoint)}});
  TraceExporterOptions options;
  options.endpoint = **endpoint;
  options.resource = trace_resource(environment, host, command.instance);
  return options;
}

}  // namespace

int run_service(const RunCommand& command) {
  Diagnostics diagnostics;
  auto plans = load_plans(command.files, command.variables, diagnostics);
  print(diagnostics);
  if (!plans) return 2;
  const sigset_t signals = block_signals();
  const auto budget = memory_budget(command.memory_bytes);
  if (!budget) return std::cerr << "tidemark: " << budget.error().message << "\n", 1;
  PipelineOptions options;
  options.mode = mode_of(command.until_end);
  options.state_dir = command.state_dir;
  options.instance = command.instance;
  options.workers = worker_threads(command.threads);
  options.reset_state = command.reset_state;
  options.accept_loss = command.accept_loss;
  options.reveal_keys = command.reveal_keys;

  const SystemClock clock;
  StderrLogSink sink(command.log_format);
  StdoutLines lines;
  const Logger logger(sink, clock, command.log_level);
  logger.info("memory_budget", {{"bytes", budget->bytes}, {"because", budget->source}});
  tell_of_idle_threads(*plans, command.threads, logger);
  Service service(std::move(*plans), std::move(options), budget->bytes, clock, logger, lines, trace_options(command, logger));
  if (command.http.on) {
    if (auto at = service.listen(command.http); !at) return std::cerr << "tidemark: " << at.error().message << "\n", 2;
  }
  if (command.admin.on) {
    const Status at = service.listen_for_admin(command.admin);
    if (!at) return std::cerr << "tidemark: " << at.error().message << "\n", 2;
  }
  service.start();
  const bool all_over = service.wait_until_over(signals, command.fail_fast, {});
  const int code = service.report_exit();
  if (!all_over) leave_at_once(code);
  return code;
}

}  // namespace tidemark
