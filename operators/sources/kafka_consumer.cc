// The group side of a librdkafka consumer: settings, group events, metadata, commits and statistics. Fetching is
// KafkaFetch's business; what partitions and offsets are for is nobody's here.
#include "operators/sources/kafka_consumer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <iterator>
#include <optional>
#include <set>

#include <fmt/core.h>

#include "base/check.h"
#include "operators/sources/kafka_client.h"
#include "operators/sources/kafka_errors.h"
#include "operators/sources/kafka_fetch.h"
#include "operators/sources/kafka_lookup.h"
#include "operators/sources/kafka_statistics.h"
#include "operators/sources/native_fetch.h"

namespace tidemark {

namespace {

constexpr int16_t kFetchApi = 1;
// What librdkafka spends on a queued message beside its bytes, roughly.
constexpr int64_t kMessageOverhead = 384;
// How many times its compressed bytes an answer takes once it is unpacked into messages, roughly.
constexpr int64_t kUnpacked = 16;
// Larger answers cost more CPU time, not less: what was unpacked has left the caches before it is looked at.
constexpr int64_t kMostOfPartition = 128 << 10;
constexpr int64_t kLeastOfPartition = 16 << 10;
constexpr int64_t kPartitionsInAnswer = 4;
constexpr Duration kProbeTimeout = Duration::seconds(10);
constexpr Duration kSuccessorTimeout = Duration::seconds(3);  // asked within a rebalance
constexpr Duration kLeadersTimeout = Duration::seconds(2);
constexpr auto kLeadersEvery = std::chrono::milliseconds(500);
constexpr auto kLeadersWhereSilent = std::chrono::seconds(2);

rd_kafka_resp_err_t count_answer(rd_kafka_t*, int, const char*, int32_t broker, int16_t api, int16_t, int32_t, size_t,
                                 int64_t, rd_kafka_resp_err_t error, void* answers) {
  if (api == kFetchApi && error == RD_KAFKA_RESP_ERR_NO_ERROR) static_cast<FetchAnswers*>(answers)->add(broker);
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

rd_kafka_resp_err_t watch_answers(rd_kafka_t* client, const rd_kafka_conf_t*, void* answers, char*, size_t) {
  return rd_kafka_interceptor_add_on_response_received(client, "tidemark", count_answer, answers);
}

class NativeGroupMetadata final : public GroupMetadata {
 public:
  explicit NativeGroupMetadata(rd_kafka_consumer_group_metadata_t* metadata) : metadata_(metadata) {}
  const void* native() const override { return metadata_.get(); }

 private:
  RdPtr<rd_kafka_consumer_group_metadata_t> metadata_;
};

// Limits of the prefetch. Half of the room is for what lies in the queues, which in turn is half messages and half
// librdkafka's own structures; the other half is for the answer that comes when a queue is just not full.
struct FetchLimits {
  int64_t kilobytes;        // in a queue
  int64_t messages;         // in a queue
  int64_t answer_bytes;     // of one broker, as they travel; a first batch beyond it comes all the same
  int64_t partition_bytes;  // of one partition in an answer
  explicit FetchLimits(const ConsumerOptions& options) {
    const int64_t quarter = options.queue_bytes / std::max<uint32_t>(1, options.queues) / 4;
    kilobytes = std::clamp<int64_t>(quarter / 1024, 64, 2'000'000);
    messages = std::clamp<int64_t>(quarter / kMessageOverhead, 1'000, 10'000'000);
    const int64_t answer = options.queue_bytes / 2 / kUnpacked;
    partition_bytes = std::clamp(answer / kPartitionsInAnswer, kLeastOfPartition, kMostOfPartition);
    answer_bytes = std::clamp(answer, kPartitionsInAnswer * kLeastOfPartition, int64_t{1} << 20);
  }
};

int32_t number_of(const KafkaConf& conf, const char* name) {
  const std::string text = conf.get(name);
  int32_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// What the file says of fetching, and what librdkafka would do where it says nothing.
NativeFetchOptions native_options(const KafkaConf& conf) {
  NativeFetchOptions options;
  options.client_id = conf.get("client.id");
  options.limits.wait_ms = number_of(conf, "fetch.wait.max.ms");
  options.limits.least_bytes = number_of(conf, "fetch.min.bytes");
  options.limits.bytes = number_of(conf, "fetch.max.bytes");
  options.limits.partition_bytes = number_of(conf, "max.partition.fetch.bytes");
  options.check_sums = conf.get("check.crcs") == "true";
  options.first_backoff = std::chrono::milliseconds(number_of(conf, "reconnect.backoff.ms"));
  options.most_backoff = std::chrono::milliseconds(number_of(conf, "reconnect.backoff.max.ms"));
  return options;
}

std::vector<std::string> topics_of(const std::vector<KafkaConsumer::Start>& starts) {
  std::set<std::string> topics;
  for (const auto& start : starts) topics.insert(start.where.topic);
  return {topics.begin(), topics.end()};
}

class GroupConsumer final : public KafkaConsumer, private KafkaCallbacks {
 public:
  GroupConsumer(const ConsumerOptions& options, GroupEvents& events, KafkaLog log)
      : KafkaCallbacks(log), options_(options), limits_(options), events_(&events), log_(std::move(log)) {}
  ~GroupConsumer() override {
    events_ = nullptr;
    close();
  }

  Status open();

  void serve(Duration timeout) override;
  Status subscribe() override;
  Result<std::vector<TopicPartition>> list_partitions(Duration timeout) override;
  Result<std::string> cluster_id(Duration timeout) override;
  Result<std::vector<PartitionOffset>> committed(const std::vector<TopicPartition>& partitions,
                                                 Duration timeout) override;
  Result<LogBounds> log_bounds(const TopicPartition& partition, Duration timeout) override;
  Result<int64_t> offset_at(const TopicPartition& partition, Time at, Duration timeout) override;
  Status assign(const std::vector<Start>& starts, uint32_t queues) override;
  size_t drain(uint32_t queue, Duration timeout, MessageHandler& handler) override {
    return fetch_->drain(queue, timeout, handler);
  }
  void wake(uint32_t queue) override { fetch_->wake(queue); }
  Status pause(const std::vector<uint32_t>& assignments) override { return fetch_->pause(assignments); }
  Status resume(const std::vector<uint32_t>& assignments) override { return fetch_->resume(assignments); }
  std::vector<PartitionStatus> statuses() override { return fetch_->statuses(); }
  ClientStatistics client_statistics() const override;
  Status commit(const std::vector<PartitionOffset>& offsets, Duration timeout) override;
  Result<std::unique_ptr<GroupMetadata>> group_metadata() override;
  bool membership_valid(const std::vector<TopicPartition>& owned) override;
  std::optional<bool> replaced() override { return replaced(kProbeTimeout); }
  std::optional<bool> alone() override;
  void close() override;

 private:
  void configure(KafkaConf& conf);
  bool user_sets(std::string_view property) const {
    return std::ranges::any_of(options_.properties, [&](const auto& p) { return p.first == property; });
  }
  static void on_rebalance(rd_kafka_t*, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t* list, void* opaque);
  static int on_statistics(rd_kafka_t*, char* json, size_t size, void* opaque);
  void take_statistics(std::string_view json);
  Status answer_group(bool revoked);
  void find_leaders(const std::vector<std::string>& topics);
  void serve_leaders();
  void on_client_error(rd_kafka_resp_err_t code, std::string_view text, bool fatal) override;
  void on_partition_error(const PartitionError& error);
  void assigned(const std::vector<TopicPartition>& partitions);
  void revoked(const std::vector<TopicPartition>& partitions);
  void yield_to_successor();
  std::optional<bool> replaced(Duration timeout);
  Result<KafkaLookup*> lookup();
  Error refusal(rd_kafka_resp_err_t code, std::string_view what) const;
  bool is_member() const;

  const ConsumerOptions options_;
  const FetchLimits limits_;
  GroupEvents* events_;  // null once nobody is to be called any more
  KafkaLog log_;
  FetchAnswers answers_;
  RdPtr<rd_kafka_t> client_;
  std::unique_ptr<PartitionFetch> fetch_;  // gone before client_
  bool native_ = false;                    // it reads over sockets of its own
  std::chrono::steady_clock::time_point next_leaders_{};
  std::unique_ptr<KafkaLookup> lookup_;    // only while questions are asked
  ClientStatistics client_statistics_;
  std::optional<Error> user_fault_;        // last reported by the client, to explain silence
  std::string member_id_;                  // at the last assignment
  bool assign_called_ = false;
  bool revoking_ = false;                  // a revocation is being answered
  bool lost_ = false;                      // the present assignment, noted before it was given up
  bool fatal_told_ = false;
  bool closed_ = false;
};

// ---- Settings

void GroupConsumer::configure(KafkaConf& conf) {
  conf.set("client.id", options_.client_id);
  conf.set("fetch.wait.max.ms", 200);
  conf.set("message.max.bytes", limits_.answer_bytes);  // of a consumer: the least that fetch.max.bytes may be
  conf.set("max.partition.fetch.bytes", limits_.partition_bytes);
  conf.set("topic.metadata.refresh.interval.ms", 30'000);
  conf.set("check.crcs", "true");
  conf.set_where_known("fetch.queue.backoff.ms", "10");
  conf.set_all(options_.properties);
  if (!user_sets("fetch.max.bytes")) conf.set("fetch.max.bytes", conf.get("message.max.bytes"));

  conf.demand("bootstrap.servers", options_.brokers);
  conf.demand("group.id", options_.group);
  if (!options_.group_instance_id.empty()) conf.demand("group.instance.id", options_.group_instance_id);
  conf.set_where_known("group.protocol", "classic");
  conf.demand("partition.assignment.strategy", "range");
  conf.demand("enable.auto.commit", "false");
  conf.demand("enable.auto.offset.store", "false");
  conf.demand("auto.offset.reset", "error");
  conf.demand("isolation.level", "read_committed");
  conf.demand("enable.partition.eof", "true");
  conf.demand("allow.auto.create.topics", "false");
  // Where librdkafka fetches, they also tell whether a partition's leader has answered lately.
  conf.demand("statistics.interval.ms", options_.native_fetch ? 5'000 : 1'000);
  conf.demand("queued.min.messages", limits_.messages);
  conf.demand("queued.max.messages.kbytes", limits_.kilobytes);
  rd_kafka_conf_set_rebalance_cb(conf.native(), on_rebalance);
  rd_kafka_conf_set_stats_cb(conf.native(), on_statistics);
  rd_kafka_conf_interceptor_add_on_new(conf.native(), "tidemark", watch_answers, &answers_);
}

Status GroupConsumer::open() {
  KafkaConf conf(*this);
  configure(conf);
  NativeFetchOptions native = native_options(conf);
  // Without fetch.queue.backoff.ms a fetcher whose queue was full sleeps for a second. New credentials wake it, so it is
  // told the ones that it has; where there are none, none are ever used.
  const bool sleeps = conf.get("fetch.queue.backoff.ms").empty();
  std::string user = conf.get("sasl.username");
  std::string password = conf.get("sasl.password");
  auto client = conf.create(RD_KAFKA_CONSUMER);
  if (!client) return std::unexpected(client.error());
  client_ = std::move(*client);
  rd_kafka_poll_set_consumer(client_.get());
  native_ = options_.native_fetch;
  if (native_) {
    fetch_ = std::make_unique<NativeFetch>(std::move(native));
    return {};
  }
  const auto wake = [native = client_.get(), user = std::move(user), password = std::move(password)] {
    const RdPtr<rd_kafka_error_t> ignored(rd_kafka_sasl_set_credentials(native, user.c_str(), password.c_str()));
  };
  const QueueLimits queue{limits_.messages, limits_.kilobytes * 1024};
  fetch_ = std::make_unique<KafkaFetch>(client_.get(), answers_, queue, sleeps ? queue.bytes / 4 : 0, wake);
  return {};
}

// ---- Group events

Status GroupConsumer::subscribe() {
  std::vector<TopicPartition> names;
  for (const auto& topic : options_.topics) names.push_back({topic, RD_KAFKA_PARTITION_UA});
  if (!options_.topic_pattern.empty()) names.push_back({options_.topic_pattern, RD_KAFKA_PARTITION_UA});
  auto list = to_native(names);
  const auto code = rd_kafka_subscribe(client_.get(), list.get());
  if (code == RD_KAFKA_RESP_ERR__INVALID_ARG) return user_error("subscribe: not a valid list of topics or pattern");
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return std::unexpected(refusal(code, "subscribe"));
  return {};
}

void GroupConsumer::serve(Duration timeout) {
  int wait_ms = timeout_ms(timeout);
  for (int i = 0; i < 100; ++i, wait_ms = 0) {
    const RdPtr<rd_kafka_message_t> message(rd_kafka_consumer_poll(client_.get(), wait_ms));
    if (!message) break;
    PartitionError error{{}, message->err, {}};
    if (message->rkt) error.where = {rd_kafka_topic_name(message->rkt), message->partition};
    if (message->err) error.text = rd_kafka_message_errstr(message.get());
    on_partition_error(error);
  }
  for (const auto& error : fetch_->take_errors()) on_partition_error(error);
  if (native_) serve_leaders();
}

void GroupConsumer::on_rebalance(rd_kafka_t*, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t* list,
                                 void* opaque) {
  auto& self = static_cast<GroupConsumer&>(*static_cast<KafkaCallbacks*>(opaque));
  const auto partitions = from_native(list);
  if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
    self.assigned(partitions);
  } else {
    self.revoked(partitions);
  }
}

void GroupConsumer::assigned(const std::vector<TopicPartition>& partitions) {
  assign_called_ = false;
  lost_ = false;
  if (char* id = rd_kafka_memberid(client_.get())) {
    member_id_ = id;
    rd_kafka_mem_free(client_.get(), id);
  }
  if (events_ && !closed_) events_->on_assigned(partitions);
  if (!assign_called_) (void)assign({}, 0).has_value();
}

void GroupConsumer::revoked(const std::vector<TopicPartition>& partitions) {
  const bool lost = std::exchange(lost_, false) || rd_kafka_assignment_lost(client_.get()) != 0;
  if (lost && events_ && !closed_) yield_to_successor();
  assign_called_ = false;
  revoking_ = true;
  if (events_) events_->on_revoked(partitions, lost);
  // Once, never twice: with nothing assigned a closing client ends at once, and drops a call that comes then unanswered.
  if (!assign_called_) (void)assign({}, 0).has_value();
  revoking_ = false;
}

// A member that slept through its session learns of that from its own clock, before any answer can say that a newer one
// has its place. Once the revocation is over the client joins again, and as a static member would take the place back.
void GroupConsumer::yield_to_successor() {
  if (!replaced(kSuccessorTimeout).value_or(false)) return;
  rd_kafka_unsubscribe(client_.get());
  events_->on_fenced({Fault::kExternal, false, "the session ended, and another instance with this identity has joined the group"});
}

void GroupConsumer::on_client_error(rd_kafka_resp_err_t code, std::string_view text, bool fatal) {
  const Error error = kafka_error(code, "Kafka", text);
  if (error.fault == Fault::kUser) user_fault_ = error;
  if (!events_ || (fatal && fatal_told_)) return;
  fatal_told_ |= fatal;
  if (fatal && is_fencing(code)) {
    // Told by the coordinator and by nobody else: where the group does not answer, fencing it is.
    if (replaced().value_or(true)) return events_->on_fenced(error);
    return events_->on_error({Fault::kExternal, true, error.message + "; but nobody took this member's place"}, true);
  }
  events_->on_error(error, fatal);
}

// librdkafka forgets its member id when a session times out, and heartbeats go on without one until the revocation is
// served; a coordinator answers these as if a newer member had come. What the group tells of its members decides: the id
// of a static one is its group.instance.id and a UUID.
std::optional<bool> GroupConsumer::replaced(Duration timeout) {
  constexpr size_t kUuid = 36;
  if (member_id_.empty()) return std::nullopt;
  auto ask = lookup();
  if (!ask) return std::nullopt;
  const auto members = (*ask)->members(options_.group, timeout);
  if (!members) return std::nullopt;
  const std::string prefix = options_.group_instance_id + "-";
  return std::ranges::any_of(*members, [&](const std::string& id) {
    return id != member_id_ && id.starts_with(prefix) && id.size() == prefix.size() + kUuid;
  });
}

std::optional<bool> GroupConsumer::alone() {
  auto ask = lookup();
  if (!ask) return std::nullopt;
  const auto members = (*ask)->members(options_.group, kProbeTimeout);
  if (!members) return std::nullopt;
  return members->size() <= 1;
}

// A fatal error has one cause, whichever call meets it.
Error GroupConsumer::refusal(rd_kafka_resp_err_t code, std::string_view what) const {
  if (code != RD_KAFKA_RESP_ERR__FATAL) return kafka_error(code, what);
  std::array<char, 512> cause{};
  const auto underlying = rd_kafka_fatal_error(client_.get(), cause.data(), cause.size());
  Error error = kafka_error(underlying, what, cause.data());
  error.retriable = false;
  return error;
}

void GroupConsumer::on_partition_error(const PartitionError& error) {
  if (!events_) return;
  const std::string what = error.where.topic.empty() ? "Kafka" : to_string(error.where);
  if (error.code == RD_KAFKA_RESP_ERR_NO_ERROR) {
    return events_->on_error({Fault::kInternal, false, what + ": a message of a partition that is not assigned"}, true);
  }
  if (error.code == RD_KAFKA_RESP_ERR__PARTITION_EOF) return;
  if (!options_.topic_pattern.empty() && error.where.topic == options_.topic_pattern) return;  // it matches nothing yet
  if (error.code == RD_KAFKA_RESP_ERR__FATAL) {
    std::array<char, 512> cause{};
    const auto underlying = rd_kafka_fatal_error(client_.get(), cause.data(), cause.size());
    return on_client_error(underlying, cause.data(), true);
  }
  Error told = kafka_error(static_cast<rd_kafka_resp_err_t>(error.code), what, error.text);
  if (told.fault == Fault::kUser) user_fault_ = told;
  // The fetcher of that partition has stopped for good.
  const bool stopped = error.code == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET || error.code == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE;
  events_->on_error(told, stopped);
}

// ---- Questions

Result<KafkaLookup*> GroupConsumer::lookup() {
  if (!lookup_) {
    auto made = KafkaLookup::make(options_.brokers, options_.client_id, options_.properties, log_);
    if (!made) return std::unexpected(made.error());
    lookup_ = std::move(*made);
  }
  return lookup_.get();
}

Result<std::vector<TopicPartition>> GroupConsumer::list_partitions(Duration timeout) {
  auto ask = lookup();
  if (!ask) return std::unexpected(ask.error());
  auto named = (*ask)->partitions(options_.topics, timeout);
  if (!named || options_.topic_pattern.empty()) return named;
  const auto matching = (*ask)->partitions_matching(options_.topic_pattern, timeout);
  if (!matching) return std::unexpected(matching.error());
  std::vector<TopicPartition> all;
  std::ranges::set_union(*named, *matching, std::back_inserter(all));
  return all;
}

Result<std::string> GroupConsumer::cluster_id(Duration timeout) {
  auto ask = lookup();
  if (!ask) return std::unexpected(ask.error());
  return (*ask)->cluster_id(timeout);
}

Result<LogBounds> GroupConsumer::log_bounds(const TopicPartition& partition, Duration timeout) {
  auto ask = lookup();
  if (!ask) return std::unexpected(ask.error());
  auto bounds = (*ask)->bounds(partition, timeout);
  if (!bounds) lookup_.reset();  // a client keeps for minutes what it heard of a topic that had no leaders yet
  return bounds;
}

Result<int64_t> GroupConsumer::offset_at(const TopicPartition& partition, Time at, Duration timeout) {
  auto ask = lookup();
  if (!ask) return std::unexpected(ask.error());
  auto offset = (*ask)->offset_at(partition, at, timeout);
  if (!offset) lookup_.reset();
  return offset;
}

Result<std::vector<PartitionOffset>> GroupConsumer::committed(const std::vector<TopicPartition>& partitions,
                                                              Duration timeout) {
  std::vector<PartitionOffset> answer;
  if (partitions.empty()) return answer;
  user_fault_.reset();
  auto list = to_native(partitions);
  const auto code = rd_kafka_committed(client_.get(), list.get(), timeout_ms(timeout));
  if (is_silence(code) && user_fault_) return std::unexpected(*user_fault_);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return std::unexpected(refusal(code, "committed offsets"));
  for (int i = 0; i < list->cnt; ++i) {
    const auto& entry = list->elems[i];
    PartitionOffset one{{entry.topic, entry.partition}, std::max<int64_t>(-1, entry.offset), {}};
    if (entry.err) return std::unexpected(kafka_error(entry.err, "committed offset of " + to_string(one.where)));
    if (entry.metadata) one.metadata.assign(static_cast<const char*>(entry.metadata), entry.metadata_size);
    answer.push_back(std::move(one));
  }
  return answer;
}

// ---- Positions

Status GroupConsumer::assign(const std::vector<Start>& starts, uint32_t queues) {
  assign_called_ = true;
  lost_ |= rd_kafka_assignment_lost(client_.get()) != 0;  // the library forgets it with this call
  const bool give_up = revoking_ && starts.empty();
  if (native_) {
    if (auto answered = answer_group(give_up); !answered) return answered;
    if (!starts.empty()) find_leaders(topics_of(starts));
  }
  if (!starts.empty()) lookup_.reset();
  return give_up ? fetch_->give_up() : fetch_->take(starts, queues);
}

// The client itself reads nothing, and yet its member must answer what the group told it.
Status GroupConsumer::answer_group(bool revoked) {
  const auto nothing = to_native(std::vector<TopicPartition>{});
  const auto code = rd_kafka_assign(client_.get(), revoked ? nullptr : nothing.get());
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return std::unexpected(kafka_error(code, "assign"));
  return {};
}

// Where nobody answers, what was known stays.
void GroupConsumer::find_leaders(const std::vector<std::string>& topics) {
  bool found = false;
  if (auto ask = lookup()) {
    const auto leaders = (*ask)->leaders(topics, kLeadersTimeout);
    found = leaders.has_value();
    if (found) fetch_->set_leaders(*leaders);
  }
  next_leaders_ = std::chrono::steady_clock::now() + (found ? kLeadersEvery : kLeadersWhereSilent);
}

void GroupConsumer::serve_leaders() {
  if (std::chrono::steady_clock::now() < next_leaders_) return;
  const auto topics = fetch_->topics_without_leaders();
  if (topics.empty()) return;
  find_leaders(topics);
  lookup_.reset();
}

int GroupConsumer::on_statistics(rd_kafka_t*, char* json, size_t size, void* opaque) {
  static_cast<GroupConsumer&>(*static_cast<KafkaCallbacks*>(opaque)).take_statistics({json, size});
  return 0;
}

void GroupConsumer::take_statistics(std::string_view json) {
  const auto parsed = parse_kafka_statistics(json);
  if (!parsed) return log(3, parsed.error().message);
  client_statistics_ = parsed->client;
  fetch_->take_statistics(*parsed);
}

ClientStatistics GroupConsumer::client_statistics() const {
  ClientStatistics all = client_statistics_;
  all.add(fetch_->client_statistics());
  return all;
}

// ---- Membership

Status GroupConsumer::commit(const std::vector<PartitionOffset>& offsets, Duration timeout) {
  if (offsets.empty()) return {};
  const RdPtr<rd_kafka_queue_t> answers(rd_kafka_queue_new(client_.get()));
  auto list = to_native(offsets);
  const auto sent = rd_kafka_commit_queue(client_.get(), list.get(), answers.get(), nullptr, nullptr);
  if (sent != RD_KAFKA_RESP_ERR_NO_ERROR) return std::unexpected(refusal(sent, "commit"));
  const RdPtr<rd_kafka_event_t> event(rd_kafka_queue_poll(answers.get(), timeout_ms(timeout)));
  if (!event) return external_error("commit: no answer in time");
  if (const auto code = rd_kafka_event_error(event.get())) return std::unexpected(refusal(code, "commit"));
  const auto* committed = rd_kafka_event_topic_partition_list(event.get());
  for (int i = 0; committed && i < committed->cnt; ++i) {
    const auto& entry = committed->elems[i];
    if (entry.err) {
      return std::unexpected(kafka_error(entry.err, fmt::format("commit of {} [{}]", entry.topic, entry.partition)));
    }
  }
  return {};
}

bool GroupConsumer::is_member() const {
  if (rd_kafka_fatal_error(client_.get(), nullptr, 0) != RD_KAFKA_RESP_ERR_NO_ERROR) return false;
  if (rd_kafka_assignment_lost(client_.get())) return false;
  char* id = rd_kafka_memberid(client_.get());
  const bool member = id != nullptr && *id != '\0';
  if (id) rd_kafka_mem_free(client_.get(), id);
  return member;
}

Result<std::unique_ptr<GroupMetadata>> GroupConsumer::group_metadata() {
  if (!is_member()) return external_error("not a member of the group at present", false);
  auto* metadata = rd_kafka_consumer_group_metadata(client_.get());
  if (metadata == nullptr) return external_error("not a member of the group at present", false);
  return std::make_unique<NativeGroupMetadata>(metadata);
}

bool GroupConsumer::membership_valid(const std::vector<TopicPartition>& owned) {
  if (!is_member()) return false;
  const auto now = committed(owned, kProbeTimeout);
  if (!now) return false;
  const auto has_commit = [](const PartitionOffset& one) { return one.offset >= 0; };
  const auto found = std::ranges::find_if(*now, has_commit);
  return found != now->end() && commit({*found}, kProbeTimeout).has_value();
}

void GroupConsumer::close() {
  if (closed_ || !client_) return;
  closed_ = true;
  rd_kafka_consumer_close(client_.get());
  (void)fetch_->give_up().has_value();
  lookup_.reset();
}

}  // namespace

void append_headers(const KafkaMessage& message, Arena& arena, RawRecord& record) {
  if (message.read_headers) return message.read_headers(message.native, arena, record);
  rd_kafka_headers_t* headers = nullptr;
  const auto* native = static_cast<const rd_kafka_message_t*>(message.native);
  if (native == nullptr || rd_kafka_message_headers(native, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return;
  const char* name = nullptr;
  const void* value = nullptr;
  size_t size = 0;
  for (size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR; ++i) {
    std::optional<std::string_view> copy;
    if (value != nullptr) copy = arena.copy({static_cast<const char*>(value), size});
    record.headers.emplace_back(arena.copy(name), copy);
  }
}

Result<std::unique_ptr<KafkaConsumer>> make_kafka_consumer(const ConsumerOptions& options, GroupEvents& events,
                                                           std::function<void(int, std::string_view)> log_line) {
  if (options.queues > KafkaFetch::kMaxQueues) return internal_error("more fetch queues than there is room for");
  auto consumer = std::make_unique<GroupConsumer>(options, events, std::move(log_line));
  if (auto opened = consumer->open(); !opened) return std::unexpected(opened.error());
  return consumer;
}

}  // namespace tidemark
