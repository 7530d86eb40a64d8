// Pipeline: one plan from connecting to its last commit: the Kafka clients, the membership in the group, and one attempt
// after another, each from the committed checkpoint. It decides what an error leads to: wait and retry, rewind, or stop.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/attempt.h"
#include "daemon/client_feed.h"
#include "daemon/kafka_clients.h"
#include "daemon/pipeline_actions.h"
#include "daemon/pipeline_metrics.h"
#include "daemon/stop_signal.h"
#include "daemon/transaction_timeout.h"
#include "daemon/work_dir.h"
#include "operators/plan/plan.h"

namespace tidemark {

// This pipeline's share of the process's memory.
struct MemoryShares {
  size_t state_bytes = 128 << 20;
  size_t sink_wait_bytes = 32 << 20;
  size_t channel_bytes = 32 << 20;  // between workers, over all channels
  int64_t consumer_queue_bytes = 16 << 20;
  int64_t producer_queue_bytes = 32 << 20;
};

struct PipelineOptions {
  RunMode mode = RunMode::kForever;
  std::string state_dir;         // of all pipelines; this one takes the folder of its name
  std::string instance = "0";
  uint32_t workers = 1;
  uint32_t batch_rows = Batch::kMaxRows;
  MemoryShares memory;
  bool reset_state = false;
  bool accept_loss = false;
  bool reveal_keys = false;  // the API shows hot keys in plain text, too
};

// Everything outside the pipeline; all outlive it.
struct PipelineDeps {
  const Clock& clock;
  Logger logger;
  MetricRegistry& metrics;
  KafkaClients& kafka;
  LineOutput& lines;
  Files& files;
  std::shared_ptr<const StoreMemory> store_memory;
  const CrashPoints& crash_points;
  TraceSink* traces = nullptr;  // of checkpoints; null: nobody takes any
};

// start(), request_stop(), ask() and the questions: any thread. The rest happens on the pipeline's own thread.
class Pipeline final : private GroupEvents {
 public:
  Pipeline(Plan plan, PipelineOptions options, PipelineDeps deps);
  ~Pipeline() override;

  void start();
  // Drains (checkpoint, commit) and ends.
  void request_stop();
  // A drain that takes too long is broken off: what was not committed is read again next time.
  void give_up() { stop_.give_up(); }
  // What an operator asks of it: judged at once, and done by the pipeline's own thread. By one thread at a time.
  Ruling ask(PipelineAction action);
  // What it does out of turn, whatever its clock says; answered while it runs.
  AttemptRequests& requests() { return requests_; }
  // How long Kafka has owed its thread an answer; zero: nothing is owed.
  Duration silent_for() const { return silence_.lasts(deps_.clock.elapsed()); }
  void join();

  const std::string& name() const { return plan_.name; }
  const Plan& plan() const { return plan_; }
  PipelineState state() const { return state_; }
  bool over() const { return over_; }
  // Its thread has nothing more to do: join() does not wait.
  bool finished() const { return finished_; }
  // 0 done, 1 failed or fenced, 2 refused; of a pipeline that is over.
  int exit_code() const { return exit_code_; }
  std::string error() const;
  // Assigned, restored and running.
  bool ready() const { return state_ == PipelineState::kRunning || state_ == PipelineState::kEnded; }
  // No worker has hung for `limit`, and the state writer, whose steps are as long as there is much to write, for five
  // times that. Waiting for Kafka is no hanging.
  bool live(Duration limit) const;
  std::string status_json() const;

 private:
  void show_counters();
  void show_clients();
  void run();
  Status make_dirs();
  bool connect();
  KafkaClients::LogLine library_lines(const char* client);
  Status make_producers();
  Status init_transactions();
  Status make_consumer();
  Status end_without_topics();
  Status check_cluster();
  Result<std::string> sink_cluster(size_t sink);
  Status open_targets();
  void serve();
  void reconnect(const Error& error);
  void wait_for_retry();
  uint32_t worker_count() const;
  bool told_to_end() const;
  void drain(bool to_pause);
  void stay_paused();
  void go_on();
  void stay_drained();
  void forget_partitions(const std::vector<TopicPartition>& partitions);
  void start_attempt();
  Status check_identity();
  Result<std::unique_ptr<Attempt>> make_attempt();
  void end_attempt();
  void log_ended(const AttemptStatus& status);
  void after(AttemptEnd end);
  void handle(const Error& error, const char* event);
  void note(const Error& error);
  void back_off();
  void stop_for_good(PipelineState state, int code, const std::string& error);
  void set_state(PipelineState state);
  void publish(const AttemptStatus& status);
  void publish_ledger(const Ledger& all);
  std::string identity() const;
  std::string transactional_id() const;
  std::string dir(const char* part) const;

  void on_assigned(const std::vector<TopicPartition>& partitions) override;
  void on_revoked(const std::vector<TopicPartition>& partitions, bool lost) override;
  void on_error(const Error& error, bool fatal) override;
  void on_fenced(const Error& error) override;

  const Plan plan_;
  const PipelineOptions options_;
  PipelineDeps deps_;
  Logger logger_;
  RateLimited warnings_;
  std::shared_ptr<RateLimited> library_lines_;  // outlives the clients' threads
  PipelineMetrics metrics_;
  ClientFeed consumer_feed_;
  std::optional<ClientFeed> producer_feed_;  // where there are Kafka sinks
  LocalCheckpointStorage storage_;
  std::unique_ptr<WorkDir> work_;

  std::unique_ptr<KafkaProducer> transactional_;
  std::vector<std::unique_ptr<KafkaProducer>> plain_;
  std::vector<SinkTarget> targets_;
  std::unique_ptr<KafkaConsumer> consumer_;
  std::unique_ptr<Attempt> attempt_;

  std::vector<TopicPartition> owned_;
  bool start_wanted_ = false;    // an assignment waits for its attempt
  bool paused_ = false;          // it has come to rest because an operator wants it to
  bool topics_awaited_ = false;  // `topic_pattern` matches nothing yet
  Duration tell_again_{0};       // when that is logged next
  bool producers_stale_ = false; // to be made again before the next attempt
  bool reset_state_;             // until it was done once
  bool accept_loss_;
  TransactionTimeout transaction_timeout_;
  std::map<TopicPartition, int64_t> ends_;  // --until-end: as first seen
  std::optional<Error> fatal_;   // of the consumer
  std::optional<Error> fenced_;
  std::optional<Error> refused_;  // at start, by Kafka
  bool joined_ = false;           // was let into the group once
  Duration next_look_{0};        // at the clients' own numbers
  Duration retry_at_{0};
  Duration wait_{0};             // the present back-off
  Ledger total_;                 // of earlier attempts, as far as they were committed

  std::atomic<PipelineState> state_{PipelineState::kStarting};
  StopSignal stop_;
  std::atomic<Wish> wish_{Wish::kRunning};
  AttemptRequests requests_;
  KafkaSilence silence_;
  std::atomic<bool> over_{false};
  std::atomic<bool> finished_{false};
  std::atomic<int> exit_code_{0};
  std::vector<std::atomic<int64_t>> worker_progress_us_;
  std::atomic<int64_t> writer_step_began_us_{0};
  mutable std::mutex status_mutex_;  // guards the four below
  std::string error_;                // for which it is over
  std::string last_error_;           // that was waited out, and when it came
  AttemptStatus last_status_;
  Ledger shown_ledger_;
  std::thread thread_;
};

}  // namespace tidemark
