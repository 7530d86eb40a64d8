// What a collector reads, byte for byte where OTLP's JSON differs from plain JSON, and by field where it does not.
#include "daemon/otlp_json.h"

#include <nlohmann/json.hpp>

#include "daemon/version.h"
#include "tests/catch.h"

namespace tidemark {
namespace {

using Json = nlohmann::json;

Trace small_trace() {
  Trace trace{{0x0123456789abcdef, 0x00000000000000ff}, {}};
  trace.spans.push_back({1, 0, "checkpoint", {1'767'225'600'000'001}, {1'767'225'600'123'456}, {}, {}});
  trace.spans.push_back({0xfedcba9876543210, 1, "commit", {5}, {7}, {{"n", int64_t{-9'007'199'254'740'993}}, {"who", "a \"b\""}}, "fenced"});
  return trace;
}

}  // namespace

TEST_CASE("a trace is written as OTLP's JSON") {
  const std::string text = otlp_json({{"service.name", "tidemark"}}, std::vector{small_trace()});
  CHECK(text == R"({"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"tidemark"}}]},)"
                R"("scopeSpans":[{"scope":{"name":"tidemark","version":")" + build_info().version + R"("},"spans":[)"
                R"({"traceId":"0123456789abcdef00000000000000ff","spanId":"0000000000000001","name":"checkpoint","kind":1,)"
                R"("startTimeUnixNano":"1767225600000001000","endTimeUnixNano":"1767225600123456000","attributes":[],"status":{}},)"
                R"({"traceId":"0123456789abcdef00000000000000ff","spanId":"fedcba9876543210","parentSpanId":"0000000000000001",)"
                R"("name":"commit","kind":1,"startTimeUnixNano":"5000","endTimeUnixNano":"7000","attributes":[)"
                R"({"key":"n","value":{"intValue":"-9007199254740993"}},{"key":"who","value":{"stringValue":"a \"b\""}}],)"
                R"("status":{"message":"fenced","code":2}}]}]}]})");
}

TEST_CASE("several traces are one request, and each span names its own") {
  Trace other = small_trace();
  other.id = {7, 8};
  const Json json = Json::parse(otlp_json({}, std::vector{small_trace(), other}));
  const Json& spans = json["resourceSpans"][0]["scopeSpans"][0]["spans"];
  REQUIRE(spans.size() == 4);
  CHECK(spans[1]["traceId"] == "0123456789abcdef00000000000000ff");
  CHECK(spans[2]["traceId"] == "00000000000000070000000000000008");
}

TEST_CASE("an error's bytes that are no UTF-8, and times before 1970, break nothing") {
  Trace trace = small_trace();
  trace.spans[0].error = "bad \xff byte";
  trace.spans[0].start = {-5};
  const Json json = Json::parse(otlp_json({}, std::vector{trace}));
  const Json& span = json["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
  CHECK(span["status"]["message"] == "bad \xef\xbf\xbd byte");
  CHECK(span["startTimeUnixNano"] == "0");
}

}  // namespace tidemark
