// KafkaConsumer: a member of a consumer group, with its partitions spread over fetch queues that worker threads drain.
// The only file pair that knows librdkafka's consumer; knows nothing of batches, formats or checkpoints.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "operators/batch.h"
#include "operators/sources/client_statistics.h"
#include "operators/sources/source_record.h"
#include "state/manifest.h"  // TopicPartition

namespace tidemark {

// An offset with the metadata committed beside it.
struct PartitionOffset {
  TopicPartition where;
  int64_t offset = -1;   // -1: nothing committed
  std::string metadata;
};

struct LogBounds {
  int64_t start = 0;  // first offset that the log still holds
  int64_t end = 0;    // high watermark
};

// One message, or the news that the partition's end was reached. Views live as long as the callback runs.
struct KafkaMessage : SourceRecord {
  uint32_t assignment = 0;       // index into the list given to assign()
  bool at_end = false;           // `offset` is the next one to fetch
  const void* native = nullptr;  // for append_headers()
  // Reads the headers of a `native` that is not librdkafka's: fakes have messages of their own.
  void (*read_headers)(const void* native, Arena& arena, RawRecord& record) = nullptr;
};

// Copies the headers of `message` into `arena` and appends them to `record`.
void append_headers(const KafkaMessage& message, Arena& arena, RawRecord& record);

// Takes messages on the draining thread. One indirect call per message is librdkafka's own price for its fastest path.
class MessageHandler {
 public:
  virtual ~MessageHandler() = default;
  // False asks the drain to stop after this message.
  virtual bool on_message(const KafkaMessage& message) = 0;
};

// What is known of an assigned partition, refreshed about once a second.
struct PartitionStatus {
  uint32_t assignment = 0;
  // The offset behind the last message handed to drain(), moved past transaction markers and compacted gaps as soon as
  // the partition's end is reached; so when it equals log_end, nothing is left in any queue either.
  int64_t next_fetch_offset = -1;
  int64_t log_end = -1;            // high watermark; -1 unknown
  // A fetch was answered without error since the last status, so that the numbers above speak of now.
  bool answered = false;
  bool paused = false;
};

// The parts of a member's identity that a producer sends along with offsets. Opaque.
class GroupMetadata {
 public:
  virtual ~GroupMetadata() = default;
  virtual const void* native() const = 0;  // rd_kafka_consumer_group_metadata_t*
};

struct ConsumerOptions {
  std::string brokers;
  std::string group;
  std::string group_instance_id;
  std::vector<std::string> topics;
  std::string topic_pattern;                 // of more topics: a regular expression, anchored by the caller's '^'; empty: none
  std::vector<std::pair<std::string, std::string>> properties;  // passed to librdkafka as they are
  int64_t queue_bytes = 32 << 20;            // for what is prefetched, over all partitions; roughly
  uint32_t queues = 1;                       // how many fetch queues share it; at most 256
  std::string client_id = "tidemark";        // unless the properties name one
  bool native_fetch = true;                  // over sockets of its own: only where may_fetch_natively() says so
};

// Called from serve(), on its thread.
class GroupEvents {
 public:
  virtual ~GroupEvents() = default;
  // The group gave these partitions (the whole assignment: eager protocol). Must end in a call to assign().
  virtual void on_assigned(const std::vector<TopicPartition>& partitions) = 0;
  // They are taken away; `lost`: they are somebody else's already, so nothing may be committed.
  virtual void on_revoked(const std::vector<TopicPartition>& partitions, bool lost) = 0;
  // Errors of the client: `fatal` ones end this consumer; others are news for the log, where a user error (credentials,
  // rights, topics) stands apart from an outage. A position that fell out of the log is fatal and retriable: a new
  // consumer's start decides over it.
  virtual void on_error(const Error& error, bool fatal) = 0;
  // A newer member took this one's group.instance.id: always fatal.
  virtual void on_fenced(const Error& error) { on_error(error, true); }
};

class KafkaConsumer {
 public:
  virtual ~KafkaConsumer() = default;

  // Coordinator thread: serves group events, statistics and logs for at most `timeout`. Must be called at least every
  // few seconds while the consumer lives.
  virtual void serve(Duration timeout) = 0;
  virtual Status subscribe() = 0;

  // Metadata, all with a timeout; an unknown topic or a missing right is a user error, an unreachable broker an external
  // retriable one.
  virtual Result<std::vector<TopicPartition>> list_partitions(Duration timeout) = 0;  // of the subscribed topics
  virtual Result<std::string> cluster_id(Duration timeout) = 0;
  virtual Result<std::vector<PartitionOffset>> committed(const std::vector<TopicPartition>& partitions, Duration timeout) = 0;
  virtual Result<LogBounds> log_bounds(const TopicPartition& partition, Duration timeout) = 0;
  // First offset whose timestamp is at or after `at`; the log's end when there is none.
  virtual Result<int64_t> offset_at(const TopicPartition& partition, Time at, Duration timeout) = 0;

  struct Start {
    TopicPartition where;
    int64_t offset = 0;
    uint32_t queue = 0;  // which fetch queue its messages go to
  };
  // Takes up exactly these positions, unpaused; messages of earlier assignments never show up afterwards. An empty list
  // gives all up. `queues` is the number of fetch queues. Inside on_assigned() or later, to rewind. Waits for drains under
  // way to end, each after its present message: a handler must never wait for this thread.
  virtual Status assign(const std::vector<Start>& starts, uint32_t queues) = 0;

  // Worker threads, at most one per queue at a time: hands over what has been fetched, waits at most `timeout` for the
  // first message, and stops when the handler says so. Answers how many messages were handled.
  virtual size_t drain(uint32_t queue, Duration timeout, MessageHandler& handler) = 0;
  // Ends a waiting drain early. Any thread.
  virtual void wake(uint32_t queue) = 0;

  virtual Status pause(const std::vector<uint32_t>& assignments) = 0;
  virtual Status resume(const std::vector<uint32_t>& assignments) = 0;
  virtual std::vector<PartitionStatus> statuses() = 0;
  virtual ClientStatistics client_statistics() const = 0;

  // Group commit, fenced by member and generation; waits for the answer. An error that is not retriable means that the
  // group no longer accepts this member.
  virtual Status commit(const std::vector<PartitionOffset>& offsets, Duration timeout) = 0;
  virtual Result<std::unique_ptr<GroupMetadata>> group_metadata() = 0;  // afresh for each transaction
  // Whether the group coordinator still accepts this member with its generation: asks it, by committing again what is
  // committed for the first of `owned` that has a commit; false without any. Nothing is assigned while a pipeline
  // rewinds, and yet these are its partitions. False also when it does not answer within 10 s.
  virtual bool membership_valid(const std::vector<TopicPartition>& owned) = 0;
  // Whether the group has another member with this one's group.instance.id; nothing where it does not tell. A member
  // whose session ended is not valid any more, and yet not replaced.
  virtual std::optional<bool> replaced() = 0;
  // Whether the group has no other member; nothing where it does not say.
  virtual std::optional<bool> alone() = 0;
  // Leaves (a static member keeps its place until the session times out); calls on_revoked() for what is still assigned.
  // The destructor does the same without calling anybody.
  virtual void close() = 0;
};

// `events` outlives the consumer. `log_line(level, text)` takes librdkafka's own log lines (syslog levels), any thread.
Result<std::unique_ptr<KafkaConsumer>> make_kafka_consumer(const ConsumerOptions& options, GroupEvents& events,
                                                           std::function<void(int, std::string_view)> log_line);

}  // namespace tidemark
