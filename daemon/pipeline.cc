// One thread connects, serves the group and turns the attempt. Callbacks note what came, and a revoked attempt is
// drained inside of one; what errors lead to stands in handle() and after(), how it comes to rest in pipeline_rest.cc.
#include "daemon/pipeline.h"

#include <algorithm>
#include <chrono>

#include "base/thread_name.h"

namespace tidemark {
namespace {

constexpr Duration kAsk = Duration::seconds(10);
constexpr Duration kServeWaiting = Duration::millis(20);
constexpr Duration kTellWaiting = Duration::minutes(1);
constexpr Duration kFirstWait = Duration::millis(200);
constexpr Duration kLongestWait = Duration::seconds(10);
constexpr uint32_t kMostWorkers = 256;  // each has a fetch queue of its own
constexpr Duration kRevokeAtMost = Duration::seconds(30);

// The error of a source or sink, which a person knows by its name in the file.
Error of(const std::string& who, Error error) {
  error.message = who + ": " + error.message;
  return error;
}

}  // namespace

Pipeline::Pipeline(Plan plan, PipelineOptions options, PipelineDeps deps)
    : plan_(std::move(plan)),
      options_(std::move(options)),
      deps_(std::move(deps)),
      logger_(deps_.logger.with("pipeline", plan_.name)),
      warnings_(logger_, Duration::seconds(10)),
      library_lines_(std::make_shared<RateLimited>(logger_, Duration::seconds(30))),
      metrics_(deps_.metrics, plan_.name),
      consumer_feed_(metrics_, "consumer"),
      storage_(deps_.files, dir("checkpoints"), [this] { deps_.crash_points.reached("rename_before"); }),
      reset_state_(options_.reset_state),
      accept_loss_(options_.accept_loss),
      transaction_timeout_(plan_.transaction_timeout),
      worker_progress_us_(worker_count()) {
  metrics_.set_state(PipelineState::kStarting);
  const auto is_kafka = [](const PlannedSink& sink) { return sink.kind == SinkKind::kKafka; };
  if (std::ranges::any_of(plan_.sinks, is_kafka)) producer_feed_.emplace(metrics_, "producer");
  show_counters();
}

// A counter that only appears with its first event has no increase to alert on.
void Pipeline::show_counters() {
  metrics_.checkpoint_interval_seconds.set(plan_.checkpoint_every.to_seconds());
  metrics_.state_memory_limit_bytes.set(static_cast<double>(options_.memory.state_bytes));
  publish_ledger({});
  for (const PlannedSource& source : plan_.sources) {
    for (const Reason reason : {Reason::kOversize, Reason::kDecode, Reason::kEventTime, Reason::kFuture, Reason::kMissingField, Reason::kType}) {
      metrics_.dead_lettered(source.name, to_string(reason));
    }
  }
  for (const PlannedSink& sink : plan_.sinks) (void)metrics_.sink(sink.name);
  for (const PlannedStep& step : plan_.steps) {
    (void)metrics_.step(step.name);
    if (!step.behind_window) metrics_.dead_lettered(step.name, to_string(Reason::kExpression));
    if (!step.window() || step.behind_window) continue;  // results are never late
    for (const Reason reason : {Reason::kLate, Reason::kIdle}) metrics_.late(step.name, to_string(reason));
  }
}

Pipeline::~Pipeline() {
  request_stop();
  join();
}

void Pipeline::start() {
  thread_ = std::thread([this] { run(); });
}

void Pipeline::request_stop() { stop_.request(); }

void Pipeline::join() {
  if (thread_.joinable()) thread_.join();
}

std::string Pipeline::dir(const char* part) const { return options_.state_dir + "/" + plan_.name + "/" + part; }

// The newest start of an identity wins. Where lanes are fed by keys, only one instance may run at all.
std::string Pipeline::identity() const {
  return plan_.lane_choice == Lanes::kByKey ? plan_.name : plan_.name + "-" + options_.instance;
}

// No name of a pipeline has a slash in it, so that no two of them make the same id.
std::string Pipeline::transactional_id() const {
  return "tidemark-" + plan_.name + (plan_.lane_choice == Lanes::kByKey ? "" : "/" + options_.instance);
}

void Pipeline::run() {
  name_this_thread("pipeline");
  if (connect()) {
    while (!told_to_end() && !over_ && consumer_) serve();
    if (attempt_) drain(false);
  }
  silence_.asked(deps_.clock.elapsed());
  if (consumer_) consumer_->close();
  consumer_.reset();
  transactional_.reset();
  plain_.clear();
  silence_.answered();
  if (!over_ && wish_ == Wish::kDrained) stay_drained();
  if (!over_) stop_for_good(PipelineState::kEnded, 0, "");
  finished_ = true;
}

// ---- Connecting

Status Pipeline::make_dirs() {
  if (Status made = make_dirs_durably(deps_.files, dir("checkpoints")); !made) return made;
  auto work = WorkDir::make(deps_.files, dir("work"));
  if (!work) return std::unexpected(work.error());
  work_ = std::move(*work);
  return {};
}

bool Pipeline::connect() {
  if (Status made = work_ ? Status{} : make_dirs(); !made) {
    stop_for_good(PipelineState::kFailed, 2, "the state directory cannot be used: " + made.error().message);
    return false;
  }
  while (!told_to_end() && !over_) {
    silence_.asked(deps_.clock.elapsed());
    Status connected = make_producers();
    if (connected) connected = make_consumer();
    if (connected && over_) return false;
    if (connected) connected = check_cluster();
    if (connected) connected = open_targets();
    if (connected) connected = init_transactions();
    if (connected) connected = consumer_->subscribe();
    if (connected) {
      silence_.answered();
      if (topics_awaited_) set_state(PipelineState::kWaiting);
      logger_.info("connected", {{"brokers", plan_.consumer.brokers}});
      return true;
    }
    if (consumer_) consumer_->close();
    consumer_.reset();
    show_clients();
    handle(connected.error(), "not_connected");
    wait_for_retry();
  }
  return false;
}

// librdkafka repeats itself while a broker is away, and so does each client that follows: one line a while says as much.
KafkaClients::LogLine Pipeline::library_lines(const char* client) {
  return [limited = library_lines_, client](int level, std::string_view text) {
    limited->log(level <= 4 ? LogLevel::kWarn : LogLevel::kDebug, "librdkafka", {{"client", client}, {"text", text}});
  };
}

void Pipeline::wait_for_retry() {
  while (!told_to_end() && !over_ && deps_.clock.elapsed() < retry_at_) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

uint32_t Pipeline::worker_count() const {
  const uint32_t useful = plan_.lane_choice == Lanes::kByKey ? plan_.lanes : kMostWorkers;
  return std::min({options_.workers, useful, kMostWorkers});
}

Status Pipeline::make_producers() {
  transactional_.reset();
  plain_.clear();
  targets_.assign(plan_.sinks.size(), {});
  ProducerOptions options;
  options.queue_bytes = options_.memory.producer_queue_bytes;
  options.transaction_timeout = transaction_timeout_.present();
  for (size_t i = 0; i < plan_.sinks.size(); ++i) {
    const PlannedSink& sink = plan_.sinks[i];
    if (sink.kind != SinkKind::kKafka) continue;
    options.brokers = sink.brokers;
    options.properties = sink.properties;
    const bool exactly_once = sink.delivery == Delivery::kExactlyOnce;
    if (exactly_once && transactional_) {
      targets_[i] = {transactional_.get(), {}, true};
      continue;
    }
    options.transactional_id = exactly_once ? std::optional(transactional_id()) : std::nullopt;
    auto made = deps_.kafka.producer(options, library_lines("producer"));
    if (!made) return std::unexpected(made.error());
    targets_[i] = {made->get(), {}, exactly_once};
    exactly_once ? void(transactional_ = std::move(*made)) : void(plain_.push_back(std::move(*made)));
  }
  return {};
}

// Before the group is joined: it fences a predecessor and aborts what that left open, without which committed offsets
// could not be read until the dead transaction times out. After the topics are known: they limit the client's batches.
Status Pipeline::init_transactions() {
  if (!transactional_) return {};
  const TransactionStatus done = transactional_->init_transactions(kAsk);
  if (done) return {};
  const bool fatal = done.error().kind == TransactionFailure::kFatal;
  if ((done.error().user || fatal) && !(fatal && transaction_timeout_.refused())) {
    return user_error("transactions cannot be used: " + done.error().message);
  }
  return external_error("transactions cannot be initialised: " + done.error().message);
}

Status Pipeline::make_consumer() {
  ConsumerOptions options;
  options.brokers = plan_.consumer.brokers;
  options.group = plan_.consumer.group;
  options.group_instance_id = identity();
  options.topics = plan_.consumer.topics;
  options.topic_pattern = plan_.consumer.topic_pattern;
  options.properties = plan_.consumer.properties;
  options.native_fetch = plan_.consumer.native_fetch;
  options.queue_bytes = options_.memory.consumer_queue_bytes;
  options.queues = worker_count();
  auto made = deps_.kafka.consumer(options, *this, library_lines("consumer"));
  if (!made) return std::unexpected(made.error());
  consumer_ = std::move(*made);
  auto partitions = consumer_->list_partitions(kAsk);
  if (!partitions) return std::unexpected(of(plan_.source_names(), partitions.error()));
  topics_awaited_ = partitions->empty();
  return topics_awaited_ && options_.mode != RunMode::kForever ? end_without_topics() : Status{};
}

// Only a pattern can match nothing; a bounded run has then read all there is.
Status Pipeline::end_without_topics() {
  const auto units = storage_.units();
  if (!units) return std::unexpected(units.error());
  if (!units->empty()) {
    return user_error("no topic matches `" + plan_.consumer.topic_pattern +
                      "`, but checkpoints exist: the topics that were read are gone. Ways out: correct `topic_pattern`; or "
                      "give the pipeline another name");
  }
  logger_.warn("nothing_to_read", {{"topic_pattern", plan_.consumer.topic_pattern}, {"brokers", plan_.consumer.brokers}});
  stop_for_good(PipelineState::kEnded, 0, "");
  return {};
}

// Rows and offsets share one transaction only inside one cluster.
Status Pipeline::check_cluster() {
  if (!transactional_) return {};
  const auto source = consumer_->cluster_id(kAsk);
  if (!source) return std::unexpected(source.error());
  for (size_t i = 0; i < plan_.sinks.size(); ++i) {
    if (!targets_[i].transactional) continue;
    const auto sink = sink_cluster(i);
    if (!sink) return std::unexpected(sink.error());
    if (*sink == *source) continue;
    return user_error("sink " + plan_.sinks[i].name + " is on another cluster (" + *sink + ") than the source (" + *source +
                      "), so its rows cannot be exactly once; write `delivery: at_least_once`");
  }
  return {};
}

// All exactly_once sinks share the producer of the first one: whether another's brokers are of that cluster, they say.
Result<std::string> Pipeline::sink_cluster(size_t sink) {
  const auto first = std::ranges::find(targets_, true, &SinkTarget::transactional) - targets_.begin();
  const PlannedSink& asked = plan_.sinks[sink];
  if (asked.brokers == plan_.sinks[static_cast<size_t>(first)].brokers) return targets_[sink].producer->cluster_id(kAsk);
  ProducerOptions options;
  options.brokers = asked.brokers;
  options.properties = asked.properties;
  auto made = deps_.kafka.producer(options, library_lines("producer"));
  if (!made) return std::unexpected(made.error());
  return (*made)->cluster_id(kAsk);
}

// What a person has to put right is told of all sinks at once.
Status Pipeline::open_targets() {
  std::string wrong;
  for (size_t i = 0; i < targets_.size(); ++i) {
    if (!targets_[i].producer) continue;
    auto opened = targets_[i].producer->open_topic(plan_.sinks[i].topic, kAsk);
    if (opened) {
      targets_[i].topic = *opened;
      continue;
    }
    const Error error = of("sink " + plan_.sinks[i].name, opened.error());
    if (error.fault != Fault::kUser) return std::unexpected(error);
    wrong += (wrong.empty() ? "" : ". ") + error.message;
  }
  return wrong.empty() ? Status{} : user_error(wrong);
}

// ---- The life of the group member

void Pipeline::serve() {
  show_clients();
  if (topics_awaited_ && deps_.clock.elapsed() >= tell_again_) {
    tell_again_ = deps_.clock.elapsed() + kTellWaiting;
    logger_.warn("no_topic_matches", {{"topic_pattern", plan_.consumer.topic_pattern}});
  }
  consumer_->serve(attempt_ ? attempt_->patience() : kServeWaiting);
  if (over_) return;
  if (refused_) return stop_for_good(PipelineState::kFailed, 2, refused_->message);
  if (fenced_) {
    end_attempt();
    return stop_for_good(PipelineState::kFenced, 1, "fenced: " + fenced_->message);
  }
  if (fatal_) {
    const Error error = *std::exchange(fatal_, std::nullopt);
    end_attempt();
    return reconnect(error);
  }
  if (wish_ == Wish::kPaused) return stay_paused();
  if (paused_) go_on();
  if (start_wanted_ && deps_.clock.elapsed() >= retry_at_) start_attempt();
  if (!attempt_) return;
  const uint64_t before = attempt_->committed_epoch();
  const AttemptEnd end = attempt_->turn();
  if (attempt_->committed_epoch() != before) {
    publish(attempt_->status());
    wait_ = Duration{0};
  }
  if (end != AttemptEnd::kNone) after(end);
}

// The consumer cannot go on, but the identity is still ours: a new one begins from what is committed.
void Pipeline::reconnect(const Error& error) {
  if (error.fault == Fault::kUser) return stop_for_good(PipelineState::kFailed, 1, error.message);
  (void)check_identity();
  if (over_) return;  // another instance has taken our place
  warnings_.warn("reconnecting", {{"error", error.message}});
  owned_.clear();
  start_wanted_ = false;
  set_state(PipelineState::kWaiting);
  consumer_->close();
  consumer_.reset();
  back_off();
  wait_for_retry();
  (void)connect();
}

void Pipeline::on_assigned(const std::vector<TopicPartition>& partitions) {
  logger_.info("assigned", {{"partitions", partitions.size()}});
  joined_ = true;
  topics_awaited_ &= partitions.empty();
  owned_ = partitions;
  start_wanted_ = !partitions.empty();
  if (partitions.empty()) {
    (void)consumer_->assign({}, worker_count());
    set_state(PipelineState::kWaiting);  // more instances than partitions: nothing to do, ready to take over
  }
}

void Pipeline::on_revoked(const std::vector<TopicPartition>& partitions, bool lost) {
  logger_.info("revoked", {{"partitions", partitions.size()}, {"lost", lost}});
  start_wanted_ = false;
  if (attempt_) {
    if (!lost && !attempt_->drain(kRevokeAtMost)) warnings_.warn("not_committed_before_revocation");
    producers_stale_ = true;
    end_attempt();
  }
  owned_.clear();
  forget_partitions(partitions);
  (void)consumer_->assign({}, worker_count());
  if (!over_ && !told_to_end()) set_state(PipelineState::kWaiting);
}

void Pipeline::on_fenced(const Error& error) { fenced_ = error; }

void Pipeline::on_error(const Error& error, bool fatal) {
  if (fatal) {
    fatal_ = error;
    return;
  }
  if (error.fault == Fault::kUser && !joined_) refused_ = error;
  warnings_.warn(error.fault == Fault::kUser ? "kafka_refused" : "kafka_unavailable", {{"error", error.message}});
}

void Pipeline::start_attempt() {
  set_state(PipelineState::kRestoring);
  silence_.asked(deps_.clock.elapsed());
  auto made = make_attempt();
  if (over_) return;
  if (made) silence_.answered();
  if (!made) {
    producers_stale_ = true;
    return handle(made.error(), "not_restored");
  }
  if (!*made) return;  // nothing to do, or not yet
  attempt_ = std::move(*made);
  const Status started = attempt_->start();
  if (started || attempt_->committed_epoch() > 0) reset_state_ = accept_loss_ = false;  // the new positions are committed
  if (!started) {
    producers_stale_ = true;
    end_attempt();
    return handle(started.error(), "not_started");
  }
  start_wanted_ = false;
  set_state(PipelineState::kRunning);
  logger_.info("running", {{"partitions", owned_.size()}});
}

// Whoever makes a producer of an identity fences the others: that is for the one whom the group accepts. A member that
// another has replaced ends; one that the group does not know at present waits until it is let in again.
Status Pipeline::check_identity() {
  const auto committed = consumer_->committed(owned_, kAsk);
  if (!committed) return std::unexpected(committed.error());
  const bool provable = std::ranges::any_of(*committed, [](const PartitionOffset& c) { return c.offset >= 0; });
  if (provable && consumer_->membership_valid(owned_)) return {};
  const auto replaced = consumer_->replaced();
  if (!replaced) return external_error("the group does not tell its members");
  if (*replaced) {
    const std::string why = "fenced: another instance with this identity has joined the group";
    stop_for_good(PipelineState::kFenced, 1, why);
    return external_error(why, false);
  }
  return provable ? Status(external_error("the group does not accept this member at present")) : Status{};
}

Result<std::unique_ptr<Attempt>> Pipeline::make_attempt() {
  if (producers_stale_) {
    if (Status ours = check_identity(); !ours) return std::unexpected(ours.error());
  }
  if (std::exchange(producers_stale_, false)) {
    if (Status made = make_producers(); !made) return std::unexpected(made.error());
    if (Status opened = open_targets(); !opened) return std::unexpected(opened.error());
    if (Status ready = init_transactions(); !ready) return std::unexpected(ready.error());
  }
  const auto existing = consumer_->list_partitions(kAsk);
  if (!existing) return std::unexpected(existing.error());
  if (plan_.lane_choice == Lanes::kByKey && owned_.size() < existing->size()) {
    // A topic has grown, and the group hands the new partitions out once it has seen them.
    if (consumer_->alone().value_or(true)) return external_error("the group has not yet handed out all partitions");
    return user_error("this instance was given " + std::to_string(owned_.size()) + " of " + std::to_string(existing->size()) +
                      " partitions, and rows find their lane in memory here; run one instance, or promise `partitioned_by`");
  }
  ResumeDeps deps{plan_, *consumer_, storage_, deps_.files, deps_.store_memory, work_->path() + "/live", logger_};
  const ResumeOptions how{options_.mode, reset_state_, accept_loss_, options_.mode == RunMode::kForever ? nullptr : &ends_};
  auto resumed = resume(deps, how, owned_, *existing);
  if (!resumed) {
    metrics_.checkpoints_failed.add();
    return std::unexpected(resumed.error());
  }
  if (resumed->nothing_to_do) {
    logger_.info("already_ended");
    stop_for_good(PipelineState::kEnded, 0, "");
    return nullptr;
  }
  AttemptOptions options;
  options.mode = options_.mode;
  options.workers = worker_count();
  options.batch_rows = options_.batch_rows;
  options.state_bytes = options_.memory.state_bytes;
  options.sink_wait_bytes = options_.memory.sink_wait_bytes;
  options.channel_bytes = options_.memory.channel_bytes;
  options.transaction_timeout = transaction_timeout_.present();
  options.windows_in_parts = transaction_timeout_.outlasted();
  options.scratch_dir = work_->path() + "/scratch";
  options.instance = options_.instance;
  options.reveal_keys = options_.reveal_keys;
  std::vector<KafkaProducer*> plain;
  for (const auto& producer : plain_) plain.push_back(producer.get());
  return std::make_unique<Attempt>(AttemptDeps{plan_, deps_.clock, logger_, *consumer_, transactional_.get(), std::move(plain),
                                               targets_, deps_.lines, storage_, deps_.files, metrics_, deps_.crash_points, worker_progress_us_,
                                               writer_step_began_us_, stop_, requests_, silence_, [this] { show_clients(); }, deps_.traces},
                                   std::move(options), std::move(*resumed));
}

void Pipeline::end_attempt() {
  if (!attempt_) return;
  attempt_->stop();
  const AttemptStatus status = attempt_->status();
  publish(status);
  total_.add(status.ledger);
  attempt_.reset();
}

void Pipeline::log_ended(const AttemptStatus& status) {
  Ledger all = total_;
  all.add(status.ledger);
  logger_.info("ended", {{"read", all.records_read()}, {"emitted", all.rows_written()}, {"epoch", status.epoch}});
}

void Pipeline::after(AttemptEnd end) {
  const Error error = attempt_->error();
  if (end == AttemptEnd::kRewind) transaction_timeout_.after_attempt(attempt_->timed_out());
  if (end == AttemptEnd::kEnded) log_ended(attempt_->status());
  end_attempt();
  switch (end) {
    case AttemptEnd::kNone: return;
    case AttemptEnd::kEnded: return stop_for_good(PipelineState::kEnded, 0, "");
    case AttemptEnd::kFailed: return stop_for_good(PipelineState::kFailed, 1, error.message);
    case AttemptEnd::kRewind:
      // Rights that only use can show, or that were taken meanwhile: no outage, but it may be mended while we wait.
      warnings_.warn(error.fault == Fault::kUser ? "kafka_refused" : "rewinding", {{"error", error.message}});
      note(error);
      (void)consumer_->assign({}, worker_count());
      producers_stale_ = true;
      start_wanted_ = !owned_.empty();
      back_off();
      return set_state(PipelineState::kWaiting);
  }
}

// The one place where it is decided what an error outside an attempt leads to.
void Pipeline::handle(const Error& error, const char* event) {
  if (error.fault == Fault::kUser) return stop_for_good(PipelineState::kFailed, 2, error.message);
  warnings_.warn(event, {{"error", error.message}});
  note(error);
  back_off();
  set_state(PipelineState::kWaiting);
}

// The API goes on to show it.
void Pipeline::note(const Error& error) {
  const std::lock_guard lock(status_mutex_);
  last_error_ = format_rfc3339(deps_.clock.now()) + " " + error.message;
}

void Pipeline::back_off() {
  wait_ = wait_ == Duration{0} ? kFirstWait : std::min(Duration{wait_.us * 2}, kLongestWait);
  retry_at_ = deps_.clock.elapsed() + wait_;
}

void Pipeline::stop_for_good(PipelineState state, int code, const std::string& error) {
  {
    const std::lock_guard lock(status_mutex_);
    error_ = error;
  }
  if (code != 0) logger_.error(state == PipelineState::kFenced ? "fenced" : "pipeline_failed", {{"error", error}});
  exit_code_ = code;
  set_state(state);
  over_ = true;
}

void Pipeline::show_clients() {
  if (deps_.clock.elapsed() < next_look_) return;
  next_look_ = deps_.clock.elapsed() + Duration::seconds(1);
  consumer_feed_.show(consumer_ ? consumer_->client_statistics() : ClientStatistics{});
  if (!producer_feed_) return;
  ClientStatistics all;
  if (transactional_) all.add(transactional_->client_statistics());
  for (const auto& producer : plain_) all.add(producer->client_statistics());
  producer_feed_->show(all);
}

void Pipeline::set_state(PipelineState state) {
  if (state_.exchange(state) == state) return;
  metrics_.set_state(state);
}

}  // namespace tidemark
