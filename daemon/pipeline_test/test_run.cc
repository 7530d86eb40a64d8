// One worker reads one record a batch, so that nothing depends on how fast threads are. The clock stands still but for
// `advance`: then it goes in steps, each of which the pipeline has dealt with before the next.
#include "daemon/pipeline_test/test_run.h"

#include <algorithm>
#include <memory>
#include <optional>

#include "base/check.h"
#include "daemon/pipeline.h"
#include "daemon/pipeline_test/memory_kafka.h"
#include "daemon/pipeline_test/observed_pipeline.h"
#include "daemon/scratch_dir.h"
#include "operators/plan/plan.h"

namespace tidemark {
namespace {

constexpr Duration kHangs = Duration::seconds(30);  // of real time
constexpr Duration kPoll = Duration::micros(50);
constexpr Duration kShortestStep = Duration::seconds(1);
constexpr int64_t kMostSteps = 50;
constexpr size_t kStoreBytes = 1 << 20;
constexpr int64_t kObservedLimit = int64_t{1} << 30;

class NoLines final : public LineOutput {
 public:
  Status write(std::string_view) override { return {}; }
};

// One process, as far as the broker and the folder can tell.
class Life {
 public:
  Life(const PipelineSpec& spec, MemoryBroker& broker, Lookout& lookout, const Clock& clock, const std::string& dir,
       RunMode mode)
      : broker_(broker), lookout_(lookout), kafka_(broker, lookout) {
    Diagnostics diagnostics;
    std::optional<Plan> plan = make_plan(spec, diagnostics);
    CHECK_OR_DIE(plan.has_value(), "the pipeline was planned before");
    PipelineOptions options;
    options.mode = mode;
    options.state_dir = dir;
    options.batch_rows = 1;
    pipeline_.emplace(std::move(*plan), options,
                      PipelineDeps{clock, Logger(log_, clock, LogLevel::kWarn), metrics_, kafka_, no_lines_, files_,
                                   std::make_shared<const StoreMemory>(kStoreBytes, kStoreBytes), no_crash_points_});
    pipeline_->start();
  }
  // As SIGKILL would leave it.
  ~Life() {
    broker_.sever();
    pipeline_->give_up();
    pipeline_->request_stop();
    lookout_.wake();
    pipeline_->join();
  }

  // Until the condition holds; false when the pipeline is over or waits for something else.
  template <class Condition>
  bool wait_for(Condition condition) {
    const Duration begin = real_.elapsed();
    while (!condition()) {
      const bool stands = pipeline_->over() || pipeline_->state() == PipelineState::kWaiting;
      if (stands && !condition()) return false;
      if (real_.elapsed() - begin > kHangs) return false;
      sleep_for(kPoll);
    }
    return true;
  }
  bool wait_until_running() {
    return wait_for([this] { return pipeline_->state() == PipelineState::kRunning; });
  }
  bool wait_until_ended() {
    return wait_for([this] { return pipeline_->over() && pipeline_->exit_code() == 0; });
  }
  bool settle() { return !pipeline_->over() && lookout_.wait_for_quiet(kHangs); }
  bool request(RequestLine AttemptRequests::*line) {
    RequestLine& asked = pipeline_->requests().*line;
    const uint64_t request = asked.ask();
    return wait_for([&] { return asked.is_done(request); });
  }
  std::string why() const {
    std::string why = pipeline_->error();
    for (const std::string& line : log_.lines()) why += (why.empty() ? "" : "\n    ") + line;
    return why.empty() ? "it does not answer" : why;
  }

 private:
  MemoryBroker& broker_;
  Lookout& lookout_;
  MemoryKafka kafka_;
  SystemClock real_;
  CapturingLogSink log_;
  MetricRegistry metrics_;
  LocalFiles files_;
  NoLines no_lines_;
  const CrashPoints no_crash_points_;
  std::optional<Pipeline> pipeline_;
};

std::vector<TopicPartition> ids_of(const TestInput& input) {
  std::vector<TopicPartition> ids;
  for (const TestInput::Partition& partition : input.partitions) ids.push_back(partition.id);
  return ids;
}

class Run {
 public:
  Run(const PipelineSpec& spec, const TestInput& input, Duration checkpoint_every, std::string dir)
      : spec_(spec), input_(input), checkpoint_every_(checkpoint_every), dir_(std::move(dir)), clock_(input.newest),
        broker_(ids_of(input), 1), quiet_since_(input.partitions.size()) {
    for (const SinkSpec& sink : spec_.sinks) {
      if (is_observed_topic(sink.name.value)) broker_.set_limit(sink.name.value, kObservedLimit);
    }
  }

