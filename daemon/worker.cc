#include "daemon/worker.h"

#include <algorithm>
#include <chrono>

#include "operators/key_codec.h"

namespace tidemark {
namespace {

constexpr Duration kIdleWait = Duration::millis(20);
constexpr Duration kBlockedWait = Duration::millis(1);
constexpr size_t kEventsPerInbox = 8;
constexpr size_t kBatchArenaBytes = 4 << 20;
constexpr size_t kSampledKeys = 8;

void sleep_for(Duration d) { std::this_thread::sleep_for(std::chrono::microseconds(d.us)); }

}  // namespace

struct Worker::Reader {
  uint32_t partition;
  PartitionReader reader;
  IdleTracker idleness;
  std::shared_ptr<Batch> batch;
  bool idle = false;
  bool woke = false;    // lanes have not been told yet
  bool at_end = false;  // --until-end
  std::optional<int64_t> end_offset;
};

struct Worker::Lane {
  uint16_t number = 0;
  RecoveryUnit* unit = nullptr;
  std::vector<std::unique_ptr<WindowLane>> windows;
  std::vector<bool> fed_by;  // by the attempt's partition number
  LaneWatermark time;
};

// Takes messages from the drain and records from the readers.
class Worker::Intake final : public MessageHandler, public ReaderEvents {
 public:
  explicit Intake(Worker& worker) : worker_(worker) {}

  bool on_message(const KafkaMessage& message) override {
    Reader* reader = worker_.reader_by_partition_[message.assignment];
    if (reader == nullptr || reader->at_end) return true;
    if (message.at_end) {
      reader->reader.on_end(std::min(message.offset, reader->end_offset.value_or(message.offset)));
      return true;
    }
    if (reader->end_offset && message.offset >= *reader->end_offset) {
      reader->reader.on_end(*reader->end_offset);
      return true;
    }
    if (!reader->batch) {
      reader->batch = worker_.pool_.take();
      reader->reader.begin(*reader->batch);
    }
    if (reader->idle) worker_.wake_reader(*reader);
    current_ = &message;
    partition_ = reader->partition;
    reader->reader.append({message.offset, message.timestamp, message.key, message.value, message.key_is_null, message.value_is_null},
                          *reader->batch, *this);
    handled_ += 1;
    return reader->batch->rows < worker_.shared_.batch_rows && reader->batch->arena.bytes_used() < kBatchArenaBytes &&
           handled_ < Batch::kMaxRows;
  }
  void add_headers(Arena& arena, RawRecord& record) override { append_headers(*current_, arena, record); }
  void refused(const SourceRecord& record, Reason reason, const std::string& message) override {
    RawRecord raw;
    raw.key = record.key;
    raw.value = record.value;
    raw.key_is_null = record.key_is_null;
    raw.value_is_null = record.value_is_null;
    scratch_.clear();
    append_headers(*current_, scratch_, raw);
    const TopicPartition& id = worker_.shared_.partitions[partition_].id;
    RecordRefusal why;
    why.reason = reason;
    why.error = message;
    why.pipeline = worker_.shared_.plan->name;
    why.step = worker_.shared_.plan->source.name;
    why.topic = id.topic;
    why.partition = id.partition;
    why.offset = record.offset;
    worker_.sinks_.write_refused(SinkInput::kDeadLetter, {raw, record.timestamp, why});
  }
  // Messages handled since the last call.
  size_t take_handled() { return std::exchange(handled_, 0); }

 private:
  Worker& worker_;
  const KafkaMessage* current_ = nullptr;
  uint32_t partition_ = 0;
  size_t handled_ = 0;
  Arena scratch_;
};

// Takes what leaves the source stage: sorts rows by lane, or hands them to the sinks.
class Worker::Routing final : public StageOutput {
 public:
  explicit Routing(Worker& worker) : worker_(worker) {}

