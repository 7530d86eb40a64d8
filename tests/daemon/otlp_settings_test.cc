// Where traces go, as the option and OpenTelemetry's variables say it, and what is refused by name.
#include "daemon/otlp_settings.h"

#include "daemon/version.h"
#include "tests/catch.h"

namespace tidemark {
namespace {

OtlpEndpoint at(const std::string& host, uint16_t port, const std::string& path) { return {{true, host, port}, path}; }

std::string refusal(const Result<OtlpEndpoint>& endpoint) { return endpoint ? "taken" : endpoint.error().message; }

std::optional<OtlpEndpoint> by(const EnvironmentVariables& environment) {
  const auto found = otlp_endpoint_of({}, environment);
  REQUIRE(found);
  return *found;
}

std::string refusal_by(const EnvironmentVariables& environment) {
  const auto found = otlp_endpoint_of({}, environment);
  return found ? "taken" : found.error().message;
}

}  // namespace

TEST_CASE("a collector is named by a URL") {
  CHECK(*parse_otlp_base_url("http://collector:4318") == at("collector", 4318, "/v1/traces"));
  CHECK(*parse_otlp_base_url("http://collector:4318/") == at("collector", 4318, "/v1/traces"));
  CHECK(*parse_otlp_base_url("http://collector/otlp/") == at("collector", 80, "/otlp/v1/traces"));
  CHECK(*parse_otlp_base_url("http://[::1]:4318") == at("::1", 4318, "/v1/traces"));
  CHECK(*parse_otlp_base_url("http://[::1]") == at("::1", 80, "/v1/traces"));
  CHECK(*parse_otlp_url("http://10.0.0.1:1/a/b") == at("10.0.0.1", 1, "/a/b"));
  CHECK(*parse_otlp_url("http://10.0.0.1:1") == at("10.0.0.1", 1, "/"));
  CHECK(to_string(*parse_otlp_base_url("http://[::1]:4318")) == "http://[::1]:4318/v1/traces");
}

TEST_CASE("what is no such URL is refused, and says what is one") {
  for (const char* url : {"", "collector:4318", "http://", "http:///v1", "http://:4318", "http://a:0", "http://a:x", "http://a b", "ftp://a",
                          "http://a:70000", "off"}) {
    INFO(url);
    CHECK(refusal(parse_otlp_base_url(url)).find("is no URL such as http://collector:4318") != std::string::npos);
  }
  CHECK(refusal(parse_otlp_url("https://a:4318")).find("agent beside this process") != std::string::npos);
  CHECK(refusal(parse_otlp_url("http://a/b?key=1")).find("more behind its path") != std::string::npos);
  // Nothing of a password is told on.
  CHECK(refusal(parse_otlp_url("http://me:hunter2@a")) == "the URL holds a user, which is not supported");
}

TEST_CASE("the option goes before the environment") {
  const EnvironmentVariables environment = {{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://there:1"}};
  CHECK(by({}) == std::nullopt);
  CHECK(by(environment) == at("there", 1, "/v1/traces"));
  CHECK(*otlp_endpoint_of(*parse_otlp_choice("http://here:2"), environment) == at("here", 2, "/v1/traces"));
  CHECK(*otlp_endpoint_of(*parse_otlp_choice("off"), environment) == std::nullopt);
}

TEST_CASE("the environment is read as OpenTelemetry defines it") {
  const std::string base = "OTEL_EXPORTER_OTLP_ENDPOINT", of_traces = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
  CHECK(by({{of_traces, "http://a:1/only"}, {base, "http://b:2"}}) == at("a", 1, "/only"));
  CHECK(by({{of_traces, ""}, {base, "http://b:2"}}) == at("b", 2, "/v1/traces"));
  CHECK(by({{base, ""}}) == std::nullopt);
  CHECK(by({{base, "http://b:2"}, {"OTEL_SDK_DISABLED", "true"}}) == std::nullopt);
  CHECK(by({{base, "http://b:2"}, {"OTEL_TRACES_EXPORTER", "none"}}) == std::nullopt);
  CHECK(by({{base, "http://b:2"}, {"OTEL_TRACES_EXPORTER", "otlp"}, {"OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"}}).has_value());
  CHECK(refusal_by({{base, "https://b:2"}}).starts_with(base + ": `https://b:2` "));
  CHECK(refusal_by({{of_traces, "b:2"}}).starts_with(of_traces + ": `b:2` "));
  CHECK(refusal_by({{base, "http://b:2"}, {"OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"}}).starts_with("OTEL_EXPORTER_OTLP_PROTOCOL: "));
}

TEST_CASE("traces say whose they are") {
  const std::string version = build_info().version;
  CHECK(trace_resource({}, "host", "0") == TraceResource{{"service.name", "tidemark"}, {"service.version", version},
                                                         {"service.instance.id", "host/0"}, {"host.name", "host"}});
  CHECK(trace_resource({}, "tidemark-0", "tidemark-0")[2].second == "tidemark-0");
  CHECK(trace_resource({}, "", "7") == TraceResource{{"service.name", "tidemark"}, {"service.version", version}, {"service.instance.id", "7"}});
  const EnvironmentVariables environment = {{"OTEL_RESOURCE_ATTRIBUTES", "service.name=x, k8s.pod.name=a%2Cb,,host.name=h"},
                                            {"OTEL_SERVICE_NAME", "shop"}};
  CHECK(trace_resource(environment, "host", "0") ==
        TraceResource{{"service.name", "shop"}, {"service.version", version}, {"service.instance.id", "host/0"}, {"host.name", "h"},
                      {"k8s.pod.name", "a,b"}});
  for (const char* wrong : {"a=1,b", "a=%4", "a=%zz", "=1"}) {
    INFO(wrong);
    CHECK(trace_resource({{"OTEL_RESOURCE_ATTRIBUTES", wrong}}, "", "0").size() == 3);
  }
}

}  // namespace tidemark
