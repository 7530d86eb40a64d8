// WorkerChannels: a worker's end of the bounded channels that carry events to the lanes of the other workers, one for each
// level of windows. Events for its own lanes do not pass through it.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "daemon/events.h"
#include "operators/sources/kafka_consumer.h"

namespace tidemark {

// Single-threaded; the channels between two of them are not. What finds no room waits here, in order, and is never
// lost: the sender looks at all_sent() before it makes more. Levels have channels of their own, so that a worker whose
// results find no room can take the results of others meanwhile, though not their records.
class WorkerChannels {
 public:
  WorkerChannels(uint32_t index, KafkaConsumer& consumer) : index_(index), consumer_(consumer) {}

  // All workers of the attempt, by index, this one among them; before any of them runs.
  void connect(std::vector<WorkerChannels*> peers, uint32_t levels, size_t channel_bytes);

  // `to` is another worker.
  void send(uint32_t level, uint32_t to, LaneEvent event);
  // To every other worker.
  void send_to_others(uint32_t level, const LaneEvent& event);
  // Moves what waits as far as there is room; true when anything moved.
  bool flush();
  bool all_sent() const;
  bool all_sent(uint32_t level) const;
  // The next event of another worker.
  std::optional<LaneEvent> receive(uint32_t level, uint32_t from);
  uint32_t workers() const { return static_cast<uint32_t>(peers_.size()); }

 private:
  struct Level {
    std::vector<std::unique_ptr<Channel>> inbox;  // by sending worker
    std::vector<std::deque<LaneEvent>> outbox;    // by receiving worker: what found no room yet
  };
  bool try_push(uint32_t level, uint32_t to, LaneEvent& event);

  const uint32_t index_;
  KafkaConsumer& consumer_;
  std::vector<WorkerChannels*> peers_;
  std::vector<Level> levels_;
};

}  // namespace tidemark
