// The spans of a checkpoint by a clock that is moved by hand: who holds whom, how long, and who is to blame.
#include "daemon/checkpoint_trace.h"

#include <algorithm>
#include <set>

#include "tests/catch.h"
#include "tests/daemon/trace_checks.h"

namespace tidemark {
namespace {

constexpr Time kStart = Time{1'767'225'600'000'000};

struct Fixture {
  ManualClock clock{kStart};
  KeepingTraces traces;
  CheckpointTrace trace{traces, clock, {{"tidemark.pipeline", "p"}, {"tidemark.epoch", int64_t{7}}}};

  void pass(int64_t ms) { clock.advance(Duration::millis(ms)); }
  // Of the one trace that was handed over.
  const Span& span(const std::string& name) {
    REQUIRE(traces.all.size() == 1);
    CHECK(faults_of(traces.all[0]) == std::vector<std::string>{});
    return span_of(traces.all[0], name);
  }
  std::pair<int64_t, int64_t> ms(const std::string& name) {
    const Span& one = span(name);
    return {(one.start - kStart).to_millis(), (one.end - kStart).to_millis()};
  }
};

TimedStep step(const char* name, std::string unit, int64_t began_ms, int64_t ended_ms) {
  return {name, std::move(unit), Duration::millis(began_ms), Duration::millis(ended_ms), {}, {}};
}

}  // namespace

TEST_CASE("phases lie in the checkpoint, calls in their phase, and all of them when they were") {
  Fixture f;
  f.trace.begin("sinks");
  f.trace.begin("barrier");
  f.pass(5);
  f.trace.end("barrier");
  f.trace.begin("state");
  f.pass(10);
  f.trace.end("state");
  f.trace.end("sinks");
  f.trace.begin("transaction");
  f.trace.begin("commit", "transaction");
  f.pass(20);
  f.trace.end("commit");
  f.trace.end("transaction");
  f.trace.set("tidemark.rows", int64_t{3});
  f.pass(1);
  f.trace.finish("committed", std::nullopt);
  using Between = std::pair<int64_t, int64_t>;
  CHECK(f.ms("checkpoint") == Between{0, 36});
  CHECK(f.ms("barrier") == Between{0, 5});
  CHECK(f.ms("sinks") == Between{0, 15});
  CHECK(f.ms("state") == Between{5, 15});
  CHECK(f.ms("commit") == Between{15, 35});
  CHECK(f.span("commit").parent == f.span("transaction").id);
  CHECK(f.span("transaction").parent == f.span("checkpoint").id);
  CHECK(f.span("checkpoint").parent == 0);
  const SpanAttributes wanted = {{"tidemark.pipeline", "p"}, {"tidemark.epoch", int64_t{7}}, {"tidemark.rows", int64_t{3}},
                                 {"tidemark.result", "committed"}};
  CHECK((f.span("checkpoint").attributes == wanted));
  for (const Span& span : f.traces.all[0].spans) CHECK_FALSE(span.error);
}

TEST_CASE("what other threads did lies in its phase, from the checkpoint's beginning on") {
  Fixture f;
  f.clock.advance(Duration::millis(100));
  CheckpointTrace trace(f.traces, f.clock, {});
  f.pass(20);
  trace.begin("state");
  f.pass(20);
  trace.end("state");
  trace.add({step("manifest", "lane-1", 130, 140), step("freeze", "lane-1", 90, 110), step("freeze", "lane-2", 10, 90)}, "state");
  trace.add({step("freeze", "nobody", 130, 140)}, "no such phase");
  trace.finish("committed", std::nullopt);
  CHECK(f.ms("checkpoint") == std::pair<int64_t, int64_t>{100, 140});
  CHECK(f.ms("freeze") == std::pair<int64_t, int64_t>{100, 110});  // under way when the checkpoint began
  CHECK(f.ms("state") == std::pair<int64_t, int64_t>{100, 140});   // holds all that is in it
  CHECK(f.traces.all[0].spans.size() == 4);
  CHECK((f.span("manifest").attributes == SpanAttributes{{"tidemark.unit", "lane-1"}}));
}

TEST_CASE("of very many units those that took longest are shown") {
  Fixture f;
  f.trace.begin("state");
  std::vector<TimedStep> steps;
  for (int i = 0; i < 1000; ++i) steps.push_back(step("snapshot", "lane-" + std::to_string(i), 0, i));
  f.pass(1000);
  f.trace.add(std::move(steps), "state");
  f.trace.finish("committed", std::nullopt);
  CHECK(f.traces.all[0].spans.size() == CheckpointTrace::kMostSteps + 2);
  for (const Span& span : f.traces.all[0].spans) CHECK((span.end - span.start).to_millis() >= 1000 - int{CheckpointTrace::kMostSteps});
  const SpanAttributes wanted = {{"tidemark.steps_left_out", int64_t{1000 - CheckpointTrace::kMostSteps}}};
  CHECK((f.span("state").attributes == wanted));
}

TEST_CASE("a failure is shown where it happened and around it, and nowhere else") {
  Fixture f;
  f.trace.begin("sinks");
  f.trace.begin("barrier");
  f.trace.end("barrier");
  SECTION("in the last call") {
    f.trace.begin("transaction");
    f.trace.begin("send_offsets", "transaction");
    f.trace.end("send_offsets");
    f.trace.begin("commit", "transaction");
    f.pass(3);
    f.trace.finish("rewound", "fenced");
    for (const char* name : {"checkpoint", "transaction", "commit"}) CHECK(f.span(name).error == "fenced");
    for (const char* name : {"sinks", "barrier", "send_offsets"}) CHECK_FALSE(f.span(name).error);
    CHECK(f.ms("commit") == std::pair<int64_t, int64_t>{0, 3});
  }
  SECTION("in a unit") {
    f.trace.begin("state");
    auto good = step("snapshot", "lane-1", 0, 1), bad = step("snapshot", "lane-2", 0, 1);
    bad.error = "no space left on device";
    f.pass(1);
    f.trace.add({good, bad}, "state");
    f.trace.finish("failed", "lane-2: no space");
    CHECK(f.span("checkpoint").error == "lane-2: no space");
    CHECK(f.span("state").error == "lane-2: no space");
    CHECK_FALSE(f.span("sinks").error);
    std::vector<std::string> errors;
    for (const Span& span : f.traces.all[0].spans) {
      if (span.name == "snapshot") errors.push_back(span.error.value_or(""));
    }
    std::ranges::sort(errors);
    CHECK(errors == std::vector<std::string>{"", "no space left on device"});
  }
  SECTION("with more words than anybody reads") {
    f.trace.finish("failed", std::string(100'000, 'x'));
    CHECK(f.span("checkpoint").error->size() == 1024);
  }
}

TEST_CASE("without anybody who takes traces nothing is recorded, and after the end nothing more") {
  CheckpointTrace none;
  none.begin("barrier");
  none.end("barrier");
  none.set("tidemark.rows", int64_t{1});
  none.add({step("freeze", "all", 0, 1)}, "state");
  none.finish("committed", std::nullopt);
  CHECK_FALSE(none.on());
  Fixture f;
  CHECK(f.trace.on());
  f.trace.finish("committed", std::nullopt);
  f.trace.begin("delete");
  f.trace.finish("failed", "twice");
  CHECK_FALSE(f.trace.on());
  CHECK(f.traces.all.size() == 1);
}

TEST_CASE("no two checkpoints share an id") {
  KeepingTraces traces;
  ManualClock clock(kStart);
  for (int i = 0; i < 100; ++i) CheckpointTrace(traces, clock, {}).finish("committed", std::nullopt);
  std::set<std::array<uint64_t, 2>> ids;
  std::set<uint64_t> spans;
  for (const Trace& trace : traces.all) {
    ids.insert(trace.id);
    spans.insert(trace.spans[0].id);
  }
  CHECK(ids.size() == 100);
  CHECK(spans.size() == 100);
}

}  // namespace tidemark
