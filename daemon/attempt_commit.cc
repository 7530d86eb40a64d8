// How an attempt commits an epoch: rows acknowledged, offsets sent, the transaction or the group's commit ended.
#include <algorithm>

#include "daemon/attempt.h"

namespace tidemark {
namespace {

constexpr Duration kRetryEvery = Duration::millis(200);
constexpr Duration kAsk = Duration::seconds(10);

}  // namespace

std::vector<PartitionOffset> Attempt::offsets_to_commit() const {
  std::vector<PartitionOffset> offsets;
  for (const auto& unit : resumed_.units) {
    const auto written = running_epoch_->written.find(unit->name);
    const bool fresh = written != running_epoch_->written.end();
    const Manifest& manifest = fresh ? written->second.manifest : unit->committed->manifest;
    const OffsetMetadata metadata{manifest.name, fresh ? written->second.checksum : unit->committed->manifest_checksum, manifest.ended};
    for (const CoveredPartition& p : manifest.partitions) {
      offsets.push_back({p.id, p.next_offset, encode_offset_metadata(metadata)});
    }
  }
  return offsets;
}

// A quiet epoch, in which nothing was read, fired or written, leaves the last commit as it is.
bool Attempt::worth_committing() const {
  if (running_epoch_->ended || !running_epoch_->written.empty() || !committed_ledger_) return true;
  Ledger ledger;
  for (const WorkerReport& report : running_epoch_->reports) ledger.add(report, shared_.partitions);
  return !std::ranges::equal(ledger.sinks, committed_ledger_->sinks, {}, &SinkCounters::rows, &SinkCounters::rows);
}

void Attempt::commit_epoch() {
  if (!worth_committing()) {
    sinks_.open_epoch = running_epoch_->number + 1;
    end_trace("unchanged", std::nullopt);
    epoch_committed();
    next_checkpoint_ = deps_.clock.elapsed() + deps_.plan.checkpoint_every;
    return;
  }
  if (commit_offsets(offsets_to_commit()) != AttemptEnd::kNone) return;
  const bool ended = running_epoch_->ended;
  const TransactionStatus begun = ended ? TransactionStatus{} : begin_transaction();
  // Behind the last commit there is no transaction: what windows say after it waits with the state, and is said next time.
  if (begun && !ended) sinks_.open_epoch = running_epoch_->number + 1;
  epoch_committed();
  next_checkpoint_ = deps_.clock.elapsed() + deps_.plan.checkpoint_every;
  if (!begun) {
    transaction_failed(begun.error());
  } else if (ended) {
    end_ = AttemptEnd::kEnded;
  }
}

TransactionStatus Attempt::begin_transaction() {
  if (!deps_.transactional) return {};
  transaction_since_ = deps_.clock.elapsed();
  if (!deps_.transactional->spent()) return deps_.transactional->begin();
  return std::unexpected(TransactionError{TransactionFailure::kFatal, "the last commit was slow or its connection broke: the "
                                                                      "next transaction needs a new producer"});
}

AttemptEnd Attempt::commit_offsets(const std::vector<PartitionOffset>& offsets) {
  deps_.crash_points.reached("send_offsets_before");
  const Duration began = deps_.clock.elapsed();
  running_epoch_->trace.begin("transaction");
  running_epoch_->trace.set("tidemark.partitions", static_cast<int64_t>(offsets.size()), "transaction");
  deps_.silence.asked(began);
  AttemptEnd result = AttemptEnd::kNone;
  if (Status flushed = flush_plain(); !flushed) {
    result = finish(AttemptEnd::kRewind, flushed.error());
  } else {
    result = deps_.transactional ? commit_transaction(offsets) : commit_group(offsets);
  }
  if (result != AttemptEnd::kNone) return result;
  running_epoch_->trace.end("transaction");
  deps_.silence.answered();
  deps_.metrics.transaction_duration_seconds.observe((deps_.clock.elapsed() - began).to_seconds());
  return result;
}

Status Attempt::flush_plain() {
  const Duration deadline = deps_.clock.elapsed() + options_.transaction_timeout;
  if (deps_.plain.empty()) return {};
  enter_call("flush");
  for (KafkaProducer* producer : deps_.plain) {
    while (true) {
      const Result<bool> flushed = producer->flush(kCallSlice);
      if (!flushed) return std::unexpected(flushed.error());
      if (*flushed) break;
      if (gives_up() || deps_.clock.elapsed() > deadline) return external_error("rows are not acknowledged");
      watch_epoch();
      deps_.tell_clients();
    }
  }
  running_epoch_->trace.end("flush");
  return {};
}

void Attempt::enter_call(const char* name) {
  running_epoch_->call = name;
  running_epoch_->trace.begin(name, "transaction");
}

bool Attempt::gives_up() const {
  return deps_.stop.given_up() || (drain_deadline_ && deps_.clock.elapsed() >= *drain_deadline_);
}

template <class Call>
TransactionStatus Attempt::repeat(const char* name, Call call) {
  enter_call(name);
  while (true) {
    TransactionStatus done = call();
    if (done) running_epoch_->trace.end(name);
    if (done || done.error().kind != TransactionFailure::kRetry || gives_up()) return done;
    warnings_.warn("transaction_waits", {{"call", name}, {"error", done.error().message}});
    watch_epoch();
    deps_.transactional->poll(Duration{0});  // its statistics come this way too
    deps_.tell_clients();
    sleep_for(kRetryEvery);
  }
}

AttemptEnd Attempt::commit_transaction(const std::vector<PartitionOffset>& offsets) {
  auto group = deps_.consumer.group_metadata();
  if (!group) return finish(AttemptEnd::kRewind, group.error());
  const auto sent = repeat("send_offsets", [&] { return deps_.transactional->send_offsets(offsets, **group); });
  if (!sent) return transaction_failed(sent.error());
  deps_.crash_points.reached("send_offsets_after");
  deps_.crash_points.reached("commit_before");
  const auto committed = repeat("commit", [&] { return deps_.transactional->commit(kCallSlice); });
  if (!committed) {
    commit_open_ = committed.error().kind == TransactionFailure::kRetry;
    return transaction_failed(committed.error());
  }
  deps_.crash_points.reached("commit_after");
  return AttemptEnd::kNone;
}

AttemptEnd Attempt::commit_group(const std::vector<PartitionOffset>& offsets) {
  deps_.crash_points.reached("commit_before");
  enter_call("commit");
  if (Status committed = deps_.consumer.commit(offsets, kAsk); !committed) return finish(AttemptEnd::kRewind, committed.error());
  running_epoch_->trace.end("commit");
  deps_.crash_points.reached("commit_after");
  return AttemptEnd::kNone;
}

// A transaction that the broker timed out looks just like being fenced; before the next attempt the group is asked.
AttemptEnd Attempt::transaction_failed(const TransactionError& error) {
  if (!error.user) return finish(AttemptEnd::kRewind, Error{Fault::kExternal, true, error.message});
  // The broker does not say which topic it refuses.
  std::string topics;
  for (const PlannedSink& sink : deps_.plan.sinks) {
    if (sink.kind == SinkKind::kKafka && sink.delivery == Delivery::kExactlyOnce) topics += (topics.empty() ? "" : ", ") + sink.topic;
  }
  return finish(AttemptEnd::kRewind, Error{Fault::kUser, true, error.message + "; the transaction writes to " + topics});
}

}  // namespace tidemark
