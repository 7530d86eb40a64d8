// What an operator's actions come to in every state.
#include "daemon/pipeline_actions.h"

#include <set>

#include "tests/catch.h"

namespace tidemark {

namespace {

constexpr Wish kAllWishes[] = {Wish::kRunning, Wish::kPaused, Wish::kDrained};
constexpr PipelineAction kAllActions[] = {PipelineAction::kPause, PipelineAction::kResume, PipelineAction::kCheckpoint,
                                          PipelineAction::kDrain};
const std::set<PipelineState> kOver = {PipelineState::kEnded, PipelineState::kFailed, PipelineState::kFenced};

using Kind = Ruling::Kind;

}  // namespace

TEST_CASE("words and actions are the same") {
  for (const PipelineAction action : kAllActions) CHECK(parse_pipeline_action(to_string(action)) == action);
  CHECK_FALSE(parse_pipeline_action(""));
  CHECK_FALSE(parse_pipeline_action("Pause"));
  CHECK_FALSE(parse_pipeline_action("pause/"));
}

TEST_CASE("what is over, or told to drain, stays so") {
  for (const PipelineAction action : kAllActions) {
    for (const Wish wish : kAllWishes) {
      for (const PipelineState state : kOver) {
        const Ruling ruling = judge(action, state, wish);
        CHECK(ruling.kind == Kind::kRefused);
        CHECK(ruling.wish == wish);
        CHECK(ruling.why.starts_with("is " + std::string(to_string(state))));
      }
    }
    for (const PipelineState state : kAllPipelineStates) {
      if (kOver.contains(state)) continue;
      const Ruling ruling = judge(action, state, Wish::kDrained);
      CHECK(ruling.wish == Wish::kDrained);
      const Kind drain = state == PipelineState::kDrained ? Kind::kDone : Kind::kUnderWay;
      CHECK(ruling.kind == (action == PipelineAction::kDrain ? drain : Kind::kRefused));
    }
  }
}

TEST_CASE("a pipeline that is not over can be paused, resumed and drained in whatever it does") {
  for (const PipelineState state : kAllPipelineStates) {
    if (kOver.contains(state) || state == PipelineState::kDrained) continue;
    for (const Wish wish : {Wish::kRunning, Wish::kPaused}) {
      const Ruling pause = judge(PipelineAction::kPause, state, wish);
      CHECK(pause.wish == Wish::kPaused);
      CHECK(pause.kind == (state == PipelineState::kPaused ? Kind::kDone : Kind::kUnderWay));
      const Ruling resume = judge(PipelineAction::kResume, state, wish);
      CHECK(resume.wish == Wish::kRunning);
      CHECK(resume.kind == (wish == Wish::kRunning ? Kind::kDone : Kind::kUnderWay));
      const Ruling drain = judge(PipelineAction::kDrain, state, wish);
      CHECK(drain.wish == Wish::kDrained);
      CHECK(drain.kind == Kind::kUnderWay);
    }
  }
}

TEST_CASE("only what runs and is to run takes a checkpoint") {
  for (const PipelineState state : kAllPipelineStates) {
    if (kOver.contains(state)) continue;
    const Ruling ruling = judge(PipelineAction::kCheckpoint, state, Wish::kRunning);
    CHECK(ruling.wish == Wish::kRunning);
    CHECK(ruling.kind == (state == PipelineState::kRunning ? Kind::kUnderWay : Kind::kRefused));
    const Ruling paused = judge(PipelineAction::kCheckpoint, state, Wish::kPaused);
    CHECK(paused.kind == Kind::kRefused);
    CHECK(paused.wish == Wish::kPaused);
    CHECK(paused.why == "is paused: resume it first");
  }
}

}  // namespace tidemark
