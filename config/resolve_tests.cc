// A name is looked up only where the section that would hold it was read in full: elsewhere it may be what was refused.
#include "config/resolve_tests.h"

#include <algorithm>

#include <fmt/format.h>

#include "config/names.h"

namespace tidemark {
namespace {

using Names = std::vector<std::string_view>;

void check_name(const Located<std::string>& name, std::string_view what, const Names& known, Diagnostics& diagnostics) {
  if (std::ranges::find(known, name.value) != known.end()) return;
  const std::string_view nearest = nearest_word(name.value, known);
  diagnostics.error(name.where, fmt::format("there is no {} called `{}`", what, name.value), did_you_mean(nearest));
}

bool is_end(const TestActionSpec& action) {
  const auto* word = std::get_if<TestWord>(&action.what);
  return word && *word == TestWord::kEnd;
}

// Everything is over then, for all sources.
void check_end(const TestSpec& test, Diagnostics& diagnostics) {
  const TestActionSpec* end = nullptr;
  for (const TestInputSpec& input : test.input) {
    for (const TestActionSpec& action : input.actions) {
      if (end) {
        diagnostics.error(action.where, "this stands behind `end`, which closes every window of the pipeline",
                          fmt::format("let `end` in line {} be the last word of the input", end->where.line));
        return;
      }
      if (is_end(action)) end = &action;
    }
  }
}

// A pattern takes every topic that no source names.
void check_unnamed(const Located<std::string>& topic, const PipelineSpec& pipeline, Diagnostics& diagnostics) {
  const auto names_it = [&](const Located<std::string>& named) { return named.value == topic.value; };
  for (const SourceSpec& source : pipeline.sources) {
    if (std::ranges::none_of(source.kafka().topics, names_it)) continue;
    diagnostics.error(topic.where, fmt::format("`{}` is a topic of `{}`, which names it", topic.value, source.name.value),
                      fmt::format("write the record in the input of `{}`", source.name.value));
  }
}

void check_topics(const TestInputSpec& input, const PipelineSpec& pipeline, Diagnostics& diagnostics) {
  const auto source = pipeline.source_number(input.source.value);
  if (!source) return;
  Names topics;
  for (const auto& topic : pipeline.sources[*source].kafka().topics) topics.push_back(topic.value);
  for (const TestActionSpec& action : input.actions) {
    const auto* record = std::get_if<TestRecordSpec>(&action.what);
    if (!record || !record->topic) continue;
    if (topics.empty()) {
      check_unnamed(*record->topic, pipeline, diagnostics);
    } else {
      check_name(*record->topic, fmt::format("topic of `{}`", input.source.value), topics, diagnostics);
    }
  }
}

}  // namespace

void resolve_tests(PipelineSpec& pipeline, Diagnostics& diagnostics) {
  Names sources;
  for (const SourceSpec& source : pipeline.sources) sources.push_back(source.name.value);
  Names streams = sources;
  for (const StepSpec& step : pipeline.steps) streams.push_back(step.name.value);
  streams.insert(streams.end(), {kLateStream, kDeadLetterStream});
  for (size_t i = 0; i < pipeline.tests.size(); ++i) {
    TestSpec& test = pipeline.tests[i];
    if (test.name.value.empty()) test.name = {fmt::format("test {}", i + 1), test.where};
    if (!pipeline.tests_sound) continue;
    check_end(test, diagnostics);
    for (const TestInputSpec& input : test.input) {
      if (!pipeline.sources_sound) break;
      check_name(input.source, "source", sources, diagnostics);
      check_topics(input, pipeline, diagnostics);
    }
    for (const TestExpectSpec& expect : test.expect) {
      if (pipeline.sources_sound && pipeline.steps_sound) check_name(expect.of, "step or stream", streams, diagnostics);
    }
  }
}

}  // namespace tidemark
