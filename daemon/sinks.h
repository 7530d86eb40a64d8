// Sinks: renders rows and hands them to Kafka, to standard output or to nobody; holds back what belongs to an epoch whose
// transaction is not open yet. Knows epochs as numbers only, not how they are committed.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "operators/formats/dead_letter.h"
#include "operators/plan/plan.h"
#include "operators/sinks/kafka_producer.h"

namespace tidemark {

// Lines to standard output, whole even when several workers write. Thread-safe.
class LineOutput {
 public:
  virtual ~LineOutput() = default;
  // `lines` ends with a newline. Blocks while the reader is slow; fails where they cannot be written.
  virtual Status write(std::string_view lines) = 0;
};

// One sink made ready: where its records go.
struct SinkTarget {
  KafkaProducer* producer = nullptr;  // kafka only; not owned
  OpenTopic topic;
  bool transactional = false;
};

// What all workers of an attempt share. Targets are immutable while workers run.
struct SinkSet {
  const Plan* plan = nullptr;
  std::vector<SinkTarget> targets;    // by sink number of the plan
  LineOutput* lines = nullptr;
  const Clock* clock = nullptr;
  std::atomic<uint64_t> open_epoch{0};  // rows of this epoch and earlier ones may go into the open transaction
};

struct SinkCounters {
  uint64_t rows = 0;   // handed to the sink by the steps
  uint64_t bytes = 0;  // rendered
  uint64_t oversize = 0;
};

// How many records each step refused, by reason.
using RefusedCounts = std::map<std::string, std::map<Reason, uint64_t>, std::less<>>;

// The refused record and why, for `late` and `dead_letter`.
struct RefusedRecord {
  const RawRecord& record;
  Time timestamp;  // its Kafka timestamp
  RecordRefusal why;
};

// One worker's way to the sinks. Single-threaded.
class SinkWriter {
 public:
  SinkWriter(SinkSet& sinks, Logger logger);

  // Rows belong to `epoch` from here on.
  void set_epoch(uint64_t epoch) { epoch_ = epoch; }
  void write_rows(size_t sink, const Batch& batch, Rows rows);
  // To every sink of that kind; counted by reason whether there is one or not.
  void write_refused(SinkInput kind, const RefusedRecord& refused);

  // Hands over what waits, as far as its epoch is open and the producers take it; true when nothing waits any more.
  bool flush();
  // Nothing of `epoch` or before waits. Never after a refusal, whose row is nowhere.
  bool flushed_through(uint64_t epoch) const { return !failure_ && (waiting_.empty() || waiting_.front().epoch > epoch); }
  size_t waiting_bytes() const { return waiting_bytes_; }
  // Why a row was refused for good, if one was: it is nowhere, and must not be taken for written.
  const std::optional<Error>& failure() const { return failure_; }

  const std::vector<SinkCounters>& counters() const { return counters_; }
  // By step (or source, or sink) and reason.
  const RefusedCounts& refused() const { return refused_; }
  // The newest Kafka timestamp among the records in each batch of rows since the last call, for the latency metric.
  std::vector<Time> take_newest_records() { return std::exchange(newest_records_, {}); }

 private:
  struct Waiting {
    uint64_t epoch = 0;
    size_t sink = 0;
    int32_t partition = 0;
    Time timestamp;
    std::optional<std::string> key;
    std::optional<std::string> value;
    std::vector<OutgoingHeader> headers;
    size_t bytes() const;
  };
  void send_row(size_t sink, const Batch& batch, uint32_t row);
  void send(size_t sink, Time timestamp, std::optional<std::string_view> key, std::optional<std::string_view> value,
            const std::vector<OutgoingHeader>& headers);
  bool produce(size_t sink, int32_t partition, Time timestamp, std::optional<std::string_view> key,
               std::optional<std::string_view> value, const std::vector<OutgoingHeader>& headers, bool& full);
  Time not_in_future(Time timestamp);
  void write_lines(size_t sink, std::string_view lines);
  bool is_open(uint64_t epoch) const;
  int32_t partition_for(const SinkTarget& target, std::optional<std::string_view> key);
  void too_large(size_t sink, const Batch& batch, uint32_t row, bool has_key);

  SinkSet& sinks_;
  RateLimited log_;
  uint64_t epoch_ = 1;
  std::deque<Waiting> waiting_;
  size_t waiting_bytes_ = 0;
  std::optional<Error> failure_;
  Time newest_now_ = Time::min();  // the last reading of the clock
  uint32_t spread_ = 0;  // where rows without a key go next
  std::string key_;      // scratch
  std::string value_;
  std::vector<JsonWriter::RecentTimes> recent_times_;  // by sink
  std::vector<SinkCounters> counters_;
  RefusedCounts refused_;
  std::vector<Time> newest_records_;
};

}  // namespace tidemark
