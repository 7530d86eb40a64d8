// What a librdkafka client tells of itself, refreshed every few seconds: numbers for metrics, nothing to decide by.
#pragma once

#include <algorithm>
#include <cstdint>

namespace tidemark {

// Totals count since the client was made.
struct ClientStatistics {
  int64_t brokers_up = 0;
  int64_t queued_messages = 0;  // fetched and not yet handed over, or produced and not yet acknowledged
  int64_t queued_bytes = 0;
  int64_t sent_bytes = 0;
  int64_t received_bytes = 0;
  int64_t request_errors = 0;
  double round_trip_seconds = 0;  // of the slowest broker, averaged over the last interval
  double throttle_seconds = 0;    // the same: how long a broker held answers back

  // Several clients of one kind as one.
  void add(const ClientStatistics& other) {
    brokers_up += other.brokers_up;
    queued_messages += other.queued_messages;
    queued_bytes += other.queued_bytes;
    sent_bytes += other.sent_bytes;
    received_bytes += other.received_bytes;
    request_errors += other.request_errors;
    round_trip_seconds = std::max(round_trip_seconds, other.round_trip_seconds);
    throttle_seconds = std::max(throttle_seconds, other.throttle_seconds);
  }
};

}  // namespace tidemark
