// Service: the pipelines of one process: reads their files, shares memory and threads among them, runs them until they
// are over or a signal comes, and answers for them over HTTP.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/diagnostic.h"
#include "daemon/cli.h"
#include "daemon/http_routes.h"
#include "daemon/pipeline.h"
#include "daemon/process_metrics.h"

namespace tidemark {

// Reads and plans all files; every mistake of every file is in `diagnostics`. Also refuses names that occur twice.
std::optional<std::vector<Plan>> load_plans(const std::vector<std::string>& files, const Variables& variables,
                                            Diagnostics& diagnostics);

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
  void add(const tidemark::Pipeline& pipeline) { pipelines_.push_back(&pipeline); }

  bool live(std::string& why) override;
  bool ready(std::string& why) override;
  std::string metrics_text() override;
  std::vector<StatusProvider::Pipeline> pipelines() override;
  std::string pipelines_json() override;
  std::optional<std::string> pipeline_json(std::string_view name) override;

 private:
  MetricRegistry& metrics_;
  ProcessMetrics& process_;
  std::vector<const tidemark::Pipeline*> pipelines_;
};

// Runs the command to its end and answers the exit code.
int run_service(const RunCommand& command);

}  // namespace tidemark
