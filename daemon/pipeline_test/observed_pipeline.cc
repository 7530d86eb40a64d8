// Sinks that print are left out: what they would show is seen in their step.
#include "daemon/pipeline_test/observed_pipeline.h"

#include <algorithm>

#include "config/names.h"

namespace tidemark {
namespace {

constexpr std::string_view kPrefix = "tidemark.observed.";
constexpr Duration kNeverByItself = Duration::hours(24 * 365 * 100);

InputRef input_of(const PipelineSpec& pipeline, std::string_view stream) {
  if (stream == kLateStream) return {InputRef::Kind::kLate, 0};
  if (stream == kDeadLetterStream) return {InputRef::Kind::kDeadLetter, 0};
  if (const auto step = pipeline.step_number(stream)) return {InputRef::Kind::kStep, *step};
  return {InputRef::Kind::kSource, pipeline.source_number(stream).value()};
}

SinkSpec observer(const PipelineSpec& pipeline, std::string_view stream) {
  SinkSpec sink;
  sink.name = {observed_topic(stream), pipeline.name.where};
  sink.where = pipeline.name.where;
  KafkaSinkSpec kafka;
  kafka.where = sink.where;
  kafka.topic = sink.name;
  kafka.brokers = pipeline.sources.front().kafka().brokers;
  sink.what = std::move(kafka);
  sink.delivery = Delivery::kExactlyOnce;
  sink.input = input_of(pipeline, stream);
  return sink;
}

}  // namespace

std::string observed_topic(std::string_view stream) { return std::string(kPrefix) + std::string(stream); }

bool is_observed_topic(std::string_view topic) { return topic.starts_with(kPrefix); }

PipelineSpec observed_pipeline(const PipelineSpec& pipeline, const TestSpec& test) {
  PipelineSpec observed = pipeline;
  observed.tests.clear();
  observed.lanes.value = 1;
  observed.checkpoint.every.value = kNeverByItself;
  std::erase_if(observed.sinks, [](const SinkSpec& sink) { return !std::holds_alternative<KafkaSinkSpec>(sink.what); });
  for (SinkSpec& sink : observed.sinks) {
    auto& kafka = std::get<KafkaSinkSpec>(sink.what);
    kafka.brokers = pipeline.sources.front().kafka().brokers;
    kafka.properties.clear();
    sink.delivery = Delivery::kExactlyOnce;
  }
  const auto observe = [&](std::string_view stream) {
    const std::string topic = observed_topic(stream);
    const auto same = [&](const SinkSpec& sink) { return sink.name.value == topic; };
    if (std::ranges::none_of(observed.sinks, same)) observed.sinks.push_back(observer(pipeline, stream));
  };
  for (const TestExpectSpec& expect : test.expect) observe(expect.of.value);
  // So that what is refused keeps its bytes, and a test that fails can say what was.
  for (const std::string_view stream : {kLateStream, kDeadLetterStream}) observe(stream);
  return observed;
}

}  // namespace tidemark
