// Reading, from Kafka's messages to batches that are sorted by lane. What lanes do with them is not known here.
#include "daemon/source_side.h"

#include <algorithm>
#include <utility>

namespace tidemark {
namespace {

// Everything that has to be done soon wakes the worker; the rest (watermarks of quiet streams that follow the clock, news
// of generations in the store) may take this long. Rows that wait for their transaction are looked after more often.
constexpr Duration kIdleWait = Duration::millis(200);
constexpr Duration kIdleWaitWithRows = Duration::millis(10);
constexpr size_t kBatchArenaBytes = 4 << 20;
constexpr uint32_t kSourceLevel = 0;  // of the channels

}  // namespace

SourceSide::SourceSide(WorkerCore& core, WorkerChannels& channels, RowRouting& routing, Stage& stage, LaneSide& lanes)
    : core_(core),
      channels_(channels),
      routing_(routing),
      stage_(stage),
      lanes_(lanes),
      shares_lanes_(core.shared.workers > 1 && !core.shared.plan->dedupes.empty() &&
                    core.shared.plan->lane_choice == Lanes::kByKey),
      decoders_(core.shared.plan->sources.size()),
      reader_by_partition_(core.shared.partitions.size(), nullptr) {}

Status SourceSide::add_partition(uint32_t partition) {
  const WorkerShared& shared = core_.shared;
  const PartitionStart& start = shared.partitions[partition];
  const PlannedSource& source = shared.plan->sources[start.source];
  std::unique_ptr<Decoder>& decoder = decoders_[start.source];
  if (!decoder) {
    auto made = Decoder::create(source.format, source.decode, source.csv);
    if (!made) return std::unexpected(made.error());
    decoder = std::make_unique<Decoder>(std::move(*made));
  }
  const uint32_t topic = shared.plan->topics->number_of(start.id.topic);
  PartitionReader reader(source, *decoder, *shared.clock, topic, start.id.partition, start.position);
  IdleTracker idleness(source.event_time.idle_after, start.idle);
  readers_.push_back(std::make_unique<Reader>(
      Reader{partition, &source, std::move(reader), idleness, nullptr, start.idle, false, false, start.end_offset}));
  reader_by_partition_[partition] = readers_.back().get();
  return {};
}

void SourceSide::start(uint64_t first_epoch) { sent_barrier_ = first_epoch - 1; }

bool SourceSide::may_read() const {
  return sent_barrier_ < core_.epoch && core_.may_write() && channels_.all_sent() && (!shares_lanes_ || core_.all_frozen());
}

// One drain, not a look and then a wait: the look would swallow a wake-up that came since the worker looked elsewhere.
bool SourceSide::read(bool may_wait) {
  const auto elapsed = [this] { return core_.shared.clock->elapsed(); };
  const Duration begin = elapsed();
  if (looked_away_) core_.shared.input_pause.observe((begin - *looked_away_).to_seconds());
  const Duration wait = core_.sinks.waiting_bytes() > 0 ? kIdleWaitWithRows : kIdleWait;
  const size_t handled = drain(may_wait ? wait : Duration{0});
  if (handled == 0) core_.gauges.idle_us += (elapsed() - begin).us;
  for (auto& reader : readers_) {
    finish_batch(*reader);
    note_end(*reader);
  }
  looked_away_ = elapsed();
  return handled != 0;
}

size_t SourceSide::drain(Duration timeout) {
  core_.shared.consumer->drain(core_.index, timeout, *this);
  return std::exchange(handled_, 0);
}

bool SourceSide::on_message(const KafkaMessage& message) {
  Reader* reader = reader_by_partition_[message.assignment];
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
    reader->batch = pool_.take();
    reader->reader.begin(*reader->batch);
    reader->idleness.observe(FetchObservation::kNotAtEnd, core_.shared.clock->elapsed());
  }
  if (reader->idle) wake_reader(*reader);
  current_ = &message;
  reader->reader.append(message, *reader->batch, *this);
  handled_ += 1;
  return reader->batch->rows < core_.shared.batch_rows && reader->batch->arena.bytes_used() < kBatchArenaBytes &&
         handled_ < Batch::kMaxRows;
}

void SourceSide::add_headers(Arena& arena, RawRecord& record) { append_headers(*current_, arena, record); }

