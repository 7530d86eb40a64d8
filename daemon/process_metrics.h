// What the process itself uses, under the names that every Prometheus client library gives, and tidemark_build_info.
// It knows nothing of pipelines.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/metrics.h"

namespace tidemark {

// What runs; constant.
struct BuildInfo {
  std::string version;
  std::string librdkafka;
  std::string rocksdb;
};

// What the process was given to work with; constant.
struct ProcessResources {
  uint64_t memory_budget = 0;       // bytes
  std::filesystem::path state_dir;  // on the disk that is watched; empty: none is
};

// Not thread-safe but for refresh(), which reads /proc and may be called by any one thread at a time.
class ProcessMetrics {
 public:
  // `proc` is /proc, or a copy of the parts that are read, for tests.
  ProcessMetrics(MetricRegistry& registry, const BuildInfo& build, const ProcessResources& resources,
                 std::filesystem::path proc = "/proc");
  // Reads the numbers anew; call it before each scrape. What cannot be read keeps its value.
  void refresh();

 private:
  void refresh_stat();
  void refresh_fds();
  void refresh_disk();

  std::filesystem::path state_dir_;
  std::filesystem::path proc_;
  MetricGauge resident_bytes_;
  MetricGauge virtual_bytes_;
  MetricCounter cpu_seconds_;
  MetricGauge open_fds_;
  MetricGauge max_fds_;
  MetricGauge threads_;
  MetricGauge start_time_seconds_;
  LateGauge disk_free_bytes_;
  LateGauge disk_size_bytes_;
};

}  // namespace tidemark
