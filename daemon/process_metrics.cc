// Reads proc anew at each refresh; what cannot be read keeps the value it had. When to refresh is for others to say.
#include "daemon/process_metrics.h"

#include <charconv>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string_view>
#include <system_error>
#include <vector>

#include <unistd.h>

#include "base/metric_names.h"

namespace tidemark {

namespace {

std::string read_text(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::optional<double> number(std::string_view text) {
  uint64_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return static_cast<double>(n);
}

// The second word of the line that begins with `name`, such as `btime 1700000000`.
std::optional<double> number_after(const std::string& text, std::string_view name) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(name)) continue;
    std::istringstream words(line.substr(name.size()));
    std::string word;
    words >> word;
    return number(word);
  }
  return std::nullopt;
}

// Fields of /proc/PID/stat from the third on; the second, the command's name, may hold spaces and parentheses.
std::vector<std::string> stat_fields(const std::string& text) {
  const size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return {};
  std::istringstream words(text.substr(name_end + 1));
  return {std::istream_iterator<std::string>(words), {}};
}

void set(const MetricGauge& gauge, std::optional<double> value, double scale) {
  if (value) gauge.set(*value * scale);
}

}  // namespace

ProcessMetrics::ProcessMetrics(MetricRegistry& registry, const BuildInfo& build, const ProcessResources& resources,
                               std::filesystem::path proc)
    : state_dir_(resources.state_dir),
      proc_(std::move(proc)),
      resident_bytes_(registry.gauge(metric::kProcessResidentMemory)),
      virtual_bytes_(registry.gauge(metric::kProcessVirtualMemory)),
      cpu_seconds_(registry.counter(metric::kProcessCpu)),
      open_fds_(registry.gauge(metric::kProcessOpenFds)),
      max_fds_(registry.gauge(metric::kProcessMaxFds)),
      threads_(registry.gauge(metric::kProcessThreads)),
      start_time_seconds_(registry.gauge(metric::kProcessStartTime)),
      disk_free_bytes_(registry, metric::kStateDiskFree, {}),
      disk_size_bytes_(registry, metric::kStateDiskSize, {}) {
  registry.gauge(metric::kMemoryBudget).set(static_cast<double>(resources.memory_budget));
  registry.gauge(metric::kBuildInfo, {build.version, __VERSION__, build.librdkafka, build.rocksdb}).set(1);
  refresh();
}

void ProcessMetrics::refresh() {
  refresh_stat();
  refresh_fds();
  refresh_disk();
}

void ProcessMetrics::refresh_stat() {
  // proc(5) counts fields from 1; the vector begins with field 3.
  constexpr size_t kFirst = 3, kUserTicks = 14, kSystemTicks = 15, kThreads = 20;
  constexpr size_t kStart = 22, kVirtual = 23, kPages = 24;
  const std::vector<std::string> fields = stat_fields(read_text(proc_ / "self/stat"));
  if (fields.size() <= kPages - kFirst) return;
  const auto field = [&](size_t n) { return number(fields[n - kFirst]); };
  const double tick_seconds = 1.0 / static_cast<double>(sysconf(_SC_CLK_TCK));
  set(threads_, field(kThreads), 1);
  set(virtual_bytes_, field(kVirtual), 1);
  set(resident_bytes_, field(kPages), static_cast<double>(sysconf(_SC_PAGESIZE)));
  const auto user = field(kUserTicks), system = field(kSystemTicks), start = field(kStart);
  if (user && system) cpu_seconds_.raise_to((*user + *system) * tick_seconds);
  const auto boot = number_after(read_text(proc_ / "stat"), "btime");
  if (boot && start) start_time_seconds_.set(*boot + *start * tick_seconds);
}

void ProcessMetrics::refresh_fds() {
  std::error_code error;
  double open = 0;
  std::filesystem::directory_iterator entry(proc_ / "self/fd", error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) ++open;
  if (!error) open_fds_.set(open);
  set(max_fds_, number_after(read_text(proc_ / "self/limits"), "Max open files"), 1);
}

// The folder is made with the first checkpoint: until then its parent answers for it.
void ProcessMetrics::refresh_disk() {
  for (std::filesystem::path at = state_dir_; !at.empty(); at = at.parent_path()) {
    std::error_code error;
    const std::filesystem::space_info space = std::filesystem::space(at, error);
    if (!error) {
      disk_free_bytes_.set(static_cast<double>(space.available));
      disk_size_bytes_.set(static_cast<double>(space.capacity));
    }
    if (!error || at == at.parent_path()) return;
  }
}

}  // namespace tidemark
