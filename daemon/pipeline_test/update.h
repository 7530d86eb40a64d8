// Writes the rows that came into the text of a pipeline file, in place of expectations that they do not meet.
// Everything else stays as it is, byte for byte: comments, order, quotes, and of a row the fields that were right.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "config/pipeline.h"
#include "daemon/pipeline_test/expectation.h"

namespace tidemark {

// An expectation that was not met; all of it outlives the call.
struct FailedExpectation {
  const TestExpectSpec* expect = nullptr;
  const std::vector<ObservedRow>* rows = nullptr;
  const Comparison* comparison = nullptr;
};

// `text` is what the expectations were read from. A row that was expected keeps its fields and takes the values of the
// nearest row that came; where none is left, it goes. `exactly` becomes all rows with the fields that were named, or
// with all where none were; so does an empty list. Refused: text that stands for something else, such as `${NAME}`.
Result<std::string> with_actual_rows(const std::string& text, const std::vector<FailedExpectation>& failed);

}  // namespace tidemark
