// The input of a test, ready to be read: which partitions there are, and in one list what comes and happens. It does
// not know what reads it.
#pragma once

#include <variant>
#include <vector>

#include "base/diagnostic.h"
#include "config/pipeline.h"
#include "daemon/pipeline_test/memory_broker.h"
#include "operators/plan/plan.h"

namespace tidemark {

struct TestInput {
  struct Partition {
    TopicPartition id;
    size_t source = 0;  // of the pipeline's
  };
  struct Read {
    size_t partition = 0;
    MemoryRecord record;
  };
  struct Event {
    Location where;
    std::variant<Read, TestWord, TestAdvance> what;
  };
  std::vector<Partition> partitions;
  std::vector<Event> events;
  Time newest;  // Kafka timestamp
};

// Offsets count from 0; a timestamp that is not written is the event time, or where there is none that of the record
// before. What cannot be is in `diagnostics`.
TestInput test_input(const PipelineSpec& pipeline, const Plan& plan, const TestSpec& test, Diagnostics& diagnostics);

}  // namespace tidemark
