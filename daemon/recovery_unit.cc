#include "daemon/recovery_unit.h"

#include <numeric>

namespace tidemark {

StateWriter::StateWriter(CheckpointStorage& storage, Files& files, std::string scratch_dir, const CrashPoints& crash_points,
                         Failed failed)
    : storage_(storage),
      files_(files),
      scratch_dir_(std::move(scratch_dir)),
      crash_points_(crash_points),
      failed_(std::move(failed)),
      thread_([this] { run(); }) {}

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
    if (job->generation) {
      write_generation(*job);
    } else {
      job->stored(store_checkpoint(*job));
    }
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
    if (Status cleared = files_.remove_tree(dir); !cleared) return std::unexpected(cleared.error());
    crash_points_.reached("snapshot_before");
    auto files = job.unit->store->checkpoint(dir, files_);
    if (!files) {
      if (job.unit->store->broken()) failed_(files.error());
      return std::unexpected(files.error());
    }
    written.manifest.files = std::move(*files);
    crash_points_.reached("snapshot_after");
  }
  crash_points_.reached("manifest_before");
  auto checksum = storage_.store(written.manifest, dir);
  if (!dir.empty()) (void)files_.remove_tree(dir);  // a leftover in scratch is cleared before its next use
  if (!checksum) return std::unexpected(checksum.error());
  crash_points_.reached("rename_after");
  written.checksum = *checksum;
  written.bytes = std::accumulate(written.manifest.files.begin(), written.manifest.files.end(), uint64_t{0},
                                  [](uint64_t sum, const FileEntry& f) { return sum + f.size; });
  return written;
}

}  // namespace tidemark
