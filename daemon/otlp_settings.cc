// Variables that are empty count as not set. What a list of attributes has wrong spoils all of the list, as OpenTelemetry
// wants it.
#include "daemon/otlp_settings.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include <fmt/format.h>

#include "daemon/http_protocol.h"
#include "daemon/version.h"

namespace tidemark {
namespace {

constexpr std::string_view kScheme = "http://";
constexpr std::string_view kTraces = "/v1/traces";
constexpr const char* kHttps = "is not supported; send to a collector or agent beside this process, which sends on with TLS";

std::string_view find(const EnvironmentVariables& environment, std::string_view name) {
  const auto found = environment.find(name);
  return found == environment.end() ? std::string_view{} : std::string_view(found->second);
}

bool is_printable(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

// Of a query nothing is shown: it may hold a token.
std::unexpected<Error> no_url(std::string_view url, std::string_view why) {
  return user_error(fmt::format("`{}` {}", url.substr(0, url.find_first_of("?#")), why));
}

// `HOST`, `HOST:PORT`, `[IPV6]:PORT`; the port of HTTP where none is given.
Result<HttpAddress> parse_authority(std::string_view url, std::string_view text) {
  const size_t bracket = text.find(']');
  const size_t colon = text.find(':', bracket == std::string_view::npos ? 0 : bracket);
  const bool has_host = !text.empty() && colon != 0;
  if (!has_host || !is_printable(text)) return no_url(url, "is no URL such as http://collector:4318");
  const std::string with_port = std::string(text) + (colon == std::string_view::npos ? ":80" : "");
  auto address = parse_http_address(with_port);
  if (!address || !address->on || address->port == 0) return no_url(url, "is no URL such as http://collector:4318");
  return address;
}

std::string_view trimmed(std::string_view text) {
  const size_t begin = std::min(text.find_first_not_of(" \t"), text.size());
  return text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}

// `KEY=VALUE,...` as W3C's baggage writes it.
std::optional<TraceResource> parse_attributes(std::string_view list) {
  TraceResource found;
  while (!list.empty()) {
    const std::string_view one = list.substr(0, list.find(','));
    list.remove_prefix(std::min(one.size() + 1, list.size()));
    const size_t equals = one.find('=');
    if (trimmed(one).empty()) continue;
    if (equals == std::string_view::npos || trimmed(one.substr(0, equals)).empty()) return std::nullopt;
    auto value = percent_decode(trimmed(one.substr(equals + 1)));
    if (!value) return std::nullopt;
    found.emplace_back(trimmed(one.substr(0, equals)), std::move(*value));
  }
  return found;
}

void put(TraceResource& resource, const std::string& key, const std::string& value) {
  const auto known = std::ranges::find(resource, key, [](const auto& one) { return one.first; });
  known == resource.end() ? void(resource.emplace_back(key, value)) : void(known->second = value);
}

}  // namespace

std::string to_string(const OtlpEndpoint& endpoint) {
  return std::string(kScheme) + to_string(endpoint.address) + endpoint.path;
}

Result<OtlpEndpoint> parse_otlp_url(std::string_view url) {
  // Nothing of it is shown: it may be a password.
  if (url.contains('@')) return user_error("the URL holds a user, which is not supported");
  if (url.starts_with("https://")) return no_url(url, kHttps);
  if (!url.starts_with(kScheme)) return no_url(url, "is no URL such as http://collector:4318");
  const std::string_view rest = url.substr(kScheme.size());
  const std::string_view authority = rest.substr(0, rest.find('/'));
  const std::string_view path = rest.substr(authority.size());
  if (!is_printable(path) || path.find_first_of("?#") != std::string_view::npos) return no_url(url, "has more behind its path");
  auto address = parse_authority(url, authority);
  if (!address) return std::unexpected(address.error());
  return OtlpEndpoint{std::move(*address), path.empty() ? "/" : std::string(path)};
}

Result<OtlpEndpoint> parse_otlp_base_url(std::string_view url) {
  auto endpoint = parse_otlp_url(url);
  if (!endpoint) return endpoint;
  if (endpoint->path.ends_with('/')) endpoint->path.pop_back();
  endpoint->path += kTraces;
  return endpoint;
}

Result<OtlpChoice> parse_otlp_choice(std::string_view text) {
  if (text == "off") return OtlpChoice{false, std::nullopt};
  auto endpoint = parse_otlp_base_url(text);
  if (!endpoint) return std::unexpected(endpoint.error());
  return OtlpChoice{false, std::move(*endpoint)};
}

Result<std::optional<OtlpEndpoint>> otlp_endpoint_of(const OtlpChoice& choice, const EnvironmentVariables& environment) {
  if (!choice.by_environment) return choice.endpoint;
  if (find(environment, "OTEL_SDK_DISABLED") == "true" || find(environment, "OTEL_TRACES_EXPORTER") == "none") return std::nullopt;
  const auto named = [](const char* name, Result<OtlpEndpoint> endpoint) -> Result<std::optional<OtlpEndpoint>> {
    if (endpoint) return std::move(*endpoint);
    return user_error(fmt::format("{}: {}", name, endpoint.error().message));
  };
  const std::string_view of_traces = find(environment, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
  const std::string_view base = find(environment, "OTEL_EXPORTER_OTLP_ENDPOINT");
  if (of_traces.empty() && base.empty()) return std::nullopt;
  for (const char* name : {"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"}) {
    if (find(environment, name) == "grpc") return user_error(fmt::format("{}: `grpc` is not supported; http/json is spoken here", name));
  }
  if (!of_traces.empty()) return named("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", parse_otlp_url(of_traces));
  return named("OTEL_EXPORTER_OTLP_ENDPOINT", parse_otlp_base_url(base));
}

TraceResource trace_resource(const EnvironmentVariables& environment, const std::string& host, const std::string& instance) {
  // Instances are told apart on a host, and a pod's name is both.
  TraceResource resource = {{"service.name", "tidemark"},
                            {"service.version", build_info().version},
                            {"service.instance.id", host == instance || host.empty() ? instance : host + "/" + instance}};
  if (!host.empty()) put(resource, "host.name", host);
  const auto given = parse_attributes(find(environment, "OTEL_RESOURCE_ATTRIBUTES"));
  for (const auto& [key, value] : given.value_or(TraceResource{})) put(resource, key, value);
  const std::string_view name = find(environment, "OTEL_SERVICE_NAME");
  if (!name.empty()) put(resource, "service.name", std::string(name));
  return resource;
}

}  // namespace tidemark
