// What the demo shows of its pipeline: figures gathered from what every pipeline tells operators, and the lines made of
// them. It knows no terminal.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "base/time.h"
#include "daemon/http_routes.h"

namespace tidemark {

struct DemoFigures {
  std::string state;              // as in tidemark_pipeline_state
  std::optional<double> events_per_second;  // between the last two checkpoints
  int64_t lag = 0;                // records
  std::optional<Time> watermark;  // of the slowest partition
  std::optional<Time> last_checkpoint;
  uint64_t epoch = 0;
  uint64_t read = 0;              // the rest: as of the last checkpoint
  uint64_t late = 0;
  uint64_t dead_lettered = 0;
  bool closed = false;            // every record read is accounted for
};

// `12,345 events/s | lag 3 | watermark 07:48:05Z, 1.2s behind | checkpoint 12, 0.8s ago | late 3, bad 2`
std::string demo_status_line(const DemoFigures& figures, Time now);

// Asks one pipeline's status and metrics. Single-threaded. The service behind both outlives it.
class DemoWatch {
 public:
  DemoWatch(StatusProvider& status, const MetricRegistry& metrics, std::string pipeline, const std::string& topic,
            int32_t partitions);

  DemoFigures look();

 private:
  void read_status(const std::string& json);

  StatusProvider& status_;
  const std::string pipeline_;
  const MetricRegistry& metrics_;
  std::vector<LabelValues> partitions_;
  DemoFigures figures_;
};

}  // namespace tidemark
