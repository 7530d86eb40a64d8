// The producing half of the fake Kafka; for its other files only.
#pragma once

#include "tests/daemon/property/fake_kafka.h"

namespace tidemark::property {

// Transactional where it has an id.
std::unique_ptr<KafkaProducer> make_fake_producer(FakeBroker& broker, Life& life, const Weather& weather,
                                                  std::optional<std::string> id, Random random);

}  // namespace tidemark::property
