#include "daemon/recovery_unit.h"

#include <numeric>

namespace tidemark {

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
  waiting_bytes_ += generation->bytes();
  jobs_[epoch].push_back({&unit, std::move(generation), std::move(written), {}, {}});
  wake_.notify_one();
}

void StateWriter::store(RecoveryUnit& unit, uint64_t epoch, Manifest manifest, Stored stored) {
  const std::lock_guard lock(mutex_);
  jobs_[epoch].push_back({&unit, nullptr, {}, std::move(manifest), std::move(stored)});
  wake_.notify_one();
}

void StateWriter::close_epoch(uint64_t epoch) {
  const std::lock_guard lock(mutex_);
  open_epoch_ = std::max(open_epoch_, epoch + 1);
  wake_.notify_one();
}

size_t StateWriter::waiting_bytes() const {
  const std::lock_guard lock(mutex_);
  return waiting_bytes_;
}

std::optional<std::string> StateWriter::doing() const {
  const std::lock_guard lock(mutex_);
  return doing_.empty() ? std::nullopt : std::optional(doing_);
}

void StateWriter::begin_step(const char* step, const RecoveryUnit* unit) {
  deps_.step_began_us = unit ? deps_.clock.elapsed().us : 0;
  const std::lock_guard lock(mutex_);
  doing_ = unit ? std::string(step) + " of " + unit->name : "";
}

std::optional<StateWriter::Job> StateWriter::next_job(std::unique_lock<std::mutex>& lock) {
  const auto ready = [this] { return stop_ || (!jobs_.empty() && jobs_.begin()->first <= open_epoch_); };
  wake_.wait(lock, ready);
  if (stop_) return std::nullopt;
  const auto first = jobs_.begin();
  Job job = std::move(first->second.front());
  first->second.pop_front();
  if (first->second.empty()) jobs_.erase(first);
  return job;
}

void StateWriter::run() {
  std::unique_lock lock(mutex_);
  while (std::optional<Job> job = next_job(lock)) {
    lock.unlock();
    begin_step(job->generation ? "freeze" : "snapshot", job->unit);
    if (job->generation) {
      write_generation(*job);
    } else {
      job->stored(store_checkpoint(*job));
    }
    begin_step("", nullptr);
    lock.lock();
    if (job->generation) waiting_bytes_ -= job->generation->bytes();
  }
}

void StateWriter::write_generation(Job& job) {
  const Status applied = job.generation->write_to(*job.unit->store);
  if (!applied) return failed_(applied.error());
  job.written(job.generation->number(), job.unit->store->view());
}

Result<WrittenCheckpoint> StateWriter::store_checkpoint(Job& job) {
  WrittenCheckpoint written{std::move(job.manifest), 0, 0};
  std::string dir;
  if (job.unit->store) {
    dir = scratch_dir_ + "/" + job.unit->name;
    if (Status cleared = deps_.files.remove_tree(dir); !cleared) return std::unexpected(cleared.error());
    deps_.crash_points.reached("snapshot_before");
    auto files = job.unit->store->checkpoint(dir, deps_.files);
    if (!files) {
      if (job.unit->store->broken()) failed_(files.error());
      return std::unexpected(files.error());
    }
    written.manifest.files = std::move(*files);
    deps_.crash_points.reached("snapshot_after");
  }
  begin_step("manifest", job.unit);
  deps_.crash_points.reached("manifest_before");
  auto checksum = deps_.storage.store(written.manifest, dir);
  if (!dir.empty()) (void)deps_.files.remove_tree(dir);  // a leftover in scratch is cleared before its next use
  if (!checksum) return std::unexpected(checksum.error());
  deps_.crash_points.reached("rename_after");
  written.checksum = *checksum;
  written.bytes = std::accumulate(written.manifest.files.begin(), written.manifest.files.end(), uint64_t{0},
                                  [](uint64_t sum, const FileEntry& f) { return sum + f.size; });
  return written;
}

}  // namespace tidemark
