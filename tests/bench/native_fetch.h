// An experiment: Kafka's Fetch spoken on a socket of one's own, and record batches walked where they lie, to see what
// librdkafka's consumer costs. Plain connections, one broker, lz4 or nothing, no transactions; no retries: it measures.
// Throws on every failure.
#pragma once

#include <string>
#include <string_view>

namespace tidemark::bench {

using TakeValue = void (*)(std::string_view value, void* opaque);

// Every value of the topic's partitions, from their beginnings to the ends that they had when they were first asked.
// The view lasts for the call. `host:port` must lead all partitions.
void native_drain(const std::string& broker, const std::string& topic, int partitions, TakeValue take, void* opaque);

}  // namespace tidemark::bench