  void begin(const Reader& reader) {
    partition_number_ = worker_.shared_.partitions[reader.partition].id.partition;
    rows_ = std::make_shared<std::vector<LaneRows>>(worker_.shared_.plan->windows.size());
  }
  std::shared_ptr<const std::vector<LaneRows>> take_rows() { return std::move(rows_); }

  void to_window(size_t step, Batch& batch, Rows rows) override {
    const Plan& plan = *worker_.shared_.plan;
    const PlannedWindow& window = *plan.steps[step].window();
    const size_t ordinal = window.window.ordinal;
    if (batch.keyed.size() <= ordinal) batch.keyed.resize(ordinal + 1);
    encode_keys(batch, rows, window.key_slots, batch.arena, batch.keyed[ordinal]);
    LaneRows& by_lane = (*rows_)[ordinal];
    if (plan.lane_choice == Lanes::kByPartition) {
      by_lane.first_lane = static_cast<uint32_t>(partition_number_);
      by_lane.rows.assign(rows.begin(), rows.end());
      by_lane.starts = {0, static_cast<uint32_t>(rows.size())};
      watch_promise(batch.keyed[ordinal].hashes, rows);
    } else {
      sort_by_lane(batch.keyed[ordinal].hashes, rows, plan.lanes, by_lane);
    }
  }
  void to_sink(size_t sink, Batch& batch, Rows rows) override { worker_.sinks_.write_rows(sink, batch, rows); }
  void expression_failed(size_t step, Batch& batch, uint32_t row, const std::string& message) override {
    static const RawRecord kNothingKept;
    RecordRefusal why;
    why.reason = Reason::kExpression;
    why.error = message;
    why.pipeline = worker_.shared_.plan->name;
    why.step = worker_.shared_.plan->steps[step].name;
    why.topic = worker_.shared_.plan->topics->name_of(batch.topic);
    why.partition = batch.partition;
    why.offset = batch.offsets[row];
    worker_.sinks_.write_refused(SinkInput::kDeadLetter,
                                 {batch.raw.empty() ? kNothingKept : batch.raw[row], batch.kafka_times[row], why});
  }

 private:
  // A few keys of each batch are enough: a broken promise breaks it for many.
  void watch_promise(const std::vector<uint64_t>& hashes, Rows rows) {
    const size_t step = std::max<size_t>(1, rows.size() / kSampledKeys);
    for (size_t i = 0; i < rows.size(); i += step) {
      const auto lane = static_cast<uint32_t>(partition_number_);
      if (!worker_.shared_.key_samples.seen_elsewhere(hashes[rows[i]], lane)) continue;
      worker_.partitioning_violations_ += 1;
      worker_.warnings_.warn("partitioning_violated", {{"partition", partition_number_},
                                                       {"what", "a key of `partitioned_by` was found in two partitions"}});
    }
  }

  // A counting sort: rows of a lane keep their order.
  void sort_by_lane(const std::vector<uint64_t>& hashes, Rows rows, uint32_t lanes, LaneRows& out) {
    out.starts.assign(lanes + 1, 0);
    for (uint32_t row : rows) out.starts[lane_of(hashes[row], lanes) + 1] += 1;
    for (uint32_t lane = 0; lane < lanes; ++lane) out.starts[lane + 1] += out.starts[lane];
    next_.assign(out.starts.begin(), out.starts.end() - 1);
    out.rows.resize(rows.size());
    for (uint32_t row : rows) out.rows[next_[lane_of(hashes[row], lanes)]++] = row;
  }

  Worker& worker_;
  int32_t partition_number_ = 0;
  std::shared_ptr<std::vector<LaneRows>> rows_;
  std::vector<uint32_t> next_;
};

// Takes result rows from a window lane through the steps behind the window.
class Worker::Results final : public ResultEmitter {
 public:
  explicit Results(Worker& worker) : worker_(worker) {}
  void from(size_t step) { step_ = step; }
  void emit(std::unique_ptr<Batch> results) override {
    if (worker_.stop_) return;  // nothing of it will be committed, and nobody makes room for it any more
    worker_.note_progress();
    worker_.stage_->run_results(step_, *results);
    worker_.wait_for_sinks();
  }

