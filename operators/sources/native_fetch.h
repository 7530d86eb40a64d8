// NativeFetch: reads partitions over sockets of its own, in Kafka's protocol. A worker that drains a queue asks the leaders
// of its partitions itself, and takes the records out of the answer where they lie: no thread stands between, no message
// is copied, and what has not been asked for yet takes no memory here. While one answer is walked the next is on its way.
// Plain connections only; knows nothing of groups.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "operators/sources/native_connection.h"
#include "operators/sources/native_protocol.h"
#include "operators/sources/native_records.h"
#include "operators/sources/partition_fetch.h"

namespace tidemark {

struct NativeFetchOptions {
  std::string client_id;
  FetchAnswerLimits limits;
  bool check_sums = true;
  std::chrono::milliseconds first_backoff{100};  // behind a connection that failed; doubled up to the most
  std::chrono::milliseconds most_backoff{10'000};
  std::chrono::milliseconds patience{30'000};  // with a silent broker, beyond what it may wait
};

class NativeFetch final : public PartitionFetch {
 public:
  explicit NativeFetch(NativeFetchOptions options);
  ~NativeFetch() override;

  Status take(const std::vector<KafkaConsumer::Start>& starts, uint32_t queues) override;
  Status give_up() override;
  Status pause(const std::vector<uint32_t>& assignments) override { return set_paused(assignments, true); }
  Status resume(const std::vector<uint32_t>& assignments) override { return set_paused(assignments, false); }
  size_t drain(uint32_t queue, Duration timeout, MessageHandler& handler) override;
  void wake(uint32_t queue) override;
  std::vector<PartitionStatus> statuses() override;
  void take_statistics(const KafkaStatistics&) override {}
  ClientStatistics client_statistics() const override;
  std::vector<std::string> topics_without_leaders() const override;
  void set_leaders(const Leaders& leaders) override;

 private:
  using Clock = std::chrono::steady_clock;

  struct Part {
    TopicPartition where;
    uint32_t number = 0;  // of the assignment
    uint32_t queue = 0;
    int32_t broker = -1;  // its leader
    bool paused = false;
    std::atomic<int64_t> position{0};  // the next to hand over
    std::atomic<int64_t> log_end{-1};
    std::atomic<bool> answered{false};
    std::atomic<bool> leader_lost{true};
    // Below: of the drain.
    int64_t ahead = 0;       // the next to ask for
    uint64_t turn = 0;       // what was asked in another turn is not wanted any more
    int64_t told_end = -1;   // where its end was last told
    int last_error = 0;      // told, until it succeeds
    bool failed = false;     // for good
    Clock::time_point not_before{};
  };
  struct Asked {
    uint32_t part = 0;
    uint64_t turn = 0;
    int64_t offset = 0;
  };
  // To one broker, for the partitions of one queue that it leads.
  struct Link {
    BrokerAddress address;
    BrokerConnection connection;
    int16_t version = 0;  // of Fetch; 0: the broker has not said yet what it speaks
    bool waiting = false;  // for an answer
    int32_t correlation = 0;
    std::vector<Asked> asked;
    Clock::time_point deadline{};    // of the answer
    Clock::time_point not_before{};  // behind a failure, or because the broker says so
    int failures = 0;
    size_t turn = 0;                 // which partition is asked for first
    int64_t counted_sent = 0, counted_received = 0;
  };
  struct Fetched {
    Asked asked;
    FetchedPartition answer;
  };
  // An answer that is being walked, partition by partition.
  struct Walk {
    Link* link = nullptr;  // null: none
    std::vector<Fetched> partitions;
    size_t next = 0;      // of `partitions`
    bool open = false;    // its records are being walked
  };
  struct Queue;
  struct Hand;

  void replace(const std::vector<KafkaConsumer::Start>& starts);
  Status set_paused(const std::vector<uint32_t>& assignments, bool paused);
  void restart(Part& part);
  void find_leader(Part& part);
  void drop_unused_links();

  bool walk(Queue& queue, Hand& hand);
  bool is_wanted(const Fetched& fetched) const;
  bool open_partition(Queue& queue, Fetched& fetched);
  bool close_partition(Queue& queue, Hand& hand, bool whole);
  bool serve_links(Queue& queue);
  bool serve(Queue& queue, Link& link);
  void take_answer(Queue& queue, Link& link);
  std::vector<Fetched> matched(std::vector<Asked> asked, std::vector<FetchedPartition> answers) const;
  void ask(Queue& queue, Link& link);
  void ask_at_once(Queue& queue, Link& link);
  void take_turns(Link& link) const;
  void send(Link& link, std::string_view request);
  static int32_t next_correlation(Link& link);
  bool leads_any(const Queue& queue, const Link& link) const;
  const TopicPartition& where(const Asked& asked) const { return parts_[asked.part]->where; }
  void fail(Queue& queue, Link& link, const std::string& why);
  void disconnect(Queue& queue, Link& link);
  void on_partition_error(Part& part, int code);
  bool wait(Queue& queue, Clock::time_point until);
  int64_t count(Link& link);

  const NativeFetchOptions options_;
  std::array<std::unique_ptr<Queue>, kMaxQueues> queues_;
  std::vector<std::unique_ptr<Part>> parts_;
  std::map<TopicPartition, uint32_t> index_;
  Leaders leaders_;
  std::atomic<int64_t> sent_{0};
  std::atomic<int64_t> received_{0};
  std::atomic<int64_t> failures_{0};
};

}  // namespace tidemark
