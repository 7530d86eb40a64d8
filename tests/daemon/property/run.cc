// A life has its own clock, log and clients; only the broker and the state directory outlast it. One that hangs says
// where it stood and ends the test's process.
#include "tests/daemon/property/run.h"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include <fmt/format.h>

#include "tests/daemon/trace_checks.h"

namespace tidemark::property {
namespace {

constexpr int64_t kClockSpeed = 20;
constexpr Duration kLongestLife = Duration::seconds(120);

class NoLines final : public LineOutput {
 public:
  Status write(std::string_view) override { return {}; }
};

Plan plan_of(const Case& one, const Shape& shape) {
  const std::string text = one.yaml + "checkpoint: {every: " + std::to_string(shape.checkpoint_every_ms) +
                           "ms}\nlanes: " + std::to_string(shape.lanes) + "\n";
  Diagnostics diagnostics;
  const auto spec = load_pipeline(text, "prop.yaml", {}, diagnostics);
  std::optional<Plan> plan = spec ? make_plan(*spec, diagnostics) : std::nullopt;
  if (plan) return std::move(*plan);
  std::fprintf(stderr, "%s", text.c_str());
  for (const Diagnostic& d : diagnostics.all()) std::fprintf(stderr, "%s\n", to_string(d).c_str());
  std::abort();
}

[[noreturn]] void hung(const Case& one, const LifePlan& plan, const Pipeline& pipeline, const CapturingLogSink& log) {
  std::fprintf(stderr, "seed %llu hangs in %s\n%s\n", static_cast<unsigned long long>(one.seed), plan.describe().c_str(),
               pipeline.status_json().c_str());
  for (const std::string& line : log.lines()) std::fprintf(stderr, "%s\n", line.c_str());
  std::_Exit(1);  // threads still run
}

}  // namespace

std::string LifePlan::describe() const {
  const char* kind = mode == RunMode::kForever ? "forever" : mode == RunMode::kUntilEnd ? "until-end" : "keep-open";
  const char* acts[] = {"file", "produce", "transaction", "deliver"};
  std::string out = fmt::format("{} workers, {} rows a batch, {}", workers, batch_rows, kind);
  if (death.nth != Death{}.nth) {
    out += fmt::format(", dies {} {} {}", death.after ? "after" : "before", acts[static_cast<int>(death.at)], death.nth);
  }
  if (stop_after_us >= 0) out += fmt::format(", stopped after {} us", stop_after_us);
  for (const Deed& deed : deeds) out += fmt::format(", {} after {} us", to_string(deed.action), deed.at_us);
  if (weather.revocations > 0) out += fmt::format(", {} revocations", weather.revocations);
  if (weather.abort_wanted + weather.timed_out > 0) out += ", transactions fail";
  return out;
}

StateDir::StateDir()
    : dir_([] {
        auto dir = ScratchDir::make_in_memory("tidemark-test");
        if (!dir) std::abort();
        return std::move(*dir);
      }()) {}

LifeEnd live(const Case& one, const Shape& shape, const LifePlan& plan, FakeBroker& broker, const StateDir& dir) {
  const FastClock clock(Time::from_millis(kWallMs), kClockSpeed);
  CapturingLogSink log;
  MetricRegistry metrics;
  Life life(plan.death);
  const auto files = plan.files ? plan.files(life) : std::make_unique<MortalFiles>(life);
  FakeKafka kafka(broker, life, plan.weather, plan.seed);
  NoLines lines;
  const CrashPoints crash_points;
  KeepingTraces traces;
  PipelineOptions options;
  options.mode = plan.mode;
  options.state_dir = dir.path();
  options.workers = plan.workers;
  options.batch_rows = plan.batch_rows;
  options.memory.state_bytes = shape.state_bytes;
  options.memory.channel_bytes = shape.channel_bytes;
  options.memory.sink_wait_bytes = shape.sink_wait_bytes;
  Pipeline pipeline(plan_of(one, shape), options,
                    PipelineDeps{clock, Logger(log, clock, LogLevel::kWarn), metrics, kafka, lines, *files,
                                 std::make_shared<const StoreMemory>(1 << 20, 1 << 20), crash_points, &traces});
  pipeline.start();
  const SystemClock real;
  const Duration begin = real.elapsed();
  const auto lived = [&] { return real.elapsed() - begin; };
  const auto goes_on = [&] { return !life.dead() && !pipeline.over() && pipeline.state() != PipelineState::kDrained; };
  size_t deeds = 0;
  while (goes_on() && (plan.stop_after_us < 0 || lived().us < plan.stop_after_us)) {
    if (lived() > kLongestLife) hung(one, plan, pipeline, log);
    if (deeds < plan.deeds.size() && lived().us >= plan.deeds[deeds].at_us) (void)pipeline.ask(plan.deeds[deeds++].action);
    if (plan.meanwhile) plan.meanwhile(pipeline, lived());
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
  if (life.dead()) pipeline.give_up();
  pipeline.request_stop();
  while (!pipeline.over()) {
    if (lived() > kLongestLife) hung(one, plan, pipeline, log);
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
  pipeline.join();
  return {life.dead(), pipeline.exit_code(), pipeline.error(), nlohmann::json::parse(pipeline.status_json()), metrics.expose(),
          log.lines(), std::move(traces.all)};
}

}  // namespace tidemark::property
