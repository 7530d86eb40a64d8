// Turns what the Kafka clients of a pipeline tell of themselves into its metrics. Clients come and go with outages and
// rewinds; the counters only rise.
#pragma once

#include <string_view>

#include "daemon/pipeline_metrics.h"
#include "operators/sources/client_statistics.h"

namespace tidemark {

// Single-threaded. Lives as long as the metrics at most.
class ClientFeed {
 public:
  // `client`: consumer, producer.
  ClientFeed(PipelineMetrics& metrics, std::string_view client) : metrics_(metrics.kafka_client(client)) {}
  // `now`: of all clients of that kind that there are; none of them since the last call: all zero.
  void show(const ClientStatistics& now);

 private:
  KafkaClientMetrics metrics_;
  ClientStatistics last_;
};

}  // namespace tidemark
