// Where traces go and whose they are: the option `--otlp` and the variables that OpenTelemetry defines for all programs
// (opentelemetry.io/docs/specs/otel/protocol/exporter). It opens nothing.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "daemon/http_address.h"
#include "daemon/otlp_json.h"

namespace tidemark {

// A collector's receiver of OTLP over HTTP.
struct OtlpEndpoint {
  HttpAddress address;
  std::string path;  // with its first slash

  bool operator==(const OtlpEndpoint&) const = default;
};
std::string to_string(const OtlpEndpoint& endpoint);

// `http://HOST[:PORT][/PATH]`, by itself the place for traces.
Result<OtlpEndpoint> parse_otlp_url(std::string_view url);
// The same as the base of all signals: traces go to `/v1/traces` below it.
Result<OtlpEndpoint> parse_otlp_base_url(std::string_view url);

// What a person wants: traces to `endpoint`, or none; by default what the environment says.
struct OtlpChoice {
  bool by_environment = true;
  std::optional<OtlpEndpoint> endpoint;

  bool operator==(const OtlpChoice&) const = default;
};
// `http://HOST[:PORT][/PATH]` as the base of all signals, or `off`.
Result<OtlpChoice> parse_otlp_choice(std::string_view text);

using EnvironmentVariables = std::map<std::string, std::string, std::less<>>;

// Where traces go; nothing: nowhere. An error names the variable that is wrong.
Result<std::optional<OtlpEndpoint>> otlp_endpoint_of(const OtlpChoice& choice, const EnvironmentVariables& environment);

// `service.name`, `service.version`, `service.instance.id` and what the environment adds or says instead.
TraceResource trace_resource(const EnvironmentVariables& environment, const std::string& host, const std::string& instance);

}  // namespace tidemark
