// One table for each group of metrics, in the order of the specs. Which metric belongs to which group is said by the first
// of each group, so that a new metric lands beside those that it was written beside.
#include "base/metric_reference.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/metric_names.h"

namespace tidemark {

namespace {

struct Group {
  const MetricSpec* first;
  std::string_view heading;
};

constexpr std::array kGroups = {
    Group{&metric::kRecordsRead, "Records and rows"},
    Group{&metric::kLedgerRecords, "The ledger"},
    Group{&metric::kConsumerLag, "Lag and watermarks"},
    Group{&metric::kCheckpointDuration, "Checkpoints, transactions and state"},
    Group{&metric::kLaneBusy, "Work, latency and the pipeline's state"},
    Group{&metric::kKafkaBrokersUp, "Kafka clients"},
    Group{&metric::kBuildInfo, "The process"},
};

constexpr std::string_view kHead = R"(# Metrics

Generated from `base/metric_names.h`; to write it anew: `test_house "[.write]"`. What to look at first, and for which
alert, stands in [runbook.md](runbook.md).

Counters of records are exact as of the last committed checkpoint: what a crash takes back was never counted. Gauges of
partitions are looked at twice a second. What is not known yet has no series: a partition's watermark before its first record,
the time of the last checkpoint before the first one. Units are base units: seconds, bytes, records.
)";

constexpr std::string_view kBounds = R"(
## How many series there are

Labels never hold values or messages, and of keys a hash, for at most twenty keys of a step at a time, so that the number of series does not grow with what records hold: about 125 for
a pipeline with its source (four histograms are half of it), 13 for each partition that is assigned, up to 40 for each step, 2
for each sink, and a dozen for the process. A partition that goes to another instance takes its gauges with it. `topic_pattern` with thousands of
topics is the one way to many series; drop the label `partition` in the scrape's relabelling then.
)";

std::string_view to_string(MetricType type) {
  switch (type) {
    case MetricType::kCounter: return "counter";
    case MetricType::kGauge: return "gauge";
    case MetricType::kHistogram: return "histogram";
  }
  return "";
}

std::string_view to_string(MetricUnit unit) {
  switch (unit) {
    case MetricUnit::kCount: return "count";
    case MetricUnit::kBytes: return "bytes";
    case MetricUnit::kSeconds: return "seconds";
    case MetricUnit::kRatio: return "ratio";
    case MetricUnit::kInfo: return "0 or 1";
  }
  return "";
}

std::string line_of(const MetricSpec& spec) {
  std::string labels;
  for (size_t i = 0; i < spec.label_count(); ++i) labels += (i ? ", " : "") + std::string(spec.labels[i]);
  std::string line = "| `" + std::string(spec.name) + "` | ";
  line.append(to_string(spec.type)).append(", ").append(to_string(spec.unit)).append(" | ");
  return line.append(labels).append(" | ").append(spec.help).append(" | ").append(spec.action).append(" |\n");
}

}  // namespace

std::string metrics_markdown() {
  std::string out(kHead);
  for (const MetricSpec* spec : metric::all()) {
    const auto group = std::ranges::find(kGroups, spec, &Group::first);
    if (group != kGroups.end()) {
      out.append("\n## ").append(group->heading);
      out += "\n\n| metric | type, unit | labels | meaning | what to do |\n|---|---|---|---|---|\n";
    }
    out += line_of(*spec);
  }
  out += "\n## Labels\n\n| label | is | values at most |\n|---|---|---|\n";
  for (const metric::LabelSpec& label : metric::labels()) {
    out.append("| `").append(label.name).append("` | ").append(label.meaning).append(" | ").append(label.bound).append(" |\n");
  }
  return out.append(kBounds);
}

}  // namespace tidemark
