// Gauges show the newest figures; counters rise by the difference to the figures before, or by all of them when a
// client was made anew.
#include "daemon/client_feed.h"

namespace tidemark {
namespace {

// A client that was made anew counts from zero.
void raise(const MetricCounter& counter, int64_t last, int64_t now) {
  counter.add(static_cast<uint64_t>(now >= last ? now - last : now));
}

}  // namespace

void ClientFeed::show(const ClientStatistics& now) {
  metrics_.brokers_up.set(static_cast<double>(now.brokers_up));
  metrics_.queue_messages.set(static_cast<double>(now.queued_messages));
  metrics_.queue_bytes.set(static_cast<double>(now.queued_bytes));
  metrics_.round_trip_seconds.set(now.round_trip_seconds);
  metrics_.throttle_seconds.set(now.throttle_seconds);
  raise(metrics_.sent_bytes, last_.sent_bytes, now.sent_bytes);
  raise(metrics_.received_bytes, last_.received_bytes, now.received_bytes);
  raise(metrics_.request_errors, last_.request_errors, now.request_errors);
  last_ = now;
}

}  // namespace tidemark
