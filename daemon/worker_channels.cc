// The sending and receiving ends of the channels between workers. Knows neither lanes nor what events mean.
#include "daemon/worker_channels.h"

#include <algorithm>

namespace tidemark {

void WorkerChannels::connect(std::vector<WorkerChannels*> peers, size_t channel_bytes) {
  peers_ = std::move(peers);
  for (size_t i = 0; i < peers_.size(); ++i) inbox_.push_back(std::make_unique<Channel>(channel_bytes));
  outbox_.resize(peers_.size());
}

void WorkerChannels::send(uint32_t to, LaneEvent event) {
  if (outbox_[to].empty() && try_push(to, event)) return;
  outbox_[to].push_back(std::move(event));
}

void WorkerChannels::send_to_others(const LaneEvent& event) {
  for (uint32_t to = 0; to < workers(); ++to) {
    if (to != index_) send(to, event);
  }
}

bool WorkerChannels::flush() {
  bool moved = false;
  for (uint32_t to = 0; to < workers(); ++to) {
    while (!outbox_[to].empty() && try_push(to, outbox_[to].front())) {
      outbox_[to].pop_front();
      moved = true;
    }
  }
  return moved;
}

bool WorkerChannels::all_sent() const {
  return std::ranges::all_of(outbox_, [](const auto& box) { return box.empty(); });
}

bool WorkerChannels::try_push(uint32_t to, LaneEvent& event) {
  if (!peers_[to]->inbox_[index_]->try_push(event)) return false;
  consumer_.wake(to);
  return true;
}

}  // namespace tidemark
