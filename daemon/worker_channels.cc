// The sending and receiving ends of the channels between workers. Knows neither lanes nor what events mean.
#include "daemon/worker_channels.h"

#include <algorithm>

namespace tidemark {

void WorkerChannels::connect(std::vector<WorkerChannels*> peers, uint32_t levels, size_t channel_bytes) {
  peers_ = std::move(peers);
  for (uint32_t n = 0; n < levels; ++n) {
    Level& level = levels_.emplace_back();
    for (size_t i = 0; i < peers_.size(); ++i) level.inbox.push_back(std::make_unique<Channel>(channel_bytes / levels));
    level.outbox.resize(peers_.size());
  }
}

void WorkerChannels::send(uint32_t level, uint32_t to, LaneEvent event) {
  auto& waiting = levels_[level].outbox[to];
  if (waiting.empty() && try_push(level, to, event)) return;
  waiting.push_back(std::move(event));
}

void WorkerChannels::send_to_others(uint32_t level, const LaneEvent& event) {
  for (uint32_t to = 0; to < workers(); ++to) {
    if (to != index_) send(level, to, event);
  }
}

bool WorkerChannels::flush() {
  bool moved = false;
  for (uint32_t level = 0; level < levels_.size(); ++level) {
    for (uint32_t to = 0; to < workers(); ++to) {
      auto& waiting = levels_[level].outbox[to];
      while (!waiting.empty() && try_push(level, to, waiting.front())) {
        waiting.pop_front();
        moved = true;
      }
    }
  }
  return moved;
}

bool WorkerChannels::all_sent() const {
  for (uint32_t level = 0; level < levels_.size(); ++level) {
    if (!all_sent(level)) return false;
  }
  return true;
}

bool WorkerChannels::all_sent(uint32_t level) const {
  return std::ranges::all_of(levels_[level].outbox, [](const auto& waiting) { return waiting.empty(); });
}

std::optional<LaneEvent> WorkerChannels::receive(uint32_t level, uint32_t from) {
  return levels_[level].inbox[from]->pop();
}

bool WorkerChannels::try_push(uint32_t level, uint32_t to, LaneEvent& event) {
  if (!peers_[to]->levels_[level].inbox[index_]->try_push(event)) return false;
  consumer_.wake(to);
  return true;
}

}  // namespace tidemark
