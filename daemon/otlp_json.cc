// Written as the collector reads it; fields that hold their default are left out, as Protobuf's JSON does.
#include "daemon/otlp_json.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "daemon/version.h"

namespace tidemark {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kInternal = 1;     // SPAN_KIND_INTERNAL
constexpr int kStatusError = 2;  // STATUS_CODE_ERROR

Json value_of(int64_t n) { return {{"intValue", std::to_string(n)}}; }
Json value_of(const std::string& text) { return {{"stringValue", text}}; }

std::string nanoseconds(Time time) { return std::to_string(static_cast<uint64_t>(std::max<int64_t>(time.us, 0)) * 1000); }

Json span_json(const Trace& trace, const Span& span) {
  Json json;
  json["traceId"] = fmt::format("{:016x}{:016x}", trace.id[0], trace.id[1]);
  json["spanId"] = fmt::format("{:016x}", span.id);
  if (span.parent != 0) json["parentSpanId"] = fmt::format("{:016x}", span.parent);
  json["name"] = span.name;
  json["kind"] = kInternal;
  json["startTimeUnixNano"] = nanoseconds(span.start);
  json["endTimeUnixNano"] = nanoseconds(span.end);
  json["attributes"] = Json::array();
  for (const auto& [key, value] : span.attributes) {
    json["attributes"].push_back({{"key", key}, {"value", std::visit([](const auto& v) { return value_of(v); }, value)}});
  }
  json["status"] = Json::object();
  if (span.error) json["status"] = {{"message", *span.error}, {"code", kStatusError}};
  return json;
}

}  // namespace

std::string otlp_json(const TraceResource& resource, std::span<const Trace> traces) {
  Json attributes = Json::array(), spans = Json::array();
  for (const auto& [key, value] : resource) attributes.push_back({{"key", key}, {"value", value_of(value)}});
  for (const Trace& trace : traces) {
    for (const Span& span : trace.spans) spans.push_back(span_json(trace, span));
  }
  Json in_scope, of_resource, request;
  in_scope["scope"] = {{"name", "tidemark"}, {"version", build_info().version}};
  in_scope["spans"] = std::move(spans);
  of_resource["resource"]["attributes"] = std::move(attributes);
  of_resource["scopeSpans"].push_back(std::move(in_scope));
  request["resourceSpans"].push_back(std::move(of_resource));
  return request.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace tidemark
