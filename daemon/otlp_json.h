// Traces as OTLP's JSON: the body of an ExportTraceServiceRequest (opentelemetry.io/docs/specs/otlp, "JSON Protobuf
// Encoding"): ids in hexadecimal digits, 64-bit integers as text, enums as numbers. Knows nothing of HTTP.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "daemon/trace.h"

namespace tidemark {

// What tells a process from others, by OpenTelemetry's names such as `service.name`.
using TraceResource = std::vector<std::pair<std::string, std::string>>;

// Bytes that are no UTF-8 are replaced.
std::string otlp_json(const TraceResource& resource, std::span<const Trace> traces);

}  // namespace tidemark
