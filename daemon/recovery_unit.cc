// Jobs queue by epoch, and those of a later one wait for it to open; generations of several lanes that wait together
// are written as one. A failure is reported, never retried here.
#include "daemon/recovery_unit.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "base/thread_name.h"

namespace tidemark {
namespace {

constexpr size_t kMostSteps = 4096;  // of an epoch, to be asked for

}  // namespace

StateWriter::StateWriter(Deps deps, std::string scratch_dir, Failed failed)
    : deps_(deps), scratch_dir_(std::move(scratch_dir)), failed_(std::move(failed)), thread_([this] { run(); }) {}

StateWriter::~StateWriter() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void StateWriter::write(RecoveryUnit& unit, uint64_t epoch, std::unique_ptr<FrozenGeneration> generation, Written written) {
  const std::lock_guard lock(mutex_);
  jobs_[epoch].push_back({epoch, &unit, std::move(generation), std::move(written), {}, {}});
  wake_.notify_one();
}

void StateWriter::store(RecoveryUnit& unit, uint64_t epoch, Manifest manifest, Stored stored) {
  const std::lock_guard lock(mutex_);
  jobs_[epoch].push_back({epoch, &unit, nullptr, {}, std::move(manifest), std::move(stored)});
  wake_.notify_one();
}

void StateWriter::close_epoch(uint64_t epoch) {
  const std::lock_guard lock(mutex_);
  open_epoch_ = std::max(open_epoch_, epoch + 1);
  wake_.notify_one();
}

std::optional<std::string> StateWriter::doing() const {
  const std::lock_guard lock(mutex_);
  return doing_.empty() ? std::nullopt : std::optional(doing_);
}

std::vector<TimedStep> StateWriter::take_steps(uint64_t epoch) {
  const std::lock_guard lock(mutex_);
  std::vector<TimedStep> steps;
  while (!steps_.empty() && steps_.begin()->first <= epoch) {
    std::ranges::move(steps_.begin()->second, std::back_inserter(steps));
    steps_.erase(steps_.begin());
  }
  return steps;
}

void StateWriter::begin_step(const char* step, const Job& job) {
  const Duration now = deps_.clock.elapsed();
  deps_.step_began_us = now.us;
  if (deps_.keeps_steps) step_ = {step, job.unit->name, now, now, {}, {}};
  const std::lock_guard lock(mutex_);
  doing_ = std::string(step) + " of " + job.unit->name;
}

// Before anybody is told how it went, so that whoever hears of it finds it in the list.
void StateWriter::end_step(uint64_t epoch, SpanAttributes attributes, const Status& done) {
  if (!deps_.keeps_steps) return;
  step_.ended = deps_.clock.elapsed();
  step_.attributes = std::move(attributes);
  if (!done) step_.error = done.error().message;
  const std::lock_guard lock(mutex_);
  std::deque<TimedStep>& steps = steps_[epoch];
  if (steps.size() == kMostSteps) steps.pop_front();
  steps.push_back(std::move(step_));
}

void StateWriter::rest() {
  deps_.step_began_us = 0;
  const std::lock_guard lock(mutex_);
  doing_.clear();
}

// The next job; with a generation also those that wait behind it and belong to other lanes or steps of its unit, so that
// they go into the store together: one file and one sync instead of one for each lane.
std::vector<StateWriter::Job> StateWriter::next_jobs(std::unique_lock<std::mutex>& lock) {
  const auto ready = [this] { return stop_ || (!jobs_.empty() && jobs_.begin()->first <= open_epoch_); };
  wake_.wait(lock, ready);
  std::vector<Job> jobs;
  if (stop_) return jobs;
  const auto first = jobs_.begin();
  std::deque<Job>& waiting = first->second;
  std::set<std::pair<uint16_t, uint16_t>> places;
  do {
    jobs.push_back(std::move(waiting.front()));
    waiting.pop_front();
    if (jobs.back().generation) places.emplace(jobs.back().generation->lane(), jobs.back().generation->step());
  } while (jobs.back().generation && !waiting.empty() && waiting.front().generation &&
           waiting.front().unit == jobs.front().unit &&
           !places.contains({waiting.front().generation->lane(), waiting.front().generation->step()}));
  if (waiting.empty()) jobs_.erase(first);
  return jobs;
}

void StateWriter::run() {
  name_this_thread("state-writer");
  std::unique_lock lock(mutex_);
  for (std::vector<Job> jobs = next_jobs(lock); !jobs.empty(); jobs = next_jobs(lock)) {
    lock.unlock();
    begin_step(jobs.front().generation ? "freeze" : "snapshot", jobs.front());
    if (jobs.front().generation) {
      write_generations(jobs);
    } else {
      jobs.front().stored(store_checkpoint(jobs.front()));
    }
    rest();
    jobs.clear();  // and their tables, before another one comes
    lock.lock();
  }
}

void StateWriter::note_weights(RecoveryUnit& unit) {
  const std::map<uint16_t, HotKeys> by_step = unit.weights.take();
  const std::lock_guard lock(mutex_);
  for (const auto& [step, keys] : by_step) {
    const auto window = unit.windows.find(step);
    if (window != unit.windows.end()) weights_[window->second].add(keys);
  }
}

std::map<size_t, HotKeys> StateWriter::take_weights() {
  const std::lock_guard lock(mutex_);
  return std::exchange(weights_, {});
}

void StateWriter::write_generations(std::vector<Job>& jobs) {
  std::ranges::sort(jobs, {}, [](const Job& job) { return std::pair(job.generation->lane(), job.generation->step()); });
  KeyedStore& store = *jobs.front().unit->store;
  GenerationWriter out(store, &jobs.front().unit->weights);
  Status done;
  for (auto job = jobs.begin(); done && job != jobs.end(); ++job) done = job->generation->write_to(out);
  if (done) done = out.finish();
  end_step(jobs.front().epoch, {{"tidemark.generations", static_cast<int64_t>(jobs.size())}}, done);
  if (!done) return failed_(done.error());
  note_weights(*jobs.front().unit);
  for (const Job& job : jobs) job.written(job.generation->number(), store.view());
}

Status StateWriter::take_snapshot(RecoveryUnit& unit, const std::string& dir, WrittenCheckpoint& written) {
  if (Status cleared = deps_.files.remove_tree(dir); !cleared) return cleared;
  deps_.crash_points.reached("snapshot_before");
  auto files = unit.store->checkpoint(dir, deps_.files);
  if (!files) return std::unexpected(files.error());
  deps_.crash_points.reached("snapshot_after");
  written.manifest.files = std::move(*files);
  for (const FileEntry& file : written.manifest.files) written.bytes += file.size;
  return {};
}

Result<WrittenCheckpoint> StateWriter::store_checkpoint(Job& job) {
  WrittenCheckpoint written{std::move(job.manifest), 0, 0};
  std::string dir;
  if (job.unit->store) {
    dir = scratch_dir_ + "/" + job.unit->name;
    const Status taken = take_snapshot(*job.unit, dir, written);
    end_step(job.epoch, {{"tidemark.bytes", static_cast<int64_t>(written.bytes)},
                         {"tidemark.files", static_cast<int64_t>(written.manifest.files.size())}}, taken);
    if (!taken && job.unit->store->broken()) failed_(taken.error());
    if (!taken) return std::unexpected(taken.error());
  }
  begin_step("manifest", job);
  deps_.crash_points.reached("manifest_before");
  auto checksum = deps_.storage.store(written.manifest, dir);
  if (!dir.empty()) (void)deps_.files.remove_tree(dir);  // a leftover in scratch is cleared before its next use
  end_step(job.epoch, {}, checksum ? Status{} : std::unexpected(checksum.error()));
  if (!checksum) return std::unexpected(checksum.error());
  deps_.crash_points.reached("rename_after");
  written.checksum = *checksum;
  return written;
}

}  // namespace tidemark
