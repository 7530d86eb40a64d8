// Which librdkafka properties a pipeline may not set, because Tidemark's guarantees stand on them, and why; which hold
// secrets, and which take security away. Everything else is passed through unseen; it deliberately does not know
// librdkafka's own list.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/pipeline.h"
#include "config/spec.h"

namespace tidemark {

enum class KafkaRole { kConsumer, kProducer };

// Why `name` may not be set, or nothing.
std::string_view refused_property(KafkaRole role, std::string_view name);
// What makes a client reach and be let into a cluster; a sink on the source's cluster takes these over.
bool is_connection_property(std::string_view name);
// Whether its value is to be told to nobody.
bool holds_secret(std::string_view name);

// Whether records may be fetched without librdkafka: no property says how to connect in a way that only it can.
bool may_fetch_natively(const std::vector<std::pair<std::string, std::string>>& properties);

// Words of Kafka clients that people write beside `properties`.
std::vector<std::string> client_property_words();
inline constexpr std::string_view kPropertyHint = "write it inside of `properties`, under its librdkafka name";

Kind<std::vector<Property>> properties_kind(KafkaRole role);

inline constexpr std::string_view kInsecureDoc =
    "Allows `properties` that leave the broker unverified: `enable.ssl.certificate.verification: false`, "
    "`ssl.endpoint.identification.algorithm: none`, `enable.sasl.oauthbearer.unsecure.jwt: true`. For trying things out.";
// Properties that leave the broker or its user unverified are refused without `insecure`, and warned of with it.
void check_insecure(const std::vector<Property>& properties, const Located<bool>& insecure, Diagnostics& diagnostics);

}  // namespace tidemark
