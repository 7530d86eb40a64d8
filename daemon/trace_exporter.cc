// Traces leave the queue when a request takes them, and come back to its front where trying again can help; the lock is
// never held while one is sent.
#include "daemon/trace_exporter.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "base/metric_names.h"
#include "base/thread_name.h"
#include "daemon/http_client.h"

namespace tidemark {
namespace {

constexpr size_t kMostSpansOfRequest = 1024;
constexpr Duration kRepeatWarnings = Duration::minutes(1);
constexpr Duration kGrace = Duration::seconds(1);  // for what a request does besides waiting
// Those that OTLP names for trying again.
constexpr std::array kTransient = {429, 502, 503, 504};

size_t count_spans(const std::vector<Trace>& traces) {
  size_t n = 0;
  for (const Trace& trace : traces) n += trace.spans.size();
  return n;
}

}  // namespace

TraceMetrics::TraceMetrics(MetricRegistry& registry)
    : exported(registry.counter(metric::kTraceSpansExported)), dropped(registry.counter(metric::kTraceSpansDropped)) {}

TraceExporter::TraceExporter(TraceExporterOptions options, TraceMetrics metrics, Logger logger)
    : options_(std::move(options)), metrics_(metrics), warnings_(std::move(logger), kRepeatWarnings), thread_([this] { run(); }) {}

TraceExporter::~TraceExporter() {
  (void)stop();
  thread_.join();
}

void TraceExporter::take(Trace trace) {
  const std::lock_guard lock(mutex_);
  if (deadline_) return drop(trace.spans.size());
  spans_ += trace.spans.size();
  waiting_.push_back(std::move(trace));
  // The newest one is kept, however large.
  while (spans_ > options_.most_spans && waiting_.size() > 1) {
    spans_ -= waiting_.front().spans.size();
    drop(waiting_.front().spans.size());
    waiting_.pop_front();
  }
  wake_.notify_one();
}

bool TraceExporter::stop() {
  std::unique_lock lock(mutex_);
  if (!deadline_) deadline_ = clock_.elapsed() + options_.flush_within;
  wake_.notify_one();
  const auto patience = std::chrono::microseconds((options_.flush_within + kGrace).us);
  return ended_.wait_for(lock, patience, [this] { return over_; });
}

void TraceExporter::drop(size_t spans) { metrics_.dropped.add(spans); }

// Of a request that begins now; the lock is held.
Duration TraceExporter::time_left() const {
  return deadline_ ? std::min(options_.request_within, *deadline_ - clock_.elapsed()) : options_.request_within;
}

// What the next request takes; nothing once it was told to stop and nothing waits.
std::vector<Trace> TraceExporter::next(std::unique_lock<std::mutex>& lock) {
  wake_.wait(lock, [this] { return deadline_ || !waiting_.empty(); });
  std::vector<Trace> traces;
  size_t spans = 0;
  while (!waiting_.empty() && (traces.empty() || spans + waiting_.front().spans.size() <= kMostSpansOfRequest)) {
    spans += waiting_.front().spans.size();
    traces.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  spans_ -= spans;
  return traces;
}

// As far as there is room beside what has come since.
void TraceExporter::put_back(std::vector<Trace> traces) {
  for (; !traces.empty(); traces.pop_back()) {
    const size_t spans = traces.back().spans.size();
    if (spans_ + spans > options_.most_spans && !waiting_.empty()) {
      drop(spans);
      continue;
    }
    spans_ += spans;
    waiting_.push_front(std::move(traces.back()));
  }
}

// False where there is no time for it any more.
bool TraceExporter::wait_to_try_again(std::unique_lock<std::mutex>& lock) {
  if (deadline_) return false;
  wait_ = wait_ == Duration{0} ? options_.first_wait : std::min(Duration{wait_.us * 2}, options_.longest_wait);
  wake_.wait_for(lock, std::chrono::microseconds(wait_.us), [this] { return deadline_.has_value(); });
  return true;
}

void TraceExporter::run() {
  name_this_thread("traces");
  std::unique_lock lock(mutex_);
  for (std::vector<Trace> traces = next(lock); !traces.empty(); traces = next(lock)) {
    const size_t spans = count_spans(traces);
    const Duration within = time_left();
    lock.unlock();
    const Outcome outcome = within > Duration{0} ? send(traces, within) : Outcome::kTryAgain;
    lock.lock();
    if (outcome == Outcome::kTaken) metrics_.exported.add(spans);
    if (outcome == Outcome::kRefused) drop(spans);
    if (outcome != Outcome::kTryAgain) {
      wait_ = Duration{0};
      continue;
    }
    put_back(std::move(traces));
    if (!wait_to_try_again(lock)) break;
  }
  for (const Trace& trace : waiting_) drop(trace.spans.size());
  waiting_.clear();
  over_ = true;
  ended_.notify_all();
}

TraceExporter::Outcome TraceExporter::send(const std::vector<Trace>& traces, Duration within) {
  const std::string body = otlp_json(options_.resource, traces);
  const OutgoingRequest request{"POST", options_.endpoint.path, "application/json", body};
  const auto answer = ask_http(options_.endpoint.address, request, within);
  if (answer && answer->status >= 200 && answer->status < 300) return Outcome::kTaken;
  const std::string why = answer ? "the collector answers " + std::to_string(answer->status) : answer.error().message;
  warnings_.warn("traces_not_sent", {{"endpoint", to_string(options_.endpoint)}, {"error", why}});
  const bool transient = !answer || std::ranges::find(kTransient, answer->status) != kTransient.end();
  return transient ? Outcome::kTryAgain : Outcome::kRefused;
}

}  // namespace tidemark
