// One table of words, one decision. An action that asks for what is already so is done at once: whoever asks twice need
// not know whether the first time went through.
#include "daemon/pipeline_actions.h"

#include <array>
#include <utility>

#include <fmt/format.h>

namespace tidemark {

namespace {

constexpr std::array<std::pair<std::string_view, PipelineAction>, 4> kActions = {{
    {"pause", PipelineAction::kPause},
    {"resume", PipelineAction::kResume},
    {"checkpoint", PipelineAction::kCheckpoint},
    {"drain", PipelineAction::kDrain},
}};

bool is_over(PipelineState state) {
  return state == PipelineState::kEnded || state == PipelineState::kFailed || state == PipelineState::kFenced;
}

Ruling yes(Wish wish, bool already) { return {already ? Ruling::Kind::kDone : Ruling::Kind::kUnderWay, wish, ""}; }

Ruling checkpoint(PipelineState state, Wish wish) {
  if (wish == Wish::kPaused) return {Ruling::Kind::kRefused, wish, "is paused: resume it first"};
  if (state == PipelineState::kRunning) return yes(wish, false);
  const std::string why = fmt::format("is {}: only a running pipeline takes checkpoints", to_string(state));
  return {Ruling::Kind::kRefused, wish, why};
}

}  // namespace

std::optional<PipelineAction> parse_pipeline_action(std::string_view word) {
  for (const auto& [name, action] : kActions) {
    if (name == word) return action;
  }
  return std::nullopt;
}

std::string_view to_string(PipelineAction action) {
  for (const auto& [name, its] : kActions) {
    if (its == action) return name;
  }
  return "";
}

std::string_view to_string(Wish wish) {
  switch (wish) {
    case Wish::kRunning: return "running";
    case Wish::kPaused: return "paused";
    case Wish::kDrained: return "drained";
  }
  return "";
}

Ruling judge(PipelineAction action, PipelineState state, Wish wish) {
  if (is_over(state)) {
    const std::string why = fmt::format("is {}: it is over until the process is started again", to_string(state));
    return {Ruling::Kind::kRefused, wish, why};
  }
  if (wish == Wish::kDrained && action != PipelineAction::kDrain) {
    return {Ruling::Kind::kRefused, wish, "was told to drain: it stays stopped until the process is started again"};
  }
  switch (action) {
    case PipelineAction::kPause: return yes(Wish::kPaused, state == PipelineState::kPaused);
    case PipelineAction::kResume: return yes(Wish::kRunning, wish == Wish::kRunning);
    case PipelineAction::kCheckpoint: return checkpoint(state, wish);
    case PipelineAction::kDrain: return yes(Wish::kDrained, state == PipelineState::kDrained);
  }
  __builtin_unreachable();
}

}  // namespace tidemark
