// The pipeline's thread turns it: workers and the writer leave their reports in a mailbox, and what was read there is
// decided on. How an epoch is committed stands in attempt_commit.cc.
#include "daemon/attempt.h"

#include <algorithm>

namespace tidemark {
namespace {

constexpr Duration kPoll = Duration::millis(2);
constexpr Duration kBusy = Duration::millis(1);
constexpr Duration kSoon = Duration::millis(10);
constexpr Duration kQuiet = Duration::millis(250);
constexpr Duration kWatchEvery = Duration::millis(500);
constexpr Duration kKeepClockEvery = Duration::minutes(1);
constexpr Duration kHoldBackEvery = Duration::millis(20);
constexpr Duration kRepeatWarnings = Duration::seconds(10);
constexpr Duration kAbortWithin = Duration::seconds(10);
constexpr Duration kSlowEpoch = Duration::seconds(60);
constexpr int64_t kSlowEpochIntervals = 10;
// What one part of a window leaves of the transaction's timeout is for what else the transaction holds, and for flushing.
constexpr int64_t kPartsOfTransaction = 4;

std::vector<TopicPartition> ids_of(const std::vector<PartitionStart>& partitions) {
  std::vector<TopicPartition> ids;
  for (const PartitionStart& p : partitions) ids.push_back(p.id);
  return ids;
}

}  // namespace

Attempt::Attempt(AttemptDeps deps, AttemptOptions options, Resumed resumed)
    : deps_(std::move(deps)),
      options_(std::move(options)),
      resumed_(std::move(resumed)),
      logger_(deps_.logger),
      warnings_(deps_.logger, kRepeatWarnings),
      slow_epochs_(deps_.logger, kSlowEpoch),
      sweep_({deps_.storage, deps_.consumer, deps_.silence, deps_.clock, deps_.crash_points, ids_of(resumed_.partitions)}),
      gauges_(resumed_.partitions.size()),
      watch_({deps_.plan, deps_.clock, deps_.consumer, deps_.metrics, shared_.partitions, gauges_}),
      busy_before_(deps_.metrics.lane_busy_seconds.value()),
      idle_before_(deps_.metrics.lane_idle_seconds.value()),
      blocked_before_(deps_.metrics.lane_backpressured_seconds.value()) {
  sinks_.plan = &deps_.plan;
  sinks_.targets = deps_.targets;
  sinks_.lines = &deps_.lines;
  sinks_.clock = &deps_.clock;
  shared_.plan = &deps_.plan;
  shared_.clock = &deps_.clock;
  shared_.consumer = &deps_.consumer;
  shared_.sinks = &sinks_;
  shared_.events = this;
  shared_.crash_points = &deps_.crash_points;
  shared_.partitions = resumed_.partitions;
  shared_.gauges = &gauges_;
  shared_.input_pause = deps_.metrics.input_pause_seconds;
  shared_.progress_us = &deps_.worker_progress_us;
  shared_.workers = options_.workers;
  shared_.batch_rows = options_.batch_rows;
  shared_.state_bytes_per_worker = options_.state_bytes / options_.workers;
  shared_.sink_wait_bytes = options_.sink_wait_bytes / options_.workers;
  shared_.channel_bytes = options_.channel_bytes / (options_.workers * options_.workers);
  shared_.longest_part = Duration{options_.transaction_timeout.us / kPartsOfTransaction};
  shared_.windows_in_parts = options_.windows_in_parts;
  shared_.until_end = options_.mode != RunMode::kForever;
  shared_.reveal_keys = options_.reveal_keys;
  for (const auto& unit : resumed_.units) unit->weights.keep_keys(options_.reveal_keys);
  shared_.keep_open = options_.mode == RunMode::kUntilEndKeepOpen;
  lanes_ = resumed_.lanes.size();
  next_epoch_ = resumed_.last_epoch + 1;
  status_.last_checkpoint = Time::min();
  for (uint32_t p = 0; p < resumed_.partitions.size(); ++p) {
    positions_.push_back({p, resumed_.partitions[p].position, resumed_.partitions[p].idle, {}});
    committed_.push_back({resumed_.partitions[p].position.next_offset, Time::min()});
    gauges_[p].next_offset = resumed_.partitions[p].position.next_offset;
    gauges_[p].idle = resumed_.partitions[p].idle;
    status_.positions.push_back({resumed_.partitions[p].id, resumed_.partitions[p].position.next_offset, {}});
  }
  for (const LaneStart& lane : resumed_.lanes) {
    lane_watermarks_[lane.lane] = watermark_of(lane.windows, lane.dedupes);
  }
}

Attempt::~Attempt() { stop(); }

Status Attempt::start() {
  writer_ = std::make_unique<StateWriter>(
      StateWriter::Deps{deps_.storage, deps_.files, deps_.clock, deps_.crash_points, deps_.writer_step_began_us, deps_.traces != nullptr},
      options_.scratch_dir, [this](const Error& error) { on_failed(error); });
  shared_.writer = writer_.get();
  if (resumed_.must_commit_start) {
    if (Status committed = commit_start(); !committed) return committed;
  }
  if (auto begun = begin_transaction(); !begun) return external_error(begun.error().message);
  if (Status made = make_workers(); !made) return made;
  std::vector<KafkaConsumer::Start> starts;
  for (uint32_t p = 0; p < shared_.partitions.size(); ++p) {
    const PartitionStart& start = shared_.partitions[p];
    starts.push_back({start.id, start.position.next_offset, static_cast<uint32_t>(start.id.partition) % options_.workers});
  }
  if (Status assigned = deps_.consumer.assign(starts, options_.workers); !assigned) return assigned;
  writer_->close_epoch(next_epoch_ - 1);
  sinks_.open_epoch = next_epoch_;
  for (const auto& worker : workers_) worker->start(next_epoch_);
  const Duration now = deps_.clock.elapsed();
  next_checkpoint_ = now + deps_.plan.checkpoint_every;
  next_watch_ = now;
  next_sweep_ = now + options_.transaction_timeout;
  return {};
}

// Where the producers' queues are full, workers wait for their reports; and a bounded run is over when its workers say so.
Duration Attempt::patience() const {
  if (running_epoch_) return kBusy;
  bool soon = options_.mode != RunMode::kForever;
  soon |= deps_.transactional && deps_.transactional->bytes_in_flight() > 0;
  for (const KafkaProducer* producer : deps_.plain) soon |= producer->bytes_in_flight() > 0;
  return std::clamp(std::min({next_checkpoint_, next_watch_, next_hold_back_}) - deps_.clock.elapsed(), kBusy, soon ? kSoon : kQuiet);
}

Status Attempt::make_workers() {
  for (uint32_t i = 0; i < options_.workers; ++i) {
    workers_.push_back(std::make_unique<Worker>(i, shared_, logger_.with("worker", std::to_string(i))));
  }
  for (uint32_t p = 0; p < shared_.partitions.size(); ++p) {
    const auto owner = static_cast<uint32_t>(shared_.partitions[p].id.partition) % options_.workers;
    if (Status added = workers_[owner]->add_partition(p); !added) return added;
  }
  shared_.dedupes.resize(deps_.plan.dedupes.size());
  for (const LaneStart& lane : resumed_.lanes) {
    for (size_t ordinal = 0; ordinal < lane.dedupes.size(); ++ordinal) {
      std::vector<DedupeLane*>& lanes = shared_.dedupes[ordinal];
      lanes.resize(std::max<size_t>(lanes.size(), lane.lane + size_t{1}));
      lanes[lane.lane] = lane.dedupes[ordinal].get();
    }
  }
  for (LaneStart& lane : resumed_.lanes) workers_[lane.lane % options_.workers]->add_lane(std::move(lane));
  for (const auto& worker : workers_) worker->connect(workers_);
  return {};
}

// The very first positions, or those that a person chose with --accept-loss, are committed before a record is read: from
// then on the committed offsets are the truth.
Status Attempt::commit_start() {
  Epoch& epoch = new_epoch();
  writer_->close_epoch(epoch.number - 1);
  epoch.progress.snapshots_asked = true;
  epoch.trace.begin("state");
  for (const auto& unit : resumed_.units) {
    store_unit(*unit, epoch.number, manifest_of(*unit, unit->committed ? epoch.number : CheckpointName::kStartEpoch, false));
  }
  while (!may_commit(epoch.progress) && !has_failed(epoch.progress) && !deps_.stop.given_up()) {
    sleep_for(kPoll);
    read_mail();
    watch_epoch();
  }
  if (!may_commit(epoch.progress)) {
    const Error error = epoch.failure.value_or(Error{Fault::kExternal, true, "told to end"});
    end_trace("failed", error.message);
    running_epoch_.reset();
    deps_.metrics.checkpoints_failed.add();
    return std::unexpected(error);
  }
  trace_phases();
  const TransactionStatus begun = begin_transaction();
  if (!begun) transaction_failed(begun.error());
  if (!begun || commit_offsets(offsets_to_commit()) != AttemptEnd::kNone) {
    running_epoch_.reset();
    return std::unexpected(error_);
  }
  // Only now are they passed over for good: a start that fails before decides anew.
  for (const auto& [id, lost] : resumed_.lost) {
    deps_.metrics.partition(deps_.plan.sources[deps_.plan.source_of(id.topic)].name, id.topic, id.partition).records_lost.add(static_cast<uint64_t>(lost));
  }
  epoch_committed();
  return {};
}

// ---- Reports from other threads

void Attempt::on_aligned(uint32_t, WorkerReport report) {
  const std::lock_guard lock(mail_mutex_);
  mail_.aligned.push_back(std::move(report));
}

void Attempt::on_flushed(uint32_t, uint64_t epoch) {
  const std::lock_guard lock(mail_mutex_);
  mail_.flushed.push_back(epoch);
}

void Attempt::on_ended(uint32_t) {
  const std::lock_guard lock(mail_mutex_);
  mail_.ended += 1;
}

void Attempt::on_failed(const Error& error) {
  const std::lock_guard lock(mail_mutex_);
  if (!mail_.failed) mail_.failed = error;
}

void Attempt::read_mail() {
  Mail mail;
  {
    const std::lock_guard lock(mail_mutex_);
    std::swap(mail, mail_);
  }
  ended_workers_ += mail.ended;
  if (mail.failed && end_ == AttemptEnd::kNone) {
    finish(mail.failed->fault == Fault::kUser ? AttemptEnd::kFailed : AttemptEnd::kRewind, *mail.failed);
  }
  if (!running_epoch_) return;
  Epoch& epoch = *running_epoch_;
  EpochProgress& progress = epoch.progress;
  for (WorkerReport& report : mail.aligned) {
    progress.lanes_frozen += static_cast<uint32_t>(report.lanes.size());
    progress.partitions_noted += static_cast<uint32_t>(report.partitions.size());
    epoch.reports.push_back(std::move(report));
  }
  progress.feeders_flushed += static_cast<uint32_t>(std::ranges::count(mail.flushed, epoch.number));
  for (auto& [unit, result] : mail.stored) {
    (result ? progress.units_durable : progress.units_failed) += 1;
    if (result) {
      epoch.written.insert_or_assign(unit, std::move(*result));
    } else if (!epoch.failure) {
      epoch.failure = result.error();
    }
  }
}

// ---- The turn of the coordinator

AttemptEnd Attempt::turn() {
  read_mail();
  if (end_ != AttemptEnd::kNone) return end_;
  const Duration now = deps_.clock.elapsed();
  if (deps_.transactional) deps_.transactional->poll(Duration{0});
  for (KafkaProducer* producer : deps_.plain) producer->poll(Duration{0});
  if (now >= next_watch_ || deps_.requests.look.is_open()) {
    next_watch_ = now + kWatchEvery;
    watch_partitions();
  }
  if (now >= next_hold_back_) {
    watch_.hold_back();
    next_hold_back_ = now + (watch_.reads_backlog() ? kHoldBackEvery : kWatchEvery);
  }
  if (running_epoch_) {
    move_epoch();
  } else if (ended_workers_ == workers_.size() && options_.mode != RunMode::kForever && now >= end_again_) {
    begin_epoch(true);
  } else if (now >= next_checkpoint_ || deps_.requests.checkpoint.is_open()) {
    begin_epoch(false);
  }
  return end_;
}

void Attempt::watch_partitions() {
  const uint64_t request = deps_.requests.look.asked();
  const std::vector<PartitionStatus> statuses = watch_.look(committed_);
  for (const auto& worker : workers_) worker->post_statuses(statuses);
  publish();
  watch_epoch();
  deps_.requests.look.answer(request);
}

Attempt::Epoch& Attempt::new_epoch() {
  running_epoch_.emplace();
  running_epoch_->number = next_epoch_++;
  running_epoch_->began = deps_.clock.elapsed();
  if (deps_.traces) begin_trace(*deps_.traces);
  return *running_epoch_;
}

void Attempt::begin_epoch(bool marks_end) {
  Epoch& epoch = new_epoch();
  epoch.ended = marks_end;
  epoch.request = deps_.requests.checkpoint.asked();
  epoch.progress.lanes = static_cast<uint32_t>(lanes_);
  epoch.progress.partitions = static_cast<uint32_t>(shared_.partitions.size());
  epoch.progress.feeders = static_cast<uint32_t>(workers_.size());
  epoch.trace.begin("sinks");
  epoch.trace.begin("barrier");
  for (const auto& worker : workers_) worker->request_barrier(epoch.number);
}

void Attempt::move_epoch() {
  const EpochProgress& progress = running_epoch_->progress;
  if (may_snapshot(progress)) store_units();
  trace_phases();
  if (has_failed(progress)) return epoch_failed(*running_epoch_->failure);
  if (may_commit(progress)) commit_epoch();
}

// A hang that would otherwise be silent explains itself.
void Attempt::watch_epoch() {
  if (!running_epoch_) return;
  const Duration age = deps_.clock.elapsed() - running_epoch_->began;
  if (age.us < std::max(kSlowEpoch.us, deps_.plan.checkpoint_every.us * kSlowEpochIntervals)) return;
  const EpochProgress& progress = running_epoch_->progress;
  std::string waits_for;
  switch (phase_of(progress)) {
    case EpochPhase::kBarrier: waits_for = "barrier"; break;
    case EpochPhase::kCheckpoint: waits_for = writer_->doing().value_or("snapshot"); break;
    case EpochPhase::kSinks: waits_for = "sinks"; break;
    case EpochPhase::kCommit: waits_for = running_epoch_->call; break;
  }
  slow_epochs_.warn("checkpoint_waits", {{"epoch", running_epoch_->number}, {"for_s", age.us / 1'000'000}, {"waits_for", waits_for},
                                         {"lanes_frozen", progress.lanes_frozen}, {"lanes", progress.lanes},
                                         {"units_durable", progress.units_durable}, {"units", progress.units},
                                         {"sinks_fed", progress.feeders_flushed}, {"sink_feeders", progress.feeders}});
}

void Attempt::take_reports() {
  for (const WorkerReport& report : running_epoch_->reports) {
    for (const PartitionReport& p : report.partitions) positions_[p.partition] = p;
    for (const LaneReport& lane : report.lanes) {
      lane_watermarks_[lane.lane] = lane.watermark;
      if (lane.closing) closing_lanes_.insert(lane.lane);
      if (lane.spoke) spoken_lanes_.insert(lane.lane);
    }
  }
}

void Attempt::store_units() {
  Epoch& epoch = *running_epoch_;
  epoch.progress.snapshots_asked = true;
  epoch.trace.end("barrier");
  epoch.trace.begin("state");
  take_reports();
  for (const auto& unit : resumed_.units) {
    Manifest manifest = manifest_of(*unit, epoch.number, epoch.ended && options_.mode == RunMode::kUntilEnd);
    // Windows that --until-end closed stay closed, even where it dies before everything is.
    const auto closing = [this](uint16_t lane) { return closing_lanes_.contains(lane); };
    manifest.ended |= std::ranges::any_of(unit->lanes, closing) || (unit->committed && unit->committed->manifest.ended);
    if (changed(*unit, manifest)) store_unit(*unit, epoch.number, std::move(manifest));
  }
  writer_->close_epoch(epoch.number);
}

void Attempt::store_unit(RecoveryUnit& unit, uint64_t epoch, Manifest manifest) {
  running_epoch_->progress.units += 1;
  const std::string name = unit.name;
  writer_->store(unit, epoch, std::move(manifest), [this, name](Result<WrittenCheckpoint> result) {
    const std::lock_guard lock(mail_mutex_);
    mail_.stored.emplace_back(name, std::move(result));
  });
}

Manifest Attempt::manifest_of(const RecoveryUnit& unit, uint64_t epoch, bool ended) const {
  Manifest manifest;
  manifest.pipeline = deps_.plan.name;
  manifest.name = CheckpointName::fresh(unit.name, epoch);
  for (uint32_t p : unit.partitions) {
    const PartitionReport& at = positions_[p];
    CoveredPartition covered;
    covered.id = shared_.partitions[p].id;
    covered.next_offset = at.position.next_offset;
    covered.max_event_time = at.position.max_event_time;
    covered.idle = at.idle;
    manifest.partitions.push_back(covered);
  }
  for (uint16_t lane : unit.lanes) {
    const auto watermark = lane_watermarks_.find(lane);
    manifest.lane_watermarks.push_back(watermark == lane_watermarks_.end() ? Time::min() : watermark->second);
  }
  manifest.lanes = deps_.plan.lanes;
  manifest.topics = resumed_.topics;
  manifest.steps = deps_.plan.signatures;
  manifest.ended = ended;
  return manifest;
}

// State changes only when a record was read, a watermark moved or a window spoke: a quiet unit keeps the checkpoint that it
// has. Where all partitions are idle the watermark follows the clock; as long as nothing comes of that, it is kept now and
// then only.
bool Attempt::changed(const RecoveryUnit& unit, const Manifest& manifest) const {
  const auto spoke = [this](uint16_t lane) { return spoken_lanes_.contains(lane); };
  if (!unit.committed || std::ranges::any_of(unit.lanes, spoke)) return true;
  Manifest before = unit.committed->manifest;
  before.name = manifest.name;
  before.files.clear();
  if (before == manifest) return false;
  before.lane_watermarks = manifest.lane_watermarks;
  return !(before == manifest) || drain_deadline_ || deps_.clock.elapsed() >= next_clock_;
}

// The stores are whole: the open transaction goes on and the next epoch takes its rows.
void Attempt::epoch_failed(const Error& error) {
  deps_.metrics.checkpoints_failed.add();
  warnings_.error("checkpoint_failed", {{"epoch", running_epoch_->number}, {"error", error.message}});
  end_trace("failed", error.message);
  for (const auto& [unit, written] : running_epoch_->written) (void)deps_.storage.remove(written.manifest.name);
  const bool again_at_end = running_epoch_->ended;
  sinks_.open_epoch = running_epoch_->number + 1;
  running_epoch_.reset();
  const Duration wait = again_at_end ? Duration::seconds(1) : std::max(Duration::seconds(1), deps_.plan.checkpoint_every);
  next_checkpoint_ = deps_.clock.elapsed() + wait;
  if (again_at_end) end_again_ = next_checkpoint_;
}

AttemptEnd Attempt::finish(AttemptEnd end, const Error& error) {
  end_ = end;
  if (running_epoch_) deps_.metrics.checkpoints_failed.add();
  error_ = error;
  timed_out_ = transaction_since_ && deps_.clock.elapsed() - *transaction_since_ >= options_.transaction_timeout;
  if (timed_out_) error_.message = "the transaction was open for longer than its timeout of " +
                                   format_duration(options_.transaction_timeout) + ": " + error_.message;
  if (running_epoch_) end_trace(end == AttemptEnd::kRewind ? "rewound" : "failed", error_.message);
  return end_;
}

void Attempt::epoch_committed() {
  // What is left of a window that was too long goes on in parts all the same.
  shared_.windows_in_parts = false;
  Epoch& epoch = *running_epoch_;
  const Duration took = deps_.clock.elapsed() - epoch.began;
  uint64_t bytes = 0;
  std::vector<std::pair<RecoveryUnit*, CheckpointName>> replaced;
  for (const auto& unit : resumed_.units) {
    const auto written = epoch.written.find(unit->name);
    if (written == epoch.written.end()) continue;
    bytes += written->second.bytes;
    next_clock_ = deps_.clock.elapsed() + kKeepClockEvery;
    if (unit->committed) replaced.emplace_back(unit.get(), unit->committed->manifest.name);
    unit->committed = StoredCheckpoint{std::move(written->second.manifest), written->second.checksum};
  }
  spoken_lanes_.clear();
  if (!replaced.empty()) epoch.trace.begin("delete");
  sweep_.delete_replaced(replaced, warnings_);
  epoch.trace.end("delete");
  if (!epoch.reports.empty()) {
    Ledger ledger;
    for (const WorkerReport& report : epoch.reports) ledger.add(report, shared_.partitions);
    for (const std::string& gap : ledger.gaps(deps_.plan)) warnings_.error("ledger_open", {{"gap", gap}});
    trace_rows(ledger);
    committed_ledger_ = std::move(ledger);
    note_committed();
    observe_latencies(epoch);
    show_hot_keys(epoch);
  }
  deps_.metrics.checkpoints_succeeded.add();
  deps_.metrics.checkpoint_duration_seconds.observe(took.to_seconds());
  status_.epoch = epoch.number;
  status_.last_checkpoint = deps_.clock.now();
  status_.last_checkpoint_took = took;
  if (bytes > 0) status_.checkpoint_bytes = bytes;
  deps_.metrics.checkpoint_last_success_timestamp_seconds.set(static_cast<double>(status_.last_checkpoint.us) / 1e6);
  deps_.metrics.checkpoint_size_bytes.set(static_cast<double>(status_.checkpoint_bytes));
  logger_.debug("checkpoint_committed", {{"epoch", epoch.number}, {"took_ms", took.to_millis()}, {"bytes", bytes}});
  epoch.trace.set("tidemark.bytes", static_cast<int64_t>(bytes));
  end_trace("committed", std::nullopt);
  if (!workers_.empty()) deps_.requests.checkpoint.answer(epoch.request);
  running_epoch_.reset();
  if (workers_.empty() || deps_.clock.elapsed() < next_sweep_) return;
  next_sweep_ = deps_.clock.elapsed() + options_.transaction_timeout;
  sweep_.sweep_leftovers(resumed_.units);
}

void Attempt::note_committed() {
  for (const PartitionReport& p : positions_) {
    status_.positions.at(p.partition).offset = p.position.next_offset;
    committed_[p.partition] = {p.position.next_offset, p.newest_record};
  }
}

// ---- Stopping

bool Attempt::firing() const {
  return std::ranges::any_of(workers_, [](const auto& worker) { return worker->gauges().firing.load(); });
}

bool Attempt::drain(Duration at_most) {
  const Duration began = deps_.clock.elapsed();
  drain_deadline_ = began + at_most;
  const Duration fire_until = began + Duration{at_most.us / 4};
  bool asked = false;
  while (end_ == AttemptEnd::kNone && !gives_up()) {
    if (!running_epoch_ && asked) break;
    // Windows that time has closed are given out before the last commit, unless they are too many.
    const bool wait = firing() && deps_.clock.elapsed() < fire_until;
    if (!running_epoch_ && !wait) {
      begin_epoch(false);
      asked = true;
    }
    sleep_for(kPoll);
    read_mail();
    if (deps_.transactional) deps_.transactional->poll(Duration{0});
    for (KafkaProducer* producer : deps_.plain) producer->poll(Duration{0});
    if (end_ == AttemptEnd::kNone && running_epoch_) move_epoch();
  }
  const bool committed = asked && !running_epoch_ && end_ == AttemptEnd::kNone && status_.epoch + 1 == next_epoch_;
  stop();
  return committed;
}

void Attempt::stop() {
  for (const auto& worker : workers_) worker->request_stop();
  for (const auto& worker : workers_) worker->join();
  if (running_epoch_) end_trace("abandoned", "it was stopped before it could be committed");
  writer_.reset();
  if (!std::exchange(stopped_, true)) abort_transaction();
}

// So that readers need not wait for it; where it cannot be done now, the next init_transactions() does it.
void Attempt::abort_transaction() {
  if (!deps_.transactional || commit_open_) return;
  const Duration deadline = deps_.clock.elapsed() + kAbortWithin;
  TransactionStatus aborted;
  do {
    if (deps_.stop.given_up()) return;
    aborted = deps_.transactional->abort(kCallSlice);
  } while (!aborted && aborted.error().kind == TransactionFailure::kRetry && deps_.clock.elapsed() < deadline);
  if (!aborted) logger_.debug("abort_failed", {{"error", aborted.error().message}});
}

AttemptStatus Attempt::status() const {
  AttemptStatus status = status_;
  if (committed_ledger_) status.ledger = *committed_ledger_;
  return status;
}

}  // namespace tidemark
