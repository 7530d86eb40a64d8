// KafkaProducer: an idempotent producer, transactional or not. The only file pair that knows librdkafka's producer;
// knows nothing of rows, epochs or checkpoints.
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
#include "operators/sources/kafka_consumer.h"

namespace tidemark {

struct ProducerOptions {
  std::string brokers;
  std::optional<std::string> transactional_id;
  Duration transaction_timeout = Duration::seconds(60);
  std::vector<std::pair<std::string, std::string>> properties;
  int64_t queue_bytes = 32 << 20;  // for what is not acknowledged; half of it is librdkafka's own
  std::string client_id = "tidemark";  // unless the properties name one
};

struct ProducerHeader {
  std::string_view name;
  std::optional<std::string_view> value;
};

struct ProducerRecord {
  uint32_t topic = 0;            // from open_topic()
  int32_t partition = 0;
  std::optional<std::string_view> key;
  std::optional<std::string_view> value;
  std::vector<ProducerHeader> headers;
  Time timestamp;  // milliseconds on the wire; anything before 1 ms after the epoch becomes that, for 0 means "now"
};

struct OpenTopic {
  uint32_t topic = 0;
  int32_t partitions = 0;
  int64_t max_message_bytes = 1'000'000;  // the topic's limit, as the broker says, or a lower one among the properties
};

enum class ProduceResult { kAccepted, kQueueFull, kTooLarge, kFailed };

// How an unsuccessful transaction call ends.
enum class TransactionFailure {
  kRetry,    // call again with identical arguments
  kAbort,    // abort the transaction and rewind
  kFenced,   // somebody newer has this identity (or the broker timed the transaction out: it looks the same)
  kFatal,    // this producer is unusable; re-create it
};
struct TransactionError {
  TransactionFailure kind;
  std::string message;
  bool user = false;  // wrong credentials or a missing right: trying again is of no use until somebody acts
};
using TransactionStatus = std::expected<void, TransactionError>;

class KafkaProducer {
 public:
  virtual ~KafkaProducer() = default;

  // Looks the topic up; unknown topics and missing rights are user errors. Before anything else is done: topics may not
  // be opened while other threads produce.
  virtual Result<OpenTopic> open_topic(std::string_view name, Duration timeout) = 0;
  virtual Result<std::string> cluster_id(Duration timeout) = 0;

  // Any thread. Copies what it accepts. kQueueFull: try again after poll(); an empty queue takes a record of any size.
  // kFailed: see delivery_error(). kTooLarge: beyond the topic's limit, framing included.
  virtual ProduceResult produce(const ProducerRecord& record) = 0;
  // Serves delivery reports. Any thread.
  virtual void poll(Duration timeout) = 0;
  // Waits until everything accepted is acknowledged; false when time ran out, an error when something was refused or
  // somebody has to act first.
  virtual Result<bool> flush(Duration timeout) = 0;
  // Bytes accepted and not yet acknowledged.
  virtual int64_t bytes_in_flight() const = 0;
  virtual uint64_t records_acknowledged() const = 0;
  virtual ClientStatistics client_statistics() const = 0;
  // The first delivery failure since the last begin() or flush(), if any.
  virtual std::optional<Error> delivery_error() const = 0;

  // Coordinator thread. Fences older producers of this identity and aborts what they left open.
  virtual TransactionStatus init_transactions(Duration timeout) = 0;
  virtual TransactionStatus begin() = 0;
  // Waits for silent brokers up to the transaction's timeout: no shorter wait leaves the transaction whole.
  virtual TransactionStatus send_offsets(const std::vector<PartitionOffset>& offsets, const GroupMetadata& group) = 0;
  // Flushes, then commits; or purges, then aborts. kRetry after `timeout`: it goes on in the background, and the same call
  // again waits on for it; no other call is possible in between.
  virtual TransactionStatus commit(Duration timeout) = 0;
  virtual TransactionStatus abort(Duration timeout) = 0;
  // Whether the end of the last transaction may have been sent twice, after silence or over a connection that broke. A
  // copy that is still on its way would end the next transaction (KAFKA-17754), so that one belongs to a new producer.
  virtual bool spent() const { return false; }
};

Result<std::unique_ptr<KafkaProducer>> make_kafka_producer(const ProducerOptions& options,
                                                           std::function<void(int, std::string_view)> log_line);

}  // namespace tidemark
