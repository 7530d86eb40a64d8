// Service: the pipelines of one process: reads their files, shares memory and threads among them, runs them until they
// are over or a signal comes, and answers for them over HTTP.
#pragma once

#include <signal.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/diagnostic.h"
#include "daemon/admin_routes.h"
#include "daemon/cli.h"
#include "daemon/http_routes.h"
#include "daemon/http_server.h"
#include "daemon/pipeline.h"
#include "daemon/process_metrics.h"
#include "daemon/trace_exporter.h"

namespace tidemark {

// Reads and plans all files; every mistake of every file is in `diagnostics`. Also refuses names that occur twice.
std::optional<std::vector<Plan>> load_plans(const std::vector<std::string>& files, const Variables& variables,
                                            Diagnostics& diagnostics);
// The same for one pipeline that is at hand as text; `file` is what diagnostics call it.
std::optional<Plan> load_plan(const std::string& text, const std::string& file, const Variables& variables,
                              Diagnostics& diagnostics);

// A file that is right, with all that was read of it.
struct LoadedFile {
  std::string text;
  PipelineSpec spec;
  Plan plan;
};
std::optional<LoadedFile> load_file(const std::string& file, const Variables& variables, Diagnostics& diagnostics);
// The same for text that is at hand; `file` is what diagnostics call it.
std::optional<LoadedFile> load_text(std::string text, const std::string& file, const Variables& variables, Diagnostics& diagnostics);

// The budget, shared out: of one process for all stores, and to each of `pipelines`.
struct MemoryPlan {
  size_t cache_bytes = 0;
  size_t memtable_bytes = 0;
  MemoryShares each;
};
MemoryPlan share_memory(uint64_t budget, size_t pipelines);

// Answers over HTTP for all pipelines. Thread-safe once filled.
class ServiceStatus final : public StatusProvider {
 public:
  ServiceStatus(MetricRegistry& metrics, ProcessMetrics& process) : metrics_(metrics), process_(process) {}
  void add(const Pipeline& pipeline) { pipelines_.push_back(&pipeline); }

  bool live(std::string& why) override;
  bool ready(std::string& why) override;
  std::string metrics_text() override;
  std::string pipelines_json() override;
  std::optional<std::string> pipeline_json(std::string_view name) override;
  std::optional<std::string> plan_json(std::string_view name) override;
  std::optional<std::string> plan_text(std::string_view name) override;

 private:
  const Pipeline* find(std::string_view name) const;

  MetricRegistry& metrics_;
  ProcessMetrics& process_;
  std::vector<const Pipeline*> pipelines_;
};

// Does what is asked for over the admin port. Filled before it is asked.
class ServiceControl final : public PipelineControl {
 public:
  void add(Pipeline& pipeline) { pipelines_.push_back(&pipeline); }
  std::optional<ActionAnswer> ask(std::string_view pipeline, PipelineAction action) override;

 private:
  std::vector<Pipeline*> pipelines_;
};

// SIGTERM and SIGINT reach only who waits for this set; to be called before any thread is started.
sigset_t block_signals();

// `given`, or else the default share of the machine or cgroup.
struct MemoryBudget {
  uint64_t bytes = 0;
  std::string source;  // for people: "--memory", or a share of what
};
Result<MemoryBudget> memory_budget(std::optional<uint64_t> given);
uint32_t worker_threads(std::optional<int> given);

// The running pipelines and what they share. Used by one thread; clock, lines and the logger's sink outlive it.
class Service {
 public:
  // `options` but for its memory, which is a share of `memory_bytes`. `traces`: where those of checkpoints go, if anywhere.
  Service(std::vector<Plan> plans, PipelineOptions options, uint64_t memory_bytes, const Clock& clock, Logger logger,
          LineOutput& lines, std::optional<TraceExporterOptions> traces = std::nullopt);
  ~Service();

  // Answers over HTTP from here on, and tells where; at most once, and only for an address that is on.
  Result<HttpAddress> listen(const HttpAddress& address);
  // The same for the admin port, whose address is_loopback().
  Status listen_for_admin(const HttpAddress& address);
  void start();
  // Until every pipeline is over, a signal of the set has come, or `stop_wanted` (asked about 20 times a second, may be
  // empty) says so; then drains what still runs.
  // False where a pipeline does not end because something outside holds its thread: the process can only be left then, by
  // leave_at_once(), which is to it what SIGKILL is.
  [[nodiscard]] bool wait_until_over(const sigset_t& signals, bool fail_fast, const std::function<bool()>& stop_wanted);
  // The worst of all pipelines', and each one's reason on standard error.
  int report_exit() const;

  StatusProvider& status() { return status_; }
  MetricRegistry& metrics() { return metrics_; }

 private:
  bool drain();
  int exit_code() const;

  const Clock& clock_;
  Logger logger_;
  MetricRegistry metrics_;
  ProcessMetrics process_;
  RealKafkaClients kafka_;
  LocalFiles files_;
  const CrashPoints crash_points_;
  TraceMetrics trace_metrics_;
  std::optional<TraceExporter> traces_;
  std::vector<std::unique_ptr<Pipeline>> pipelines_;
  ServiceStatus status_;
  StatusRoutes status_routes_{status_};
  ServiceControl control_;
  AdminRoutes admin_routes_{control_};
  std::unique_ptr<HttpServer> http_;
  std::unique_ptr<HttpServer> admin_;
};

// Ends the process without unwinding: threads may hang in calls that nothing ends.
[[noreturn]] void leave_at_once(int exit_code);

// Runs the command to its end and answers the exit code.
int run_service(const RunCommand& command);

}  // namespace tidemark
