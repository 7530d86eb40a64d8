// What one record holds for one declared field, between reading the record and judging it. Knows neither how it was
// found nor where it goes.
#pragma once

#include <cstdint>

#include "operators/formats/json_values.h"

namespace tidemark {

struct StagedField {
  enum class Found : uint8_t { kAbsent, kNull, kValue, kProblem };

  Found found = Found::kAbsent;
  ReadOutcome outcome = ReadOutcome::kValue;  // of kProblem
  TokenKind token = TokenKind::kNull;         // of kProblem
  ScalarValue value;
};

}  // namespace tidemark