 private:
  Worker& worker_;
  size_t step_ = 0;
};

Worker::Worker(uint32_t index, WorkerShared& shared, Logger logger)
    : index_(index),
      shared_(shared),
      logger_(std::move(logger)),
      warnings_(logger_, Duration::seconds(10)),
      sinks_(*shared.sinks, logger_),
      intake_(std::make_unique<Intake>(*this)),
      routing_(std::make_unique<Routing>(*this)),
      results_(std::make_unique<Results>(*this)),
      stage_(std::make_unique<Stage>(*shared.plan, *routing_)),
      reader_by_partition_(shared.partitions.size(), nullptr) {}

Worker::~Worker() {
  request_stop();
  join();
}

Status Worker::add_partition(uint32_t partition) {
  if (!decoder_) {
    auto decoder = Decoder::create(shared_.plan->source.format, shared_.plan->source.decode);
    if (!decoder) return std::unexpected(decoder.error());
    decoder_ = std::make_unique<Decoder>(std::move(*decoder));
  }
  const PartitionStart& start = shared_.partitions[partition];
  const uint32_t topic = shared_.plan->topics->number_of(start.id.topic);
  PartitionReader reader(shared_.plan->source, *decoder_, *shared_.clock, topic, start.id.partition, start.position);
  IdleTracker idleness(shared_.plan->source.event_time.idle_after, start.idle);
  readers_.push_back(std::make_unique<Reader>(
      Reader{partition, std::move(reader), idleness, nullptr, start.idle, false, false, start.end_offset}));
  reader_by_partition_[partition] = readers_.back().get();
  return {};
}

void Worker::add_lane(LaneStart start) {
  Lane lane{start.lane, start.unit, std::move(start.windows), std::vector<bool>(shared_.partitions.size()),
            LaneWatermark(shared_.plan->source.event_time.close_after_idle)};
  for (const auto& window : lane.windows) lane.time.restore(window->watermark());
  for (uint32_t p = 0; p < shared_.partitions.size(); ++p) {
    const PartitionStart& start_of = shared_.partitions[p];
    lane.fed_by[p] = shared_.plan->lane_choice == Lanes::kByKey || start_of.id.partition == start.lane;
    if (!lane.fed_by[p]) continue;
    const PartitionClock clock(shared_.plan->source.event_time.max_delay, start_of.position.max_event_time);
    lane.time.add(p, clock.watermark(), start_of.idle);
  }
  lanes_.push_back(std::move(lane));
}

void Worker::connect(const std::vector<std::unique_ptr<Worker>>& workers) {
  for (const auto& worker : workers) {
    peers_.push_back(worker.get());
    inbox_.push_back(std::make_unique<Channel>(shared_.channel_bytes));
  }
  outbox_.resize(workers.size());
  passed_barrier_.assign(workers.size(), 0);
}

void Worker::start(uint64_t first_epoch) {
  epoch_ = first_epoch;
  sent_barrier_ = flushed_epoch_ = first_epoch - 1;
  wanted_barrier_ = first_epoch - 1;
  std::ranges::fill(passed_barrier_, first_epoch - 1);
  sinks_.set_epoch(epoch_);
  thread_ = std::thread([this] { run(); });
}

void Worker::request_stop() {
  stop_ = true;
  wake();
}

void Worker::join() {
  if (thread_.joinable()) thread_.join();
}

void Worker::request_barrier(uint64_t epoch) {
  wanted_barrier_ = epoch;
  wake();
}

void Worker::post_statuses(std::vector<PartitionStatus> statuses) {
  const std::lock_guard lock(mail_mutex_);
  statuses_ = std::move(statuses);
  has_mail_ = true;
}

void Worker::wake() { shared_.consumer->wake(index_); }

void Worker::run() {
  for (auto& reader : readers_) note_end(*reader);
  while (!stop_) {
    const Duration begin = shared_.clock->elapsed();
    note_progress();
    if (turn()) {
      gauges_.busy_us += (shared_.clock->elapsed() - begin).us;
    }
    publish_gauges();
  }
  (*shared_.progress_us)[index_] = 0;
}

void Worker::note_progress() { (*shared_.progress_us)[index_] = shared_.clock->elapsed().us; }

bool Worker::turn() {
  if (failed_) return sleep_for(kBlockedWait), false;
  bool busy = false;
  take_mail();
  sinks_.flush();
  if (sinks_.failed()) return fail({Fault::kExternal, true, "a record was refused by its sink"}), false;
  busy |= flush_outbox();
  if (wanted_barrier_ > sent_barrier_) begin_barrier(sent_barrier_ + 1);
  busy |= read_inboxes();
  const auto passed = [this](uint64_t epoch) { return epoch >= epoch_; };
  if (sent_barrier_ == epoch_ && std::ranges::all_of(passed_barrier_, passed)) align();
  report_flushed();
  advance_lanes();
  if (!source_may_read()) {
    if (!busy) {
      sleep_for(kBlockedWait);
      gauges_.backpressured_us += kBlockedWait.us;
    }
    return busy;
  }
  return drain_source() || busy;
}

// What has been fetched first; only when there is nothing to do anywhere does the worker wait.
bool Worker::drain_source() {
  shared_.consumer->drain(index_, Duration{0}, *intake_);
  size_t handled = intake_->take_handled();
  if (handled == 0) {
    const Duration begin = shared_.clock->elapsed();
    shared_.consumer->drain(index_, kIdleWait, *intake_);
    handled = intake_->take_handled();
    if (handled == 0) gauges_.idle_us += (shared_.clock->elapsed() - begin).us;
  }
  for (auto& reader : readers_) {
    finish_batch(*reader);
    note_end(*reader);
  }
  return handled != 0;
}

void Worker::wake_reader(Reader& reader) {
  reader.idle = false;
  reader.woke = true;
  reader.idleness.observe(FetchObservation::kNotAtEnd, shared_.clock->elapsed());
}

void Worker::finish_batch(Reader& reader) {
  if (!reader.batch || reader.batch->rows == 0) {
    if (std::exchange(reader.woke, false)) tell_time(reader);
    return;
  }
  reader.woke = false;
  std::shared_ptr<Batch> batch = std::move(reader.batch);
  reader.batch.reset();
  routing_->begin(reader);
  stage_->run_source(*batch);
  if (shared_.plan->windows.empty()) return;
  RoutedBatch routed{std::move(batch), routing_->take_rows(), {reader.partition, reader.reader.watermark(), reader.idle, false}};
  if (shared_.plan->lane_choice == Lanes::kByPartition) return send(index_, routed);
  for (uint32_t to = 0; to < shared_.workers; ++to) {
    if (to != index_) send(to, routed);
  }
  send(index_, std::move(routed));
}

// Lanes of this worker are served at once: its own source stops at a barrier until the lanes have aligned.
void Worker::send(uint32_t to, LaneEvent event) {
  if (to == index_) return handle(event, index_);
  if (outbox_[to].empty() && peers_[to]->inbox_from(index_).try_push(event)) return peers_[to]->wake();
  outbox_[to].push_back(std::move(event));
}

bool Worker::flush_outbox() {
  bool moved = false;
  for (uint32_t to = 0; to < outbox_.size(); ++to) {
    while (!outbox_[to].empty() && peers_[to]->inbox_from(index_).try_push(outbox_[to].front())) {
      outbox_[to].pop_front();
      peers_[to]->wake();
      moved = true;
    }
  }
  return moved;
}

bool Worker::read_inboxes() {
  bool busy = false;
  for (uint32_t from = 0; from < inbox_.size(); ++from) {
    for (size_t n = 0; n < kEventsPerInbox && passed_barrier_[from] < epoch_ && !stop_; ++n) {
      std::optional<LaneEvent> event = inbox_[from]->pop();
      if (!event) break;
      handle(*event, from);
      busy = true;
    }
  }
  return busy;
}

void Worker::handle(LaneEvent& event, uint32_t from) {
  if (const auto* routed = std::get_if<RoutedBatch>(&event)) return handle_batch(*routed);
  if (const auto* time = std::get_if<PartitionTime>(&event)) {
    set_time(*time);
    return advance_lanes();
  }
  passed_barrier_[from] = std::get<Barrier>(event).epoch;
}

void Worker::handle_batch(const RoutedBatch& routed) {
  const Plan& plan = *shared_.plan;
  for (Lane& lane : lanes_) {
    for (size_t ordinal = 0; ordinal < lane.windows.size(); ++ordinal) {
      const Rows rows = (*routed.rows)[ordinal].of(lane.number);
      if (rows.empty()) continue;
      late_.clear();
      lane.windows[ordinal]->add(*routed.batch, rows, late_);
      if (!late_.empty()) write_late(*routed.batch, plan.steps[plan.windows[ordinal]].name, late_);
    }
  }
  set_time(routed.time);
  advance_lanes();
  spill_if_needed();
}

void Worker::set_time(const PartitionTime& time) {
  for (Lane& lane : lanes_) {
    if (!lane.fed_by[time.partition]) continue;
    lane.time.update(time.partition, time.watermark, time.idle);
    if (time.at_end && !shared_.keep_open) lane.time.set_ended(time.partition);
  }
}

void Worker::advance_lanes() {
  const Duration now = shared_.clock->elapsed();
  for (Lane& lane : lanes_) {
    const Time watermark = lane.time.advance(now);
    for (size_t ordinal = 0; ordinal < lane.windows.size(); ++ordinal) {
      if (watermark <= lane.windows[ordinal]->watermark()) continue;
      results_->from(shared_.plan->windows[ordinal]);
      const Status fired = lane.windows[ordinal]->advance(watermark, *results_);
      if (!fired) return fail(fired.error());
    }
  }
}

void Worker::write_late(const Batch& batch, const std::string& step, const std::vector<LateRow>& late) {
  static const RawRecord kNothingKept;
  for (const LateRow& row : late) {
    RecordRefusal why;
    why.reason = row.reason == LateReason::kLate ? Reason::kLate : Reason::kIdle;
    why.error = "the record is behind the watermark of every window that it belongs to";
    why.pipeline = shared_.plan->name;
    why.step = step;
    why.topic = shared_.plan->topics->name_of(batch.topic);
    why.partition = batch.partition;
    why.offset = batch.offsets[row.row];
    why.watermark = row.watermark;
    sinks_.write_refused(SinkInput::kLate, {batch.raw.empty() ? kNothingKept : batch.raw[row.row], batch.kafka_times[row.row], why});
  }
}

void Worker::begin_barrier(uint64_t epoch) {
  shared_.crash_points->reached("barrier_before");
  at_barrier_.emplace();
  at_barrier_->epoch = epoch;
  for (const auto& reader : readers_) {
    at_barrier_->partitions.push_back({reader->partition, reader->reader.position(), reader->idle, reader->reader.counters()});
  }
  sent_barrier_ = epoch;
  passed_barrier_[index_] = epoch;
  for (uint32_t to = 0; to < shared_.workers; ++to) {
    if (to != index_) send(to, Barrier{epoch});
  }
  shared_.crash_points->reached("barrier_after");
}

void Worker::align() {
  for (Lane& lane : lanes_) {
    for (size_t ordinal = 0; ordinal < lane.windows.size(); ++ordinal) freeze(lane, ordinal);
  }
  shared_.crash_points->reached("freeze");
  WorkerReport report = std::move(*at_barrier_);
  at_barrier_.reset();
  report.steps = stage_->counters();
  report.sinks = sinks_.counters();
  uint64_t keys = 0;
  for (const Lane& lane : lanes_) {
    for (const auto& window : lane.windows) keys += window->keys();
  }
  gauges_.keys = keys;
  report.refused = sinks_.refused();
  report.partitioning_violations = partitioning_violations_;
  report.newest_record = sinks_.take_newest_record();
  for (const Lane& lane : lanes_) {
    Time watermark = lane.time.current();
    for (const auto& window : lane.windows) {
      watermark = window->watermark();
      const WindowCounters& c = window->counters();
      report.windows.in += c.in;
      report.windows.counted += c.counted;
      report.windows.late += c.late;
      report.windows.idle_late += c.idle_late;
      report.windows.updates_missed += c.updates_missed;
      report.windows.results += c.results;
      report.windows.result_errors += c.result_errors;
    }
    report.lane_watermarks.emplace_back(lane.number, watermark);
  }
  epoch_ += 1;
  sinks_.set_epoch(epoch_);
  shared_.events->on_aligned(index_, std::move(report));
}

void Worker::freeze(Lane& lane, size_t ordinal) {
  std::unique_ptr<FrozenGeneration> generation = lane.windows[ordinal]->freeze();
  const uint16_t number = lane.number;
  shared_.writer->write(*lane.unit, epoch_, std::move(generation),
                        [this, number, ordinal](uint64_t written, std::shared_ptr<const View> view) {
                          const std::lock_guard lock(mail_mutex_);
                          written_.push_back({number, ordinal, written, std::move(view)});
                          has_mail_ = true;
                        });
}

// Keeps keyed state inside its share of the memory budget: dirty entries go to the store early, written ones are dropped.
void Worker::spill_if_needed() {
  const size_t budget = shared_.state_bytes_per_worker;
  size_t dirty = 0;
  size_t memory = 0;
  for (const Lane& lane : lanes_) {
    for (const auto& window : lane.windows) {
      dirty += window->dirty_bytes();
      memory += window->memory_bytes();
    }
  }
  gauges_.dirty_bytes = dirty;
  if (memory <= budget) return;
  if (dirty > budget / 2) {
    for (Lane& lane : lanes_) {
      for (size_t ordinal = 0; ordinal < lane.windows.size(); ++ordinal) freeze(lane, ordinal);
    }
  }
  shed(budget / 2);
  // What is frozen but not yet written can only be waited for; open slices as such take room that no wait gives back.
  while (!stop_ && !failed_ && unwritten_bytes() > budget) {
    sleep_for(kBlockedWait);
    gauges_.backpressured_us += kBlockedWait.us;
    note_progress();
    sinks_.flush();
    report_flushed();
    flush_outbox();  // a barrier of ours may be in it, without which the epoch before would never be written
    take_mail();
    shed(budget / 2);
  }
}

void Worker::shed(size_t target) {
  size_t count = 0;
  for (const Lane& lane : lanes_) count += lane.windows.size();
  for (Lane& lane : lanes_) {
    for (const auto& window : lane.windows) window->shed(target / std::max<size_t>(count, 1));
  }
}

size_t Worker::unwritten_bytes() const {
  size_t bytes = 0;
  for (const Lane& lane : lanes_) {
    for (const auto& window : lane.windows) bytes += window->dirty_bytes();
  }
  return bytes;
}

void Worker::take_mail() {
  if (!has_mail_.exchange(false)) return;
  std::vector<WrittenNews> written;
  std::vector<PartitionStatus> statuses;
  {
    const std::lock_guard lock(mail_mutex_);
    written.swap(written_);
    statuses.swap(statuses_);
  }
  for (WrittenNews& news : written) {
    for (Lane& lane : lanes_) {
      if (lane.number == news.lane) lane.windows[news.ordinal]->on_written(news.generation, news.view);
    }
  }
  const Duration now = shared_.clock->elapsed();
  for (const PartitionStatus& status : statuses) {
    Reader* reader = reader_by_partition_[status.assignment];
    if (reader == nullptr) continue;
    const bool caught_up = status.next_fetch_offset >= 0 && status.next_fetch_offset == status.log_end &&
                           reader->reader.position().next_offset >= status.next_fetch_offset;
    (*shared_.gauges)[reader->partition].caught_up = caught_up;
    const auto observation = !status.answered || status.paused ? FetchObservation::kUnknown
                             : caught_up                       ? FetchObservation::kAtEnd
                                                               : FetchObservation::kNotAtEnd;
    reader->idleness.observe(observation, now);
    // Only a record wakes a partition: what is unknown for a while keeps its flag.
    if (!reader->idleness.idle() || reader->idle) continue;
    reader->idle = true;
    tell_time(*reader);
  }
}

void Worker::note_end(Reader& reader) {
  if (!reader.end_offset || reader.at_end || reader.reader.position().next_offset < *reader.end_offset) return;
  reader.at_end = true;
  (*shared_.gauges)[reader.partition].at_end = true;
  tell_time(reader);
}

void Worker::tell_time(const Reader& reader) {
  if (shared_.plan->windows.empty()) return;
  const PartitionTime time{reader.partition, reader.reader.watermark(), reader.idle, reader.at_end};
  if (shared_.plan->lane_choice == Lanes::kByPartition) return send(index_, time);
  for (uint32_t to = 0; to < shared_.workers; ++to) send(to, time);
}

bool Worker::source_may_read() const {
  if (sent_barrier_ >= epoch_ || sinks_.waiting_bytes() > shared_.sink_wait_bytes) return false;
  return std::ranges::all_of(outbox_, [](const auto& box) { return box.empty(); });
}

void Worker::report_flushed() {
  if (flushed_epoch_ + 1 >= epoch_ || !sinks_.flushed_through(epoch_ - 1)) return;
  flushed_epoch_ = epoch_ - 1;
  shared_.events->on_flushed(index_, flushed_epoch_);
}

// Back-pressure inside a firing window, whose rows cannot be left for later.
void Worker::wait_for_sinks() {
  while (!stop_ && !sinks_.failed() && sinks_.waiting_bytes() > shared_.sink_wait_bytes) {
    sinks_.flush();
    report_flushed();  // what waits here may need the commit that waits for this report
    flush_outbox();  // a barrier of ours may be in it, without which the transaction before would stay open
    sleep_for(kBlockedWait);
    gauges_.backpressured_us += kBlockedWait.us;
    note_progress();
  }
}

void Worker::publish_gauges() {
  for (const auto& reader : readers_) {
    PartitionGauge& gauge = (*shared_.gauges)[reader->partition];
    gauge.next_offset = reader->reader.position().next_offset;
    gauge.watermark_us = reader->reader.watermark().us;
    gauge.idle = reader->idle;
  }
  uint64_t keys = 0;
  size_t memory = 0;
  for (const Lane& lane : lanes_) {
    for (const auto& window : lane.windows) {
      keys += window->keys();
      memory += window->memory_bytes();
    }
  }
  gauges_.keys = keys;
  gauges_.state_bytes = memory;
  if (ended_ || !shared_.until_end) return;
  const bool read = std::ranges::all_of(readers_, [](const auto& r) { return r->at_end; });
  const bool closed = shared_.keep_open || std::ranges::all_of(lanes_, [](const Lane& lane) {
    return std::ranges::all_of(lane.windows, [](const auto& w) { return w->watermark() == Time::max(); });
  });
  if (!read || !closed) return;
  ended_ = true;
  shared_.events->on_ended(index_);
}

void Worker::fail(const Error& error) {
  failed_ = true;
  shared_.events->on_failed(error);
}

}  // namespace tidemark
