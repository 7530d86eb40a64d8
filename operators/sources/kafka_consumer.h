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
struct KafkaMessage {
  uint32_t assignment = 0;  // index into the list given to assign()
  int64_t offset = 0;       // at_end: the next offset to fetch
  bool at_end = false;
  Time timestamp = Time::min();  // Time::min() when the record has none
  std::string_view key;
  std::string_view value;
  bool key_is_null = true;
  bool value_is_null = true;
  const void* native = nullptr;  // for append_headers()
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
  int64_t next_fetch_offset = -1;  // passes transaction markers and compacted gaps; -1 unknown
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
  std::vector<std::string> topics;           // or
  std::string topic_pattern;                 // a regular expression, anchored by the caller's '^'
  std::vector<std::pair<std::string, std::string>> properties;  // passed to librdkafka as they are
  int64_t queue_bytes = 32 << 20;            // prefetch limit over all partitions
  std::string client_id = "tidemark";
};

// Called from serve(), on its thread.
class GroupEvents {
 public:
  virtual ~GroupEvents() = default;
  // The group gave these partitions (the whole assignment: eager protocol). Must end in a call to assign().
  virtual void on_assigned(const std::vector<TopicPartition>& partitions) = 0;
  // They are taken away; `lost`: they are somebody else's already, so nothing may be committed.
  virtual void on_revoked(const std::vector<TopicPartition>& partitions, bool lost) = 0;
  // Errors of the client: `fatal` ones end this consumer (such as being fenced); others are news for the log.
  virtual void on_error(const Error& error, bool fatal) = 0;
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
  // Takes up exactly these positions; messages of earlier assignments never show up afterwards. An empty list gives all
  // up. `queues` is the number of fetch queues.
  virtual Status assign(const std::vector<Start>& starts, uint32_t queues) = 0;

  // Worker threads, one per queue: hands over what has been fetched, waits at most `timeout` for the first message, and
  // stops when the handler says so. Answers how many messages were handled.
  virtual size_t drain(uint32_t queue, Duration timeout, MessageHandler& handler) = 0;
  // Ends a waiting drain early. Any thread.
  virtual void wake(uint32_t queue) = 0;

  virtual Status pause(const std::vector<uint32_t>& assignments) = 0;
  virtual Status resume(const std::vector<uint32_t>& assignments) = 0;
  virtual std::vector<PartitionStatus> statuses() = 0;

  // Group commit, fenced by member and generation; waits for the answer.
  virtual Status commit(const std::vector<PartitionOffset>& offsets, Duration timeout) = 0;
  virtual Result<std::unique_ptr<GroupMetadata>> group_metadata() = 0;  // afresh for each transaction
  // Whether the group coordinator still accepts this member with its generation.
  virtual bool membership_valid() = 0;
  // Leaves (a static member keeps its place until the session times out).
  virtual void close() = 0;
};

// `events` outlives the consumer. `log_line(level, text)` takes librdkafka's own log lines (syslog levels), any thread.
Result<std::unique_ptr<KafkaConsumer>> make_kafka_consumer(const ConsumerOptions& options, GroupEvents& events,
                                                           std::function<void(int, std::string_view)> log_line);

}  // namespace tidemark
