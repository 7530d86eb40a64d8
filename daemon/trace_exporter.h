// TraceExporter: sends traces to a collector as OTLP over HTTP, from a thread of its own. Whoever gives it a trace never
// waits: what the collector does not take in time is dropped and counted. It does not know what was traced.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "daemon/otlp_settings.h"
#include "daemon/trace.h"

namespace tidemark {

struct TraceMetrics {
  explicit TraceMetrics(MetricRegistry& registry);
  MetricCounter exported;  // spans
  MetricCounter dropped;
};

struct TraceExporterOptions {
  OtlpEndpoint endpoint;
  TraceResource resource;
  size_t most_spans = 8192;  // that wait; of more, the oldest traces go
  Duration request_within = Duration::seconds(3);
  Duration first_wait = Duration::seconds(1);  // after a failure; doubles with each that follows
  Duration longest_wait = Duration::minutes(1);
  Duration flush_within = Duration::seconds(3);
};

// Thread-safe.
class TraceExporter final : public TraceSink {
 public:
  TraceExporter(TraceExporterOptions options, TraceMetrics metrics, Logger logger);
  ~TraceExporter() override;  // waits for the thread, however long
  TraceExporter(const TraceExporter&) = delete;
  TraceExporter& operator=(const TraceExporter&) = delete;

  void take(Trace trace) override;
  // Sends what waits, once and within the time; the rest is dropped. False where the thread hangs even so, as in looking a
  // name up.
  bool stop();

 private:
  enum class Outcome : uint8_t { kTaken, kRefused, kTryAgain };

  void run();
  std::vector<Trace> next(std::unique_lock<std::mutex>& lock);
  void put_back(std::vector<Trace> traces);
  bool wait_to_try_again(std::unique_lock<std::mutex>& lock);
  Outcome send(const std::vector<Trace>& traces, Duration within);
  void drop(size_t spans);
  Duration time_left() const;

  const TraceExporterOptions options_;
  const TraceMetrics metrics_;
  const SystemClock clock_;
  RateLimited warnings_;  // of the thread alone

  std::mutex mutex_;  // guards all below
  std::condition_variable wake_;
  std::condition_variable ended_;
  std::deque<Trace> waiting_;
  size_t spans_ = 0;  // of `waiting_`
  Duration wait_{0};  // the present back-off
  std::optional<Duration> deadline_;  // once it was told to stop
  bool over_ = false;
  std::thread thread_;
};

}  // namespace tidemark
