// Reads the status document that the API serves and the gauges of the partitions; writes them as one line.
#include "daemon/demo_status.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "base/metric_names.h"

namespace tidemark {
namespace {

std::string with_commas(uint64_t n) {
  std::string digits = std::to_string(n);
  for (size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, ",");
  return digits;
}

double seconds_since(Time then, Time now) { return std::max(0.0, (now - then).to_seconds()); }

// Of an event time: 07:48:05Z.
std::string time_of_day(Time t) {
  const int64_t second = floor_mod(floor_div(t.us, 1'000'000), 86'400);
  return fmt::format("{:02}:{:02}:{:02}Z", second / 3'600, second / 60 % 60, second % 60);
}

}  // namespace

std::string demo_status_line(const DemoFigures& figures, Time now) {
  if (figures.epoch == 0 && !figures.watermark) {
    return figures.state == "starting" ? "starting: joining the consumer group" : figures.state;
  }
  std::string line;
  if (figures.events_per_second) {
    line = with_commas(static_cast<uint64_t>(*figures.events_per_second)) + " events/s | ";
  }
  line += "lag " + with_commas(static_cast<uint64_t>(figures.lag));
  if (figures.watermark) {
    line += fmt::format(" | watermark {}, {:.1f}s behind", time_of_day(*figures.watermark),
                        seconds_since(*figures.watermark, now));
  }
  if (figures.last_checkpoint) {
    line += fmt::format(" | checkpoint {}, {:.1f}s ago", figures.epoch, seconds_since(*figures.last_checkpoint, now));
  }
  return line + fmt::format(" | late {}, bad {}", figures.late, figures.dead_lettered);
}

DemoWatch::DemoWatch(StatusProvider& status, const MetricRegistry& metrics, std::string pipeline,
                     const std::string& topic, int32_t partitions)
    : status_(status), pipeline_(std::move(pipeline)), metrics_(metrics) {
  for (int32_t p = 0; p < partitions; ++p) partitions_.push_back({pipeline_, topic, std::to_string(p)});
}

DemoFigures DemoWatch::look() {
  if (const auto json = status_.pipeline_json(pipeline_)) read_status(*json);
  figures_.lag = 0;
  figures_.watermark = Time::max();
  for (const LabelValues& partition : partitions_) {
    figures_.lag += static_cast<int64_t>(metrics_.gauge_value(metric::kConsumerLag, partition).value_or(0));
    const auto watermark = metrics_.gauge_value(metric::kWatermarkTimestamp, partition);
    if (!watermark) return figures_.watermark.reset(), figures_;  // nothing was read there yet
    figures_.watermark = std::min(*figures_.watermark, Time{static_cast<int64_t>(*watermark * 1e6)});
  }
  return figures_;
}

// Counts are those of the last checkpoint, so that a rate can be had only between two of them.
void DemoWatch::read_status(const std::string& text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (json.is_discarded()) return;
  figures_.state = json.value("state", "");
  const uint64_t epoch = json.value("epoch", uint64_t{0});
  const auto ledger = json.find("ledger");
  if (epoch == figures_.epoch || ledger == json.end()) return;
  const auto at = parse_rfc3339(json.value("last_checkpoint", ""));
  const auto of_sources = [&](const char* what) {
    uint64_t all = 0;
    for (const auto& source : (*ledger)["sources"]) all += source.value(what, uint64_t{0});
    return all;
  };
  const uint64_t read = of_sources("read");
  if (at && figures_.last_checkpoint && *at > *figures_.last_checkpoint && read >= figures_.read) {
    figures_.events_per_second = static_cast<double>(read - figures_.read) / (*at - *figures_.last_checkpoint).to_seconds();
  }
  figures_.epoch = epoch;
  figures_.last_checkpoint = at;
  figures_.read = read;
  figures_.closed = ledger->value("closed", false);
  figures_.dead_lettered = of_sources("dead_lettered");
  figures_.late = 0;
  for (const auto& step : (*ledger)["steps"]) {
    figures_.late += step.value("late", uint64_t{0});
    figures_.dead_lettered += step.value("dead_lettered", uint64_t{0});
  }
}

}  // namespace tidemark
