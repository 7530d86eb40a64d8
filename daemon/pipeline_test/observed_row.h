// A row as a test sees it: its fields and the words that begin with `$`, as JSON, with the types by which they are
// compared. Knows no expectations.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "config/pipeline.h"
#include "daemon/pipeline_test/memory_broker.h"
#include "operators/plan/plan.h"

namespace tidemark {

using Json = nlohmann::ordered_json;

struct ObservedField {
  std::string name;
  Json value;
  bool is_time = false;  // an instant: a text in RFC 3339, or a number in `unit`
  TimestampForm unit = TimestampForm::kMillis;
};

struct ObservedRow {
  std::vector<ObservedField> fields;
  std::vector<ObservedField> words;  // $reason and the like
  const ObservedField* find(std::string_view name) const;
};

// The rows of a stream (a step, a source, `late` or `dead_letter`) among all that were written, in their order.
std::vector<ObservedRow> observed_rows(const PipelineSpec& pipeline, const Plan& plan, std::string_view stream,
                                       const std::vector<WrittenRecord>& written);

}  // namespace tidemark