void SourceSide::refused(const SourceRecord& record, Reason reason, const std::string& message) {
  RawRecord raw;
  raw.key = record.key;
  raw.value = record.value;
  raw.key_is_null = record.key_is_null;
  raw.value_is_null = record.value_is_null;
  scratch_.clear();
  append_headers(*current_, scratch_, raw);
  const Plan& plan = *core_.shared.plan;
  const PartitionStart& from = core_.shared.partitions[current_->assignment];
  RecordRefusal why;
  why.reason = reason;
  why.error = message;
  why.pipeline = plan.name;
  why.step = plan.sources[from.source].name;
  why.topic = from.id.topic;
  why.partition = from.id.partition;
  why.offset = record.offset;
  core_.sinks.write_refused(SinkInput::kDeadLetter, {raw, record.timestamp, why});
}

void SourceSide::finish_batch(Reader& reader) {
  if (!reader.batch || reader.batch->rows == 0) {
    if (std::exchange(reader.woke, false)) tell_time(reader);
    return;
  }
  reader.woke = false;
  std::shared_ptr<Batch> batch = std::move(reader.batch);
  reader.batch.reset();
  routing_.begin(reader.partition);
  stage_.run_source(*reader.source, *batch);
  if (!core_.shared.plan->keyed()) return;
  const PartitionTime time{reader.partition, reader.reader.watermark(), reader.idle, false};
  RoutedBatch routed{std::move(batch), routing_.take_rows(), time};
  if (core_.shared.plan->lane_choice == Lanes::kByKey) channels_.send_to_others(kSourceLevel, routed);
  lanes_.take(std::move(routed), kSourceLevel, core_.index);
}

void SourceSide::tell_time(const Reader& reader) {
  if (!core_.shared.plan->keyed()) return;
  const PartitionTime time{reader.partition, reader.reader.watermark(), reader.idle, reader.at_end};
  if (core_.shared.plan->lane_choice == Lanes::kByKey) channels_.send_to_others(kSourceLevel, time);
  lanes_.take(time, kSourceLevel, core_.index);
}

void SourceSide::note_ends() {
  for (auto& reader : readers_) note_end(*reader);
}

void SourceSide::note_end(Reader& reader) {
  if (!reader.end_offset || reader.at_end || reader.reader.position().next_offset < *reader.end_offset) return;
  reader.at_end = true;
  (*core_.shared.gauges)[reader.partition].at_end = true;
  tell_time(reader);
}

bool SourceSide::all_at_end() const {
  return std::ranges::all_of(readers_, [](const auto& reader) { return reader->at_end; });
}

void SourceSide::begin_barrier(uint64_t epoch) {
  core_.shared.crash_points->reached("barrier_before");
  at_barrier_.clear();
  for (const auto& reader : readers_) {
    at_barrier_.push_back({reader->partition, reader->reader.position(), reader->idle, reader->reader.counters(),
                           reader->reader.newest_timestamp()});
  }
  sent_barrier_ = epoch;
  lanes_.take(Barrier{epoch}, kSourceLevel, core_.index);
  channels_.send_to_others(kSourceLevel, Barrier{epoch});
  core_.shared.crash_points->reached("barrier_after");
}

void SourceSide::take_statuses() {
  const std::vector<std::vector<PartitionStatus>> news = statuses_.take();
  if (news.empty()) return;
  const Duration now = core_.shared.clock->elapsed();
  for (const PartitionStatus& status : news.back()) {
    Reader* reader = reader_by_partition_[status.assignment];
    if (reader != nullptr) observe(*reader, status, now);
  }
}

void SourceSide::observe(Reader& reader, const PartitionStatus& status, Duration now) {
  const bool caught_up = status.next_fetch_offset >= 0 && status.next_fetch_offset == status.log_end &&
                         reader.reader.position().next_offset >= status.next_fetch_offset;
  (*core_.shared.gauges)[reader.partition].caught_up = caught_up;
  const auto observation = !status.answered || status.paused ? FetchObservation::kUnknown
                           : caught_up                       ? FetchObservation::kAtEnd
                                                             : FetchObservation::kNotAtEnd;
  reader.idleness.observe(observation, now);
  // Only a record wakes a partition: what is unknown for a while keeps its flag.
  if (!reader.idleness.idle() || reader.idle) return;
  reader.idle = true;
  tell_time(reader);
}

void SourceSide::wake_reader(Reader& reader) {
  reader.idle = false;
  reader.woke = true;
}

void SourceSide::publish_gauges() {
  for (const auto& reader : readers_) {
    PartitionGauge& gauge = (*core_.shared.gauges)[reader->partition];
    gauge.next_offset = reader->reader.position().next_offset;
    gauge.watermark_us = reader->reader.watermark().us;
    gauge.newest_record_us = reader->reader.newest_timestamp().us;
    gauge.idle = reader->idle;
  }
}

}  // namespace tidemark