  std::expected<std::vector<WrittenRecord>, Diagnostic> run() {
    Location where = spec_.name.where;
    bool good = begin(RunMode::kForever);
    for (const TestInput::Event& event : input_.events) {
      if (!good) break;
      where = event.where;
      good = carry_out(event);
    }
    if (good && !ended_) good = checkpoint();
    if (!good) {
      return std::unexpected(Diagnostic{Severity::kError, where, "the pipeline stopped here: " + life_->why(), ""});
    }
    life_.reset();
    return broker_.committed_rows();
  }

 private:
  bool carry_out(const TestInput::Event& event) {
    if (const auto* read = std::get_if<TestInput::Read>(&event.what)) {
      broker_.append(read->partition, read->record);
      quiet_since_[read->partition].reset();
      lookout_.wake();
      return true;
    }
    if (const auto* advance = std::get_if<TestAdvance>(&event.what)) return this->advance(advance->by);
    switch (std::get<TestWord>(event.what)) {
      case TestWord::kCheckpoint: return checkpoint();
      case TestWord::kCrash: return life_->settle() && begin(RunMode::kForever);
      case TestWord::kEnd: return end();
    }
    __builtin_unreachable();
  }

  bool begin(RunMode mode) {
    life_.reset();
    life_.emplace(spec_, broker_, lookout_, clock_, dir_, mode);
    last_checkpoint_ = clock_.elapsed();
    if (mode != RunMode::kForever) return life_->wait_until_ended();
    std::ranges::fill(quiet_since_, std::nullopt);
    return life_->wait_until_running();
  }

  bool checkpoint() {
    last_checkpoint_ = clock_.elapsed();
    return life_->settle() && life_->request(&AttemptRequests::checkpoint);
  }

  bool end() {
    ended_ = true;
    return checkpoint() && begin(RunMode::kUntilEnd);
  }

  // What falls due at a moment sees the clock at that moment; the rest of the way is cut in not too many pieces.
  bool advance(Duration by) {
    const Duration until = clock_.elapsed() + by;
    const Duration step = std::max(kShortestStep, Duration{by.us / kMostSteps});
    bool good = look();
    while (good && clock_.elapsed() < until) {
      const Duration now = clock_.elapsed();
      Duration next = std::min(until, now + step);
      for (size_t p = 0; p < quiet_since_.size(); ++p) {
        const Duration idle = *quiet_since_[p] + spec_.sources[input_.partitions[p].source].event_time.idle_after;
        if (idle > now) next = std::min(next, idle);
      }
      clock_.advance(next - now);
      good = look();
    }
    const bool due = clock_.elapsed() - last_checkpoint_ >= checkpoint_every_;
    return good && (!due || checkpoint());
  }

  // Everything that came is read, and the workers know where the partitions stand now.
  bool look() {
    if (!life_->settle() || !life_->request(&AttemptRequests::look) || !life_->settle()) return false;
    for (auto& since : quiet_since_) since = since.value_or(clock_.elapsed());
    return true;
  }

  const PipelineSpec& spec_;
  const TestInput& input_;
  const Duration checkpoint_every_;
  const std::string dir_;
  ManualClock clock_;
  MemoryBroker broker_;
  Lookout lookout_;
  std::optional<Life> life_;
  std::vector<std::optional<Duration>> quiet_since_;  // by partition: when it was first seen at its end
  Duration last_checkpoint_{0};
  bool ended_ = false;
};

}  // namespace

std::expected<std::vector<WrittenRecord>, Diagnostic> run_test(const PipelineSpec& pipeline, const TestSpec& test,
                                                               const TestInput& input) {
  const auto dir = ScratchDir::make_in_memory("tidemark-test");
  if (!dir) return std::unexpected(Diagnostic{Severity::kError, test.where, dir.error().message, ""});
  const PipelineSpec observed = observed_pipeline(pipeline, test);
  return Run(observed, input, pipeline.checkpoint.every.value, dir->path()).run();
}

}  // namespace tidemark
