// Figures of the real process, and of one that is made up, with a name that is hard to read past.
#include "daemon/process_metrics.h"

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <fstream>

#include <unistd.h>

#include "base/metric_names.h"
#include "tests/catch.h"

namespace tidemark {

TEST_CASE("the real process has plausible numbers") {
  MetricRegistry registry;
  ProcessMetrics process(registry, {"1.2.3", "2.0.2", "7.8.3"}, {512 << 20, "/tmp/not/yet/made"});
  const int extra = dup(0);
  const double fds_before = registry.gauge(metric::kProcessOpenFds).value();
  process.refresh();
  CHECK(registry.gauge(metric::kProcessOpenFds).value() == fds_before + 1);
  close(extra);
  const double resident = registry.gauge(metric::kProcessResidentMemory).value();
  CHECK(resident > 1e6);
  CHECK(registry.gauge(metric::kProcessVirtualMemory).value() >= resident);
  CHECK(registry.gauge(metric::kProcessThreads).value() >= 1);
  CHECK(registry.gauge(metric::kProcessMaxFds).value() >= 3);
  const auto now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  const double started = registry.gauge(metric::kProcessStartTime).value();
  CHECK(started > now - 3600);
  CHECK(started < now + 5);
  CHECK(registry.gauge(metric::kMemoryBudget).value() == 512 << 20);
  const std::filesystem::space_info disk = std::filesystem::space("/tmp");
  CHECK(registry.gauge_value(metric::kStateDiskSize, {}) == static_cast<double>(disk.capacity));
  CHECK(*registry.gauge_value(metric::kStateDiskFree, {}) <= static_cast<double>(disk.capacity));
  CHECK(registry.expose().find("tidemark_build_info{version=\"1.2.3\",compiler=\"") != std::string::npos);
}

TEST_CASE("numbers are read from the right fields, whatever the command is called") {
  char folder[] = "/tmp/tidemark-proc-XXXXXX";
  REQUIRE(mkdtemp(folder) != nullptr);
  const std::filesystem::path proc = folder;
  std::filesystem::create_directories(proc / "self/fd");
  std::ofstream(proc / "self/fd/0") << "";
  std::ofstream(proc / "self/fd/7") << "";
  std::ofstream(proc / "self/stat")
      << "42 (a) b) S 1 42 42 0 -1 4194560 9 0 0 0 250 150 0 0 20 0 11 0 1000 8192 3 1 0\n";
  std::ofstream(proc / "self/limits") << "Limit  Soft Limit  Hard Limit  Units\nMax open files   1024   4096   files\n";
  std::ofstream(proc / "stat") << "cpu 1 2\nbtime 1700000000\n";
  MetricRegistry registry;
  const ProcessMetrics process(registry, {}, {}, proc);
  const double ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  CHECK(std::abs(registry.counter(metric::kProcessCpu).value() - 400 / ticks) < 1e-6);
  CHECK(registry.gauge(metric::kProcessThreads).value() == 11);
  CHECK(registry.gauge(metric::kProcessVirtualMemory).value() == 8192);
  CHECK(registry.gauge(metric::kProcessResidentMemory).value() == 3.0 * static_cast<double>(sysconf(_SC_PAGESIZE)));
  CHECK(registry.gauge(metric::kProcessOpenFds).value() == 2);
  CHECK(registry.gauge(metric::kProcessMaxFds).value() == 1024);
  CHECK_FALSE(registry.gauge_value(metric::kStateDiskFree, {}));  // no disk was named
  CHECK(std::abs(registry.gauge(metric::kProcessStartTime).value() - (1700000000 + 1000 / ticks)) < 1e-3);
  std::filesystem::remove_all(proc);
}

}  // namespace tidemark
