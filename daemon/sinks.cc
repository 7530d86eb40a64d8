// A row goes out at once where none waits before it and its epoch is open, else it waits in its order. Refused records
// go to the sinks that take them, and into sampled log lines where none does.
#include "daemon/sinks.h"

#include <algorithm>

#include "operators/formats/murmur2.h"
#include "operators/formats/record_overhead.h"

namespace tidemark {
namespace {

constexpr Duration kSampleEvery = Duration::seconds(10);

std::optional<std::string> owned(std::optional<std::string_view> view) {
  return view ? std::optional<std::string>(*view) : std::nullopt;
}

// Whoever's fault it is: the producer may be told again after a while.
Error refusal_of(const KafkaProducer& producer) {
  const auto error = producer.delivery_error();
  return {Fault::kExternal, true, error ? error->message : "a row was refused by its sink"};
}

Time newest_of(const Batch& batch, Rows rows) {
  Time newest = Time::min();
  for (const uint32_t row : rows) newest = std::max(newest, batch.kafka_times[row]);
  return newest;
}

}  // namespace

size_t SinkWriter::Waiting::bytes() const {
  size_t total = sizeof(Waiting) + (key ? key->size() : 0) + (value ? value->size() : 0);
  for (const OutgoingHeader& h : headers) total += sizeof h + h.name.size() + (h.value ? h.value->size() : 0);
  return total;
}

SinkWriter::SinkWriter(SinkSet& sinks, Logger logger)
    : sinks_(sinks),
      log_(std::move(logger), kSampleEvery),
      recent_times_(sinks.plan->sinks.size()),
      counters_(sinks.plan->sinks.size()) {}

void SinkWriter::write_rows(size_t sink, const Batch& batch, Rows rows) {
  counters_[sink].rows += rows.size();
  const PlannedSink& plan = sinks_.plan->sinks[sink];
  const Time newest = plan.behind_window ? batch.newest_counted : newest_of(batch, rows);
  if (newest != Time::min()) newest_records_.push_back(newest);
  switch (plan.kind) {
    case SinkKind::kDrop: return;
    case SinkKind::kStdout:
      value_.clear();
      for (uint32_t row : rows) {
        plan.row->append_row(batch, row, recent_times_[sink], value_);
        value_.push_back('\n');
      }
      counters_[sink].bytes += value_.size();
      write_lines(sink, value_);
      return;
    case SinkKind::kKafka:
      for (uint32_t row : rows) send_row(sink, batch, row);
      return;
  }
}

void SinkWriter::send_row(size_t sink, const Batch& batch, uint32_t row) {
  const PlannedSink& plan = sinks_.plan->sinks[sink];
  key_.clear();
  value_.clear();
  std::optional<std::string_view> key;
  if (plan.key) {
    if (plan.key->append_key(batch, row, key_)) key = key_;
  } else if (!batch.record_keys.empty() && batch.record_key_valid[row]) {
    key = batch.record_keys[row];
  }
  plan.row->append_row(batch, row, recent_times_[sink], value_);
  const auto size = static_cast<int64_t>(value_.size() + (key ? key->size() : 0) + kRecordOverheadBytes);
  if (size > sinks_.targets[sink].topic.max_message_bytes) return too_large(sink, batch, row, key.has_value());
  counters_[sink].bytes += value_.size();
  send(sink, batch.kafka_times[row], key, value_, {});
}

void SinkWriter::write_lines(size_t sink, std::string_view lines) {
  const Status written = sinks_.lines->write(lines);
  if (written || failure_) return;
  failure_ = Error{Fault::kUser, false, "sink " + sinks_.plan->sinks[sink].name + ": " + written.error().message};
}

void SinkWriter::too_large(size_t sink, const Batch& batch, uint32_t row, bool has_key) {
  counters_[sink].oversize += 1;
  const Plan& plan = *sinks_.plan;
  RawRecord rendered;
  rendered.key = key_;
  rendered.key_is_null = !has_key;
  rendered.value = value_;
  rendered.value_is_null = false;
  const std::string error = "the row has " + std::to_string(value_.size()) + " bytes, topic " + plan.sinks[sink].topic +
                            " takes " + std::to_string(sinks_.targets[sink].topic.max_message_bytes);
  RecordRefusal why;
  why.reason = Reason::kOversize;
  why.error = error;
  why.pipeline = plan.name;
  why.step = plan.sinks[sink].name;
  if (batch.partition >= 0) {
    why.topic = plan.topics->name_of(batch.topic);
    why.partition = batch.partition;
    why.offset = batch.offsets[row];
  } else if (const auto before = plan.sinks[sink].behind_window) {
    const size_t start = plan.window(*before).key_slots.size();
    why.window_start = Time{batch.columns[start].ints[row]};
    why.window_end = Time{batch.columns[start + 1].ints[row]};
  }
  const bool original = !batch.raw.empty();
  write_refused(SinkInput::kDeadLetter, {original ? batch.raw[row] : rendered, batch.kafka_times[row], why});
}

void SinkWriter::write_refused(SinkInput kind, const RefusedRecord& refused) {
  const auto step = refused_.find(refused.why.step);
  (step != refused_.end() ? step->second : refused_[std::string(refused.why.step)])[refused.why.reason] += 1;
  RecordRefusal why = refused.why;
  if (not_in_future(refused.timestamp) != refused.timestamp) why.timestamp = refused.timestamp;
  bool taken = false, too_large = false;
  const auto& sinks = sinks_.plan->sinks;
  for (size_t i = 0; i < sinks.size(); ++i) {
    if (sinks[i].input != kind) continue;
    const size_t limit = sinks[i].kind == SinkKind::kKafka ? static_cast<size_t>(sinks_.targets[i].topic.max_message_bytes) : SIZE_MAX;
    const OutgoingRecord record = build_dead_letter(refused.record, why, limit);
    // Its key and headers are never cut. Refused for ever by the topic, it must not hold the pipeline up for ever.
    too_large = kafka_bytes(record) > limit;
    if (too_large) continue;
    taken = true;
    counters_[i].rows += 1;
    if (sinks[i].kind == SinkKind::kKafka) {
      send(i, refused.timestamp, record.key, record.value, record.headers);
    } else if (sinks[i].kind == SinkKind::kStdout) {
      write_lines(i, std::string(record.value.value_or("")) + '\n');
    }
  }
  if (taken) return;
  log_.warn(too_large ? "refused_record_too_large" : kind == SinkInput::kLate ? "late_record" : "dead_letter",
            {{"reason", to_string(refused.why.reason)},
             {"step", refused.why.step},
             {"topic", refused.why.topic},
             {"partition", refused.why.partition.value_or(-1)},
             {"offset", refused.why.offset.value_or(-1)},
             {"error", refused.why.error}});
}

bool SinkWriter::is_open(uint64_t epoch) const {
  return epoch <= sinks_.open_epoch.load(std::memory_order_acquire);
}

int32_t SinkWriter::partition_for(const SinkTarget& target, std::optional<std::string_view> key) {
  if (key) return murmur2_partition(*key, target.topic.partitions);
  return static_cast<int32_t>((spread_++ / 64) % static_cast<uint32_t>(target.topic.partitions));
}

// Brokers refuse records from the far future, and would refuse this one for ever.
Time SinkWriter::not_in_future(Time timestamp) {
  if (timestamp > newest_now_) newest_now_ = sinks_.clock->now();
  return std::min(timestamp, newest_now_);
}

void SinkWriter::send(size_t sink, Time timestamp, std::optional<std::string_view> key,
                      std::optional<std::string_view> value, const std::vector<OutgoingHeader>& headers) {
  const SinkTarget& target = sinks_.targets[sink];
  const int32_t partition = partition_for(target, key);
  timestamp = not_in_future(timestamp);
  bool full = false;
  if (waiting_.empty() && is_open(epoch_) && produce(sink, partition, timestamp, key, value, headers, full)) return;
  if (failure_) return;
  Waiting& w = waiting_.emplace_back(Waiting{epoch_, sink, partition, timestamp, owned(key), owned(value), headers});
  waiting_bytes_ += w.bytes();
}

bool SinkWriter::produce(size_t sink, int32_t partition, Time timestamp, std::optional<std::string_view> key,
                         std::optional<std::string_view> value, const std::vector<OutgoingHeader>& headers, bool& full) {
  const SinkTarget& target = sinks_.targets[sink];
  ProducerRecord record;
  record.topic = target.topic.topic;
  record.partition = partition;
  record.key = key;
  record.value = value;
  record.timestamp = timestamp;
  for (const OutgoingHeader& h : headers) {
    record.headers.push_back({h.name, h.value ? std::optional<std::string_view>(*h.value) : std::nullopt});
  }
  switch (target.producer->produce(record)) {
    case ProduceResult::kAccepted: return true;
    case ProduceResult::kQueueFull: full = true; return false;
    // The size was checked against the topic's limit, so that this one means the limit has been lowered since: like any
    // other refusal, the attempt cannot go on without losing the row.
    case ProduceResult::kTooLarge:
      failure_ = Error{Fault::kExternal, true, "topic " + sinks_.plan->sinks[sink].topic + " takes smaller rows than it did"};
      return false;
    case ProduceResult::kFailed:
      failure_ = refusal_of(*target.producer);
      return false;
  }
  __builtin_unreachable();
}

bool SinkWriter::flush() {
  bool full = false;
  while (!waiting_.empty() && !full && !failure_) {
    Waiting& w = waiting_.front();
    if (!is_open(w.epoch)) return false;
    if (!produce(w.sink, w.partition, w.timestamp, w.key, w.value, w.headers, full)) return false;
    waiting_bytes_ -= w.bytes();
    waiting_.pop_front();
  }
  return waiting_.empty();
}

}  // namespace tidemark
