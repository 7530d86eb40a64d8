// The types of schema fields as they are written: `int`, `string?`, `timestamp(ms)`.
#pragma once

#include "config/pipeline.h"
#include "config/spec.h"

namespace tidemark {

struct TypeText {
  Type type;
  bool nullable = false;
  TimestampForm timestamp_form = TimestampForm::kMillis;
};

Kind<TypeText> type_kind();

}  // namespace tidemark
