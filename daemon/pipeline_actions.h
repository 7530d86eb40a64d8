// What an operator may ask of a pipeline while its process runs, and what is said to it. Pure: it knows neither HTTP nor
// how a pipeline does it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/pipeline_metrics.h"  // PipelineState

namespace tidemark {

enum class PipelineAction : uint8_t {
  kPause,       // commits what it has and reads no more until it is told to resume; stays a member of its group
  kResume,
  kCheckpoint,  // takes one now
  kDrain,       // commits what it has and lets go of Kafka and its state, until the process is started again
};
std::optional<PipelineAction> parse_pipeline_action(std::string_view word);
std::string_view to_string(PipelineAction action);

// What the pipeline is to be; what it is tells its state.
enum class Wish : uint8_t { kRunning, kPaused, kDrained };
std::string_view to_string(Wish wish);

struct Ruling {
  enum class Kind : uint8_t { kDone, kUnderWay, kRefused };
  Kind kind = Kind::kRefused;
  Wish wish = Wish::kRunning;  // from now on
  std::string why;             // of a refusal: follows upon the pipeline's name
};

// Of a pipeline that is in `state` and was to be `wish` until now.
Ruling judge(PipelineAction action, PipelineState state, Wish wish);

}  // namespace tidemark
