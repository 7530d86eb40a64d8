// The dance with librdkafka's fetch queues. A partition's queue exists before its assignment does, forgets where it is
// forwarded when a fetcher stops, and is forwarded to the group's own queue by default when one starts; and a fetcher
// starts some time after the assignment is taken. Hence: assign, seek until the fetcher says that it runs, forward, seek
// again, so that whatever was fetched before the forward bears an outdated version and is dropped by the library.
#include "operators/sources/kafka_fetch.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include <fmt/core.h>

#include "base/check.h"
#include "operators/sources/kafka_errors.h"

namespace tidemark {

namespace {

constexpr auto kStartPatience = std::chrono::seconds(20);
constexpr int kSeekTimeoutMs = 1'000;  // answers take milliseconds; one that was lost is asked for again

// The one place for librdkafka's fastest way out of a queue, with plain polls where it is gone. Calls `take` until the
// queue is empty or `stopped`, which `take` sets after rd_kafka_yield(), so that what is left stays queued.
void consume(rd_kafka_queue_t* queue, int wait_ms, void (*take)(rd_kafka_message_t*, void*), void* opaque,
             [[maybe_unused]] const bool& stopped) {
#ifdef TIDEMARK_CONSUME_BY_POLL
  while (!stopped) {
    const RdPtr<rd_kafka_message_t> message(rd_kafka_consume_queue(queue, wait_ms));
    if (!message) return;
    take(message.get(), opaque);
    wait_ms = 0;
  }
#else
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  rd_kafka_consume_callback_queue(queue, wait_ms, take, opaque);
#pragma GCC diagnostic pop
#endif
}

// A transaction marker, which the callback path hands over like a message. Every real record since message format 1 has
// a kind of timestamp.
bool is_marker(const rd_kafka_message_t& message) {
  if (message.payload != nullptr || message.key != nullptr) return false;
  rd_kafka_timestamp_type_t kind = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
  rd_kafka_message_timestamp(&message, &kind);
  return kind == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
}

Time timestamp_of(const rd_kafka_message_t& message) {
  rd_kafka_timestamp_type_t kind = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
  const int64_t ms = rd_kafka_message_timestamp(&message, &kind);
  return kind == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE || ms < 0 ? Time::min() : Time::from_millis(ms);
}

KafkaMessage to_message(const rd_kafka_message_t& message, uint32_t assignment) {
  KafkaMessage out;
  out.assignment = assignment;
  out.offset = message.offset;
  out.timestamp = timestamp_of(message);
  out.key = {static_cast<const char*>(message.key), message.key_len};
  out.value = {static_cast<const char*>(message.payload), message.len};
  out.key_is_null = message.key == nullptr;
  out.value_is_null = message.payload == nullptr;
  out.native = &message;
  return out;
}

}  // namespace

struct KafkaFetch::Drain {
  KafkaFetch& fetch;
  Queue& queue;
  MessageHandler& handler;
  size_t handled = 0;
  bool stopped = false;
};

// ---- Workers

size_t KafkaFetch::drain(uint32_t number, Duration timeout, MessageHandler& handler) {
  if (gate_.wanted() || number >= queue_count_.load(std::memory_order_acquire)) {
    std::this_thread::sleep_for(std::min(std::chrono::microseconds(timeout.us), std::chrono::microseconds(1'000)));
    return 0;
  }
  const auto lock = gate_.enter();
  Drain drain{*this, *queues_[number], handler};
  consume(drain.queue.native.get(), timeout_ms(timeout), take_message, &drain, drain.stopped);
  if (wake_bytes_ > 0 && drain.queue.bytes_since_wake >= wake_bytes_) wake_fetchers(drain.queue);
  return drain.handled;
}

void KafkaFetch::take_message(rd_kafka_message_t* message, void* opaque) {
  auto& drain = *static_cast<Drain*>(opaque);
  KafkaFetch& fetch = drain.fetch;
  Queue& queue = drain.queue;
  if (message->rkt != queue.topic || message->partition != queue.partition) [[unlikely]] {
    if (!fetch.find(queue, *message)) return fetch.take_error(*message);
  }
  Part& part = *fetch.parts_[queue.assignment];
  if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) [[unlikely]] {
    if (message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF) return fetch.take_error(*message);
    if (message->offset < part.position.load(std::memory_order_relaxed)) return;
    part.position.store(message->offset, std::memory_order_relaxed);
    KafkaMessage end;
    end.assignment = queue.assignment;
    end.offset = message->offset;
    end.at_end = true;
    drain.stopped = !drain.handler.on_message(end);
  } else {
    if (message->offset < part.position.load(std::memory_order_relaxed)) [[unlikely]] return;
    part.position.store(message->offset + 1, std::memory_order_relaxed);
    queue.bytes_since_wake += static_cast<int64_t>(message->len + message->key_len);
    if (is_marker(*message)) return;
    drain.stopped = !drain.handler.on_message(to_message(*message, queue.assignment));
  }
  ++drain.handled;
  if (drain.stopped || fetch.gate_.wanted()) {
    drain.stopped = true;
    rd_kafka_yield(fetch.client_);
  }
}

bool KafkaFetch::find(Queue& queue, const rd_kafka_message_t& message) {
  if (message.rkt == nullptr) return false;
  const std::pair key(static_cast<const rd_kafka_topic_t*>(message.rkt), message.partition);
  auto known = queue.known.find(key);
  if (known == queue.known.end()) {
    const auto at = index_.find(TopicPartition{rd_kafka_topic_name(message.rkt), message.partition});
    if (at == index_.end()) return false;
    known = queue.known.emplace(key, at->second).first;
  }
  queue.topic = key.first;
  queue.partition = key.second;
  queue.assignment = known->second;
  return true;
}

void KafkaFetch::take_error(const rd_kafka_message_t& message) {
  PartitionError error{{}, message.err, {}};
  if (message.rkt != nullptr) error.where = {rd_kafka_topic_name(message.rkt), message.partition};
  if (message.err != RD_KAFKA_RESP_ERR_NO_ERROR) error.text = rd_kafka_message_errstr(&message);
  tell(std::move(error));
}

void KafkaFetch::wake(uint32_t number) {
  if (number < queue_count_.load(std::memory_order_acquire)) rd_kafka_queue_yield(queues_[number]->native.get());
}

void KafkaFetch::wake_fetchers(Queue& queue) {
  queue.bytes_since_wake = 0;
  wake_();
}

// ---- Coordinator

Status KafkaFetch::take(const std::vector<KafkaConsumer::Start>& starts, uint32_t queues) {
  CHECK_OR_DIE(queues <= kMaxQueues, "more fetch queues than there is room for");
  const auto gate = alone();
  add_queues(queues);
  auto list = to_native(std::vector<TopicPartition>{});
  for (const auto& start : starts) {
    CHECK_OR_DIE(start.queue < queues && start.offset >= 0, "a start names a queue and a real offset");
    rd_kafka_topic_partition_list_add(list.get(), start.where.topic.c_str(), start.where.partition)->offset =
        start.offset;
  }
  if (auto replaced = replace(starts, list.get()); !replaced || starts.empty()) return replaced;
  std::vector<uint32_t> all(parts_.size());
  for (uint32_t i = 0; i < all.size(); ++i) all[i] = i;
  if (auto started = seek(all); !started) return started;
  forward();
  return seek(all);
}

Status KafkaFetch::give_up() {
  const auto gate = alone();
  return replace({}, nullptr);
}

Status KafkaFetch::replace(const std::vector<KafkaConsumer::Start>& starts, const rd_kafka_topic_partition_list_t* list) {
  parts_.clear();
  index_.clear();
  for (const auto& start : starts) {
    auto part = std::make_unique<Part>();
    part->where = start.where;
    part->queue = start.queue;
    part->position = start.offset;
    index_.emplace(start.where, static_cast<uint32_t>(parts_.size()));
    parts_.push_back(std::move(part));
  }
  const auto code = rd_kafka_assign(client_, list);
  discard_queued();
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return std::unexpected(kafka_error(code, "assign"));
  return {};
}

void KafkaFetch::add_queues(uint32_t count) {
  for (uint32_t i = queue_count_; i < count; ++i) {
    queues_[i] = std::make_unique<Queue>();
    queues_[i]->native.reset(rd_kafka_queue_new(client_));
    queue_count_.store(i + 1, std::memory_order_release);
  }
}

// Outdated messages would otherwise hold their memory until somebody drains the queue that they lie in.
void KafkaFetch::discard_queued() {
  for (uint32_t i = 0; i < queue_count_; ++i) {
    Queue& queue = *queues_[i];
    queue.topic = nullptr;
    queue.partition = -1;
    queue.known.clear();
    consume(queue.native.get(), 0, [](rd_kafka_message_t*, void*) {}, nullptr, false);
  }
}

void KafkaFetch::forward() {
  for (auto& part : parts_) {
    part->source.reset(rd_kafka_queue_get_partition(client_, part->where.topic.c_str(), part->where.partition));
    CHECK_OR_DIE(part->source != nullptr, "a started partition has a queue");
    rd_kafka_queue_forward(part->source.get(), queues_[part->queue]->native.get());
  }
}

Status KafkaFetch::seek(const std::vector<uint32_t>& assignments) {
  std::vector<uint32_t> left = assignments;
  const auto deadline = std::chrono::steady_clock::now() + kStartPatience;
  while (!left.empty()) {
    auto list = to_native(std::vector<TopicPartition>{});
    for (const uint32_t i : left) {
      const auto& where = parts_[i]->where;
      rd_kafka_topic_partition_list_add(list.get(), where.topic.c_str(), where.partition)->offset = position(i);
    }
    const RdPtr<rd_kafka_error_t> error(rd_kafka_seek_partitions(client_, list.get(), kSeekTimeoutMs));
    if (error) {
      const auto code = rd_kafka_error_code(error.get());
      const bool lost = code == RD_KAFKA_RESP_ERR__TIMED_OUT && std::chrono::steady_clock::now() < deadline;
      if (!lost) return std::unexpected(kafka_error(code, "seek"));
      continue;
    }
    std::vector<uint32_t> again;
    for (size_t i = 0; i < left.size(); ++i) {
      const auto code = list->elems[i].err;
      if (code == RD_KAFKA_RESP_ERR_NO_ERROR) continue;
      const bool starting = code == RD_KAFKA_RESP_ERR__STATE || code == RD_KAFKA_RESP_ERR__PREV_IN_PROGRESS ||
                            code == RD_KAFKA_RESP_ERR__OUTDATED ||  // overtaken by the start of the fetcher
                            code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION;
      if (!starting || std::chrono::steady_clock::now() >= deadline) {
        return external_error(fmt::format("seek {}: {}", to_string(parts_[left[i]]->where), rd_kafka_err2str(code)));
      }
      again.push_back(left[i]);
    }
    left = std::move(again);
    if (!left.empty()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return {};
}

Status KafkaFetch::pause(const std::vector<uint32_t>& assignments) {
  if (assignments.empty()) return {};
  std::vector<TopicPartition> partitions;
  for (const uint32_t i : assignments) {
    CHECK_OR_DIE(i < parts_.size(), "only assigned partitions are paused");
    partitions.push_back(parts_[i]->where);
    parts_[i]->paused = true;
    parts_[i]->tracker.reset();
    parts_[i]->answered = false;
  }
  auto list = to_native(partitions);
  const auto code = rd_kafka_pause_partitions(client_, list.get());
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return std::unexpected(kafka_error(code, "pause"));
  return {};
}

// librdkafka remembers where it stood only if something had been consumed, and not exactly; positions here are exact
// once drains stand still. The seek comes last: it outdates what was fetched from elsewhere meanwhile, and it alone wakes a
// fetcher that has nothing else to fetch, which would otherwise sleep for up to a second.
Status KafkaFetch::resume(const std::vector<uint32_t>& assignments) {
  if (assignments.empty()) return {};
  const auto gate = alone();
  std::vector<TopicPartition> partitions;
  for (const uint32_t i : assignments) {
    CHECK_OR_DIE(i < parts_.size(), "only assigned partitions are resumed");
    partitions.push_back(parts_[i]->where);
    parts_[i]->paused = false;
  }
  auto list = to_native(partitions);
  const auto code = rd_kafka_resume_partitions(client_, list.get());
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return std::unexpected(kafka_error(code, "resume"));
  return seek(assignments);
}

// ---- What is known of partitions

void KafkaFetch::take_statistics(const KafkaStatistics& statistics) {
  for (const PartitionStatistics& now : statistics.partitions) {
    const auto at = index_.find(now.where);
    if (at == index_.end()) continue;
    Part& part = *parts_[at->second];
    const auto up = statistics.broker_up.find(now.broker);
    const bool eligible = now.active && !part.paused && up != statistics.broker_up.end() && up->second &&
                          now.queued_messages < limits_.messages && now.queued_bytes < limits_.bytes;
    part.answered = part.tracker.update(eligible, now.broker, answers_.of(now.broker));
    if (now.high_watermark >= 0) part.log_end = now.high_watermark;
  }
}

std::vector<PartitionStatus> KafkaFetch::statuses() {
  std::vector<PartitionStatus> all(parts_.size());
  for (size_t i = 0; i < all.size(); ++i) {
    all[i].assignment = static_cast<uint32_t>(i);
    all[i].next_fetch_offset = position(i);
    all[i].log_end = parts_[i]->log_end;
    all[i].answered = parts_[i]->answered;
    all[i].paused = parts_[i]->paused;
  }
  return all;
}

}  // namespace tidemark
