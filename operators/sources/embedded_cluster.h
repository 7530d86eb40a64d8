// EmbeddedCluster: a broker inside this process, with a producer to fill it, so that a pipeline can be tried where there
// is no Kafka. It is librdkafka's mock cluster: it keeps nothing on disk, is reached over loopback only, holds the newest
// 5 MiB of each partition and knows no transactions worth the name, so it serves demonstrations and not guarantees.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/time.h"

namespace tidemark {

struct EmbeddedTopic {
  std::string name;
  int32_t partitions = 1;
};

// produce(), poll() and flush() from one thread.
class EmbeddedCluster {
 public:
  using LogLine = std::function<void(int level, std::string_view text)>;

  // `log` takes librdkafka's own lines (syslog levels), any thread.
  static Result<std::unique_ptr<EmbeddedCluster>> start(LogLine log);
  ~EmbeddedCluster();

  Status create(const EmbeddedTopic& topic);

  // Where clients connect: `bootstrap.servers`.
  std::string brokers() const;

  // Copies the record; the key decides over its partition as with Java clients. False: the queue is full, poll first.
  bool produce(const std::string& topic, std::string_view key, std::string_view value, Time timestamp);
  // Serves delivery reports, at most for `timeout`.
  void poll(Duration timeout);
  // Waits until all that was produced is readable.
  Status flush(Duration timeout);

 private:
  class Client;
  explicit EmbeddedCluster(std::unique_ptr<Client> client);
  std::unique_ptr<Client> client_;
};

}  // namespace tidemark
