// How a pipeline comes to rest and goes on: what an operator asks of it, and what SIGTERM does. A pause is the end of an
// attempt with its last commit, and going on is the next attempt, from what that commit names: nothing of it is new.
#include "daemon/pipeline.h"

namespace tidemark {
namespace {

constexpr Duration kDrainAtMost = Duration::seconds(20);
constexpr Duration kLookForEnd = Duration::millis(50);

}  // namespace

Ruling Pipeline::ask(PipelineAction action) {
  const Wish before = wish_;
  if (stop_.requested()) return {Ruling::Kind::kRefused, before, "ends with its process"};
  Ruling ruling = judge(action, state_, before);
  if (ruling.kind == Ruling::Kind::kUnderWay) {
    logger_.info("asked", {{"action", to_string(action)}});
    if (action == PipelineAction::kCheckpoint) requests_.checkpoint.ask();
  }
  wish_ = ruling.wish;
  return ruling;
}

bool Pipeline::told_to_end() const { return stop_.requested() || wish_ == Wish::kDrained; }

void Pipeline::drain(bool to_pause) {
  set_state(PipelineState::kDraining);
  const bool committed = attempt_->drain(kDrainAtMost);
  if (committed) {
    logger_.info(to_pause ? "paused" : "drained", {{"committed", true}});
  } else {
    logger_.warn(to_pause ? "paused" : "drained", {{"committed", false}, {"error", attempt_->error().message},
                                                   {"what", "it goes on from what the group has committed"}});
  }
  end_attempt();
}

// Nothing is assigned, so that nothing is fetched; the membership goes on, and with it what the group has committed.
void Pipeline::stay_paused() {
  if (attempt_) {
    drain(true);
    producers_stale_ = true;
    (void)consumer_->assign({}, worker_count());
    forget_partitions(owned_);
  } else if (!paused_) {
    logger_.info("paused", {{"committed", true}});
  }
  paused_ = true;
  set_state(PipelineState::kPaused);
}

void Pipeline::go_on() {
  paused_ = false;
  logger_.info("resumed");
  start_wanted_ = !owned_.empty();
  retry_at_ = wait_ = Duration{0};
  set_state(PipelineState::kWaiting);
}

// Of what nobody reads it is not known how far behind it is.
void Pipeline::forget_partitions(const std::vector<TopicPartition>& partitions) {
  for (const TopicPartition& id : partitions) {
    metrics_.forget_partition(plan_.sources[plan_.source_of(id.topic)].name, id.topic, id.partition);
  }
}

void Pipeline::stay_drained() {
  set_state(PipelineState::kDrained);
  while (!stop_.requested()) sleep_for(kLookForEnd);
}

}  // namespace tidemark
