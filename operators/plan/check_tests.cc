// A record that was refused bears what its source declares; a result row that was, its key and its window.
#include "operators/plan/check_tests.h"

#include <algorithm>

#include <fmt/format.h>

#include "config/names.h"

namespace tidemark {
namespace {

using Names = std::vector<std::string_view>;

void add_schema(const SourceSpec& source, Names& names) {
  for (const SchemaFieldSpec& field : source.schema) names.push_back(field.name.value);
}

void add_output(const PlannedStep& step, Names& names) {
  for (const Field& field : step.output.fields) names.push_back(field.name);
}

// What the rows of a step, of a source, `late` or `dead_letter` can bear.
Names names_in(const PipelineSpec& pipeline, const Plan& plan, std::string_view stream) {
  Names names{"$timestamp", "$key", "$headers", "$raw"};
  if (const auto step = pipeline.step_number(stream)) {
    add_output(plan.steps[*step], names);
    return names;
  }
  const bool dead = stream == kDeadLetterStream;
  const bool refused = dead || stream == kLateStream;
  for (const SourceSpec& source : pipeline.sources) {
    if (refused || source.name.value == stream) add_schema(source, names);
  }
  if (refused) names.insert(names.end(), {"$reason", "$partition"});
  for (const PlannedStep& step : plan.steps) {
    if (dead && step.window()) add_output(step, names);
  }
  return names;
}

void check_row(const Node& row, const std::string& stream, const Names& names, Diagnostics& diagnostics) {
  for (const Node::Entry& entry : row.entries) {
    const std::string& name = entry.key.value;
    if (std::ranges::find(names, name) != names.end()) continue;
    const std::string_view nearest = nearest_word(name, names);
    const char* const otherwise = name.starts_with('$') ? "only `late` and `dead_letter` have it" : "";
    diagnostics.error(entry.key.where, fmt::format("rows of `{}` have no field `{}`", stream, name), did_you_mean(nearest, otherwise));
  }
}

}  // namespace

void check_tests(const PipelineSpec& pipeline, const Plan& plan, Diagnostics& diagnostics) {
  for (const TestSpec& test : pipeline.tests) {
    for (const TestExpectSpec& expect : test.expect) {
      const Names names = names_in(pipeline, plan, expect.of.value);
      for (const Node& row : expect.rows.items) check_row(row, expect.of.value, names, diagnostics);
    }
  }
}

}  // namespace tidemark
