// Compares the rows that came with those that were expected, and says what differs. Knows neither how the rows came
// about nor where the answer is shown.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/diagnostic.h"
#include "config/pipeline.h"
#include "daemon/pipeline_test/observed_row.h"

namespace tidemark {

// Whether a value is what a test has written for it. A plain scalar is read as what it is compared with, a quoted one
// is text; instants are equal in every form; of maps, what is named.
bool is_as_written(const Node& expected, const ObservedField& actual);

struct Mismatch {
  Location where;                     // of the expectation
  std::string what;                   // "no row is like this"
  std::string expected;               // as YAML
  std::vector<std::string> got;       // rows as YAML
  std::string differs;                // the first field that differs, and how; may be empty
};

// How the expected rows found theirs.
struct Comparison {
  std::vector<std::optional<size_t>> partner;  // by expected row: the row that it is met by, or the one nearest to it
  std::vector<bool> met;                       // by expected row
  std::vector<bool> taken;                     // by row: it meets an expected one
  std::vector<Mismatch> mismatches;
  bool good() const { return mismatches.empty(); }
};

Comparison compare(const TestExpectSpec& expect, const std::vector<ObservedRow>& rows);

}  // namespace tidemark
