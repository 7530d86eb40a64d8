// A librdkafka producer: records out, delivery reports in, transaction calls with their errors sorted into four kinds.
// Knows nothing of rows, epochs or checkpoints.
#include "operators/sinks/kafka_producer.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <mutex>

#include <fmt/core.h>

#include "base/check.h"
#include "operators/formats/record_overhead.h"
#include "operators/sources/kafka_client.h"
#include "operators/sources/kafka_errors.h"
#include "operators/sources/kafka_lookup.h"
#include "operators/sources/kafka_statistics.h"

namespace tidemark {

namespace {

constexpr int64_t kDefaultBatchBytes = 1'000'000;
constexpr int64_t kLargestRecord = 100'000'000;  // each topic's own limit is checked in produce()
// What librdkafka spends on a queued record beside its bytes, its delivery report included, roughly.
constexpr int64_t kQueuedOverhead = 256;
constexpr int64_t kLeastQueued = 8'192;
constexpr int64_t kMostQueued = 10'000'000;
constexpr int64_t kLeastQueuedBytes = int64_t{1} << 20;
constexpr int64_t kNoLimitInKilobytes = 2'147'483'647;
constexpr auto kPromptEnd = std::chrono::seconds(5);  // far below the time after which an unanswered request is repeated

int64_t size_of(const ProducerRecord& record) {
  auto bytes = static_cast<int64_t>(record.key.value_or("").size() + record.value.value_or("").size());
  for (const auto& header : record.headers) {
    bytes += static_cast<int64_t>(kHeaderOverheadBytes + header.name.size() + header.value.value_or("").size());
  }
  return bytes;
}

int64_t number_of(const std::string& text) {
  int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// Null for absent, not null for empty.
const void* data_or_null(const std::optional<std::string_view>& text) {
  if (!text) return nullptr;
  return text->data() ? text->data() : "";
}

class Producer final : public KafkaProducer, private KafkaCallbacks {
 public:
  Producer(const ProducerOptions& options, KafkaLog log)
      : KafkaCallbacks(log),
        options_(options),
        most_bytes_(std::max(options.queue_bytes / 2, kLeastQueuedBytes)),
        log_(std::move(log)) {}
  ~Producer() override;

  Status open();

  Result<OpenTopic> open_topic(std::string_view name, Duration timeout) override;
  Result<std::string> cluster_id(Duration timeout) override;
  ProduceResult produce(const ProducerRecord& record) override;
  void poll(Duration timeout) override { rd_kafka_poll(client_.get(), timeout_ms(timeout)); }
  Result<bool> flush(Duration timeout) override;
  int64_t bytes_in_flight() const override { return bytes_in_flight_; }
  uint64_t records_acknowledged() const override { return acknowledged_; }
  std::optional<Error> delivery_error() const override;

  TransactionStatus init_transactions(Duration timeout) override;
  ClientStatistics client_statistics() const override;
  TransactionStatus begin() override;
  TransactionStatus send_offsets(const std::vector<PartitionOffset>& offsets, const GroupMetadata& group) override;
  TransactionStatus commit(Duration timeout) override;
  TransactionStatus abort(Duration timeout) override;
  bool spent() const override { return spent_; }

 private:
  struct Topic {
    std::string name;
    int64_t max_message_bytes;
    RdPtr<rd_kafka_topic_t> native;
  };

  void configure(KafkaConf& conf);
  bool make_room(int64_t bytes);
  static int on_statistics(rd_kafka_t*, char* json, size_t size, void* opaque);
  static void on_delivery(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque);
  void on_client_error(rd_kafka_resp_err_t code, std::string_view text, bool fatal) override;
  void keep_error(const Error& error);
  TransactionStatus judge(std::string_view call, rd_kafka_error_t* error);
  Result<KafkaLookup*> lookup();

  const ProducerOptions options_;
  const int64_t most_bytes_;  // in flight
  KafkaLog log_;
  std::atomic<int64_t> bytes_in_flight_{0};
  std::atomic<uint64_t> acknowledged_{0};
  std::atomic<bool> used_{false};  // something was produced or transactions are initialised
  int64_t largest_record_ = kLargestRecord;  // as the client is configured
  int64_t batch_bytes_ = kDefaultBatchBytes;  // likewise
  int64_t smallest_limit_ = kLargestRecord;  // of all topics
  RdPtr<rd_kafka_t> client_;
  std::vector<Topic> topics_;  // grows only in open_topic()
  std::unique_ptr<KafkaLookup> lookup_;
  std::atomic<uint64_t> breaks_{0};  // connections that failed
  // Of the commit under way: when it began, and `breaks_` then.
  std::optional<std::pair<std::chrono::steady_clock::time_point, uint64_t>> ending_since_;
  bool spent_ = false;
  mutable std::mutex mutex_;  // guards the four below
  std::optional<Error> delivery_error_;
  std::optional<Error> user_fault_;
  OutageCause outage_;
  ClientStatistics statistics_;
};

Producer::~Producer() {
  if (!client_) return;
  // What is not acknowledged by now is nobody's any more; without this, destruction would wait for it.
  rd_kafka_purge(client_.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  rd_kafka_poll(client_.get(), 0);
  topics_.clear();
}

// ---- Opening

void Producer::configure(KafkaConf& conf) {
  conf.set("client.id", options_.client_id);
  // Nobody sees rows before their transaction's commit, which sends at once what still waits: they may gather until then.
  conf.set("linger.ms", options_.transactional_id ? 100 : 10);
  conf.set("compression.type", "lz4");
  // A broker that is still completing the last transaction says so, and the client waits this long; its default of 100
  // is what a transaction then lasts.
  conf.set("retry.backoff.ms", 10);
  conf.set("message.max.bytes", kLargestRecord);
  conf.set("batch.size", kDefaultBatchBytes);
  conf.set_all(options_.properties);

  conf.demand("bootstrap.servers", options_.brokers);
  conf.demand("statistics.interval.ms", 5'000);
  rd_kafka_conf_set_stats_cb(conf.native(), on_statistics);
  conf.demand("enable.idempotence", "true");
  conf.demand("acks", "all");
  const int64_t records = options_.queue_bytes / 2 / kQueuedOverhead;
  conf.demand("queue.buffering.max.messages", std::clamp(records, kLeastQueued, kMostQueued));
  conf.demand("queue.buffering.max.kbytes", kNoLimitInKilobytes);  // make_room() sets it
  // A broker refuses a batch, not a record, that is beyond the topic's limit: batches stay below the smallest of them.
  largest_record_ = number_of(conf.get("message.max.bytes"));
  batch_bytes_ = std::min(number_of(conf.get("batch.size")), smallest_limit_);
  conf.set("batch.size", batch_bytes_);
  rd_kafka_conf_set_dr_msg_cb(conf.native(), on_delivery);
  if (!options_.transactional_id) return;
  const int64_t transaction_ms = options_.transaction_timeout.to_millis();
  conf.demand("transactional.id", *options_.transactional_id);
  conf.demand("transaction.timeout.ms", transaction_ms);
  conf.demand("message.timeout.ms", std::max<int64_t>(transaction_ms - 5'000, transaction_ms / 2));
}

Status Producer::open() {
  KafkaConf conf(*this);
  configure(conf);
  auto client = conf.create(RD_KAFKA_PRODUCER);
  if (!client) return std::unexpected(client.error());
  for (auto& topic : topics_) topic.native.reset();
  client_ = std::move(*client);
  for (auto& topic : topics_) topic.native.reset(rd_kafka_topic_new(client_.get(), topic.name.c_str(), nullptr));
  return {};
}

Result<KafkaLookup*> Producer::lookup() {
  if (!lookup_) {
    auto made = KafkaLookup::make(options_.brokers, options_.client_id, options_.properties, log_);
    if (!made) return std::unexpected(made.error());
    lookup_ = std::move(*made);
  }
  return lookup_.get();
}

Result<OpenTopic> Producer::open_topic(std::string_view name, Duration timeout) {
  const std::string topic(name);
  auto ask = lookup();
  if (!ask) return std::unexpected(ask.error());
  const auto partitions = (*ask)->partitions({topic}, timeout);
  if (!partitions) return std::unexpected(partitions.error());
  if ((*ask)->may_write(topic, timeout) == false) {
    return user_error("topic " + topic + ": this user is not authorized to write to it");
  }
  const auto limit = (*ask)->max_message_bytes(topic, timeout);
  OpenTopic open;
  open.topic = static_cast<uint32_t>(topics_.size());
  open.partitions = static_cast<int32_t>(partitions->size());
  open.max_message_bytes = std::min(limit.value_or(open.max_message_bytes), largest_record_);
  topics_.push_back({topic, open.max_message_bytes, nullptr});
  smallest_limit_ = std::clamp<int64_t>(open.max_message_bytes, 1, smallest_limit_);
  if (smallest_limit_ < batch_bytes_ && !used_) {
    if (auto opened = this->open(); !opened) return std::unexpected(opened.error());
  }
  topics_.back().native.reset(rd_kafka_topic_new(client_.get(), topic.c_str(), nullptr));
  return open;
}

Result<std::string> Producer::cluster_id(Duration timeout) {
  auto ask = lookup();
  if (!ask) return std::unexpected(ask.error());
  return (*ask)->cluster_id(timeout);
}

// ---- Records

// Takes `bytes` in, where there is room for them or nothing else in flight.
bool Producer::make_room(int64_t bytes) {
  const int64_t before = bytes_in_flight_.fetch_add(bytes);
  if (before == 0 || before + bytes <= most_bytes_) return true;
  bytes_in_flight_.fetch_sub(bytes);
  return false;
}

ProduceResult Producer::produce(const ProducerRecord& record) {
  CHECK_OR_DIE(record.topic < topics_.size(), "records go to opened topics");
  const Topic& topic = topics_[record.topic];
  const int64_t bytes = size_of(record);
  if (bytes + static_cast<int64_t>(kRecordOverheadBytes) > topic.max_message_bytes) return ProduceResult::kTooLarge;
  if (!make_room(bytes)) return ProduceResult::kQueueFull;
  used_.store(true, std::memory_order_relaxed);

  RdPtr<rd_kafka_headers_t> headers;
  if (!record.headers.empty()) headers.reset(rd_kafka_headers_new(record.headers.size()));
  for (const auto& header : record.headers) {
    rd_kafka_header_add(headers.get(), header.name.data(), static_cast<ssize_t>(header.name.size()),
                        data_or_null(header.value), static_cast<ssize_t>(header.value.value_or("").size()));
  }
  // librdkafka takes 0 for "now".
  const int64_t timestamp_ms = std::max<int64_t>(1, record.timestamp.to_millis());
  const auto code = rd_kafka_producev(
      client_.get(), RD_KAFKA_V_RKT(topic.native.get()), RD_KAFKA_V_PARTITION(record.partition),
      RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
      RD_KAFKA_V_KEY(data_or_null(record.key), record.key.value_or("").size()),
      RD_KAFKA_V_VALUE(const_cast<void*>(data_or_null(record.value)), record.value.value_or("").size()),
      RD_KAFKA_V_TIMESTAMP(timestamp_ms), RD_KAFKA_V_OPAQUE(reinterpret_cast<void*>(bytes)),
      RD_KAFKA_V_HEADERS(headers.get()), RD_KAFKA_V_END);
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
    (void)headers.release();  // belong to the message now
    return ProduceResult::kAccepted;
  }
  bytes_in_flight_.fetch_sub(bytes);
  if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL) return ProduceResult::kQueueFull;
  if (code == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE) return ProduceResult::kTooLarge;
  keep_error(kafka_error(code, fmt::format("produce to {}[{}]", topic.name, record.partition)));
  return ProduceResult::kFailed;
}

void Producer::on_delivery(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
  auto& self = static_cast<Producer&>(*static_cast<KafkaCallbacks*>(opaque));
  self.bytes_in_flight_.fetch_sub(reinterpret_cast<int64_t>(message->_private));
  if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
    self.acknowledged_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  const auto where = fmt::format("delivery to {}[{}]", rd_kafka_topic_name(message->rkt), message->partition);
  self.keep_error(kafka_error(message->err, where));
}

int Producer::on_statistics(rd_kafka_t*, char* json, size_t size, void* opaque) {
  auto& self = static_cast<Producer&>(*static_cast<KafkaCallbacks*>(opaque));
  const auto parsed = parse_kafka_statistics({json, size});
  if (!parsed) return self.log(3, parsed.error().message), 0;
  const std::lock_guard lock(self.mutex_);
  self.statistics_ = parsed->client;
  return 0;
}

ClientStatistics Producer::client_statistics() const {
  const std::lock_guard lock(mutex_);
  return statistics_;
}

void Producer::keep_error(const Error& error) {
  const std::lock_guard lock(mutex_);
  if (!delivery_error_) delivery_error_ = error;
}

std::optional<Error> Producer::delivery_error() const {
  const std::lock_guard lock(mutex_);
  return delivery_error_;
}

void Producer::on_client_error(rd_kafka_resp_err_t code, std::string_view text, bool fatal) {
  const Error error = kafka_error(code, "Kafka", text);
  log(fatal ? 2 : 4, error.message);
  if (is_silence(code)) breaks_ += 1;
  const std::lock_guard lock(mutex_);
  outage_.note(code, text);
  if (error.fault == Fault::kUser) user_fault_ = error;
}

Result<bool> Producer::flush(Duration timeout) {
  const auto code = rd_kafka_flush(client_.get(), timeout_ms(timeout));
  const std::lock_guard lock(mutex_);
  const auto error = std::exchange(delivery_error_, std::nullopt);
  const auto fault = code == RD_KAFKA_RESP_ERR_NO_ERROR ? std::exchange(user_fault_, std::nullopt) : user_fault_;
  if (error) return std::unexpected(*error);
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return true;
  if (fault) return std::unexpected(*fault);
  if (code == RD_KAFKA_RESP_ERR__TIMED_OUT) return false;
  return std::unexpected(kafka_error(code, "flush"));
}

// ---- Transactions

TransactionStatus Producer::judge(std::string_view call, rd_kafka_error_t* raw) {
  const RdPtr<rd_kafka_error_t> error(raw);
  if (!error) return {};
  rd_kafka_resp_err_t code = rd_kafka_error_code(error.get());
  TransactionError told{TransactionFailure::kFatal, fmt::format("{}: {}", call, rd_kafka_error_string(error.get()))};
  if (rd_kafka_error_is_fatal(error.get())) {
    std::array<char, 512> cause{};
    if (const auto fatal = rd_kafka_fatal_error(client_.get(), cause.data(), cause.size())) {
      code = fatal;
      told.message += fmt::format(": {}", cause.data());
    }
    if (is_fencing(code)) told.kind = TransactionFailure::kFenced;
  } else if (rd_kafka_error_txn_requires_abort(error.get())) {
    told.kind = TransactionFailure::kAbort;
  } else if (rd_kafka_error_is_retriable(error.get())) {
    told.kind = TransactionFailure::kRetry;
  } else if (is_fencing(code)) {
    told.kind = TransactionFailure::kFenced;
  }
  told.message += fmt::format(" ({})", rd_kafka_err2name(code));
  told.user = is_user_fault(code);
  const std::lock_guard lock(mutex_);
  if (told.kind == TransactionFailure::kAbort && delivery_error_) {  // which is why
    told.user |= delivery_error_->fault == Fault::kUser;
    told.message += ": " + delivery_error_->message;
  }
  if (is_silence(code) && user_fault_) {
    told.user = true;
    told.message += ": " + user_fault_->message;
  } else if (is_silence(code)) {
    told.message = outage_.to_string(options_.brokers);
  }
  return std::unexpected(std::move(told));
}

TransactionStatus Producer::init_transactions(Duration timeout) {
  used_ = true;
  rd_kafka_poll(client_.get(), 0);
  {
    const std::lock_guard lock(mutex_);
    user_fault_.reset();
  }
  auto* error = rd_kafka_init_transactions(client_.get(), timeout_ms(timeout));
  rd_kafka_poll(client_.get(), 0);  // the reason for silence, if the client knows one
  return judge("init_transactions", error);
}

TransactionStatus Producer::begin() {
  lookup_.reset();  // questions belong to the start
  {
    const std::lock_guard lock(mutex_);
    delivery_error_.reset();
  }
  return judge("begin_transaction", rd_kafka_begin_transaction(client_.get()));
}

TransactionStatus Producer::send_offsets(const std::vector<PartitionOffset>& offsets, const GroupMetadata& group) {
  auto list = to_native(offsets);
  const auto* member = static_cast<const rd_kafka_consumer_group_metadata_t*>(group.native());
  return judge("send_offsets_to_transaction",
               rd_kafka_send_offsets_to_transaction(client_.get(), list.get(), member, -1));
}

// What is still in the queues when the time is up stays there: the same call again resumes.
TransactionStatus Producer::commit(Duration timeout) {
  if (!ending_since_) {
    const uint64_t acknowledged = acknowledged_;
    const auto flushed = rd_kafka_flush(client_.get(), timeout_ms(timeout));
    // While rows get through, they are all that is waited for; where none do, the commit says why.
    if (flushed == RD_KAFKA_RESP_ERR__TIMED_OUT && acknowledged_ != acknowledged) {
      return std::unexpected(TransactionError{TransactionFailure::kRetry, "rows wait for their acknowledgement"});
    }
    ending_since_.emplace(std::chrono::steady_clock::now(), breaks_);
  }
  auto done = judge("commit_transaction", rd_kafka_commit_transaction(client_.get(), timeout_ms(timeout)));
  if (!done && done.error().kind == TransactionFailure::kRetry) return done;
  rd_kafka_poll(client_.get(), 0);  // news of connections that broke
  const auto [began, breaks] = *std::exchange(ending_since_, std::nullopt);
  spent_ = breaks_ != breaks || std::chrono::steady_clock::now() - began > kPromptEnd;
  return done;
}

TransactionStatus Producer::abort(Duration timeout) {
  spent_ = true;
  return judge("abort_transaction", rd_kafka_abort_transaction(client_.get(), timeout_ms(timeout)));
}

}  // namespace

Result<std::unique_ptr<KafkaProducer>> make_kafka_producer(const ProducerOptions& options,
                                                           std::function<void(int, std::string_view)> log_line) {
  auto producer = std::make_unique<Producer>(options, std::move(log_line));
  if (auto opened = producer->open(); !opened) return std::unexpected(opened.error());
  return producer;
}

}  // namespace tidemark
