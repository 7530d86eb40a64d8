// Runs a case's pipeline on the fake Kafka, one life after another over one state directory, until a last one has ended
// in peace. It does not know what must come out.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "daemon/pipeline.h"
#include "daemon/scratch_dir.h"
#include "daemon/trace.h"
#include "tests/daemon/property/cases.h"
#include "tests/daemon/property/fake_kafka.h"
#include "tests/daemon/property/life.h"

namespace tidemark::property {

// What stays the same over the lives of one run.
struct Shape {
  uint32_t lanes = 4;
  int64_t checkpoint_every_ms = 100;  // on the fast clock
  size_t state_bytes = 64 << 20;
  size_t channel_bytes = 32 << 20;  // with next to none, what is sent waits until what was sent before has been taken
  size_t sink_wait_bytes = 32 << 20;
};

struct LifePlan {
  uint64_t seed = 0;
  uint32_t workers = 1;
  uint32_t batch_rows = 4096;
  RunMode mode = RunMode::kUntilEnd;
  Death death;
  Weather weather;
  int64_t stop_after_us = -1;  // of real time: asked to stop like by SIGTERM; negative: not asked
  // What an operator asks for meanwhile, in order, at moments of real time.
  struct Deed {
    int64_t at_us = 0;
    PipelineAction action = PipelineAction::kPause;
  };
  std::vector<Deed> deeds;
  std::function<std::unique_ptr<MortalFiles>(Life&)> files;  // the disk; absent: a sound one
  std::function<void(const Pipeline&, Duration lived)> meanwhile;  // called now and then

  std::string describe() const;
};

struct LifeEnd {
  bool died = false;
  int exit_code = 0;
  std::string error;
  nlohmann::json status;
  std::string metrics;           // as they are exposed
  std::vector<std::string> log;  // warnings and errors
  std::vector<Trace> traces;     // of its checkpoints
};

// A temporary state directory.
class StateDir {
 public:
  StateDir();
  const std::string& path() const { return dir_.path(); }

 private:
  ScratchDir dir_;
};

// Aborts the program, saying why, when the life does not come to an end.
LifeEnd live(const Case& one, const Shape& shape, const LifePlan& plan, FakeBroker& broker, const StateDir& dir);

}  // namespace tidemark::property
