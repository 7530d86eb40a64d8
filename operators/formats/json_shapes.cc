#include "operators/formats/json_shapes.h"

#include <utility>

namespace tidemark {

void JsonShapes::note_miss() {
  trust_ -= kPriceOfMiss;
  if (trust_ >= 0) return;
  trust_ = kTrust / 2;
  resting_ = kRest;
}

void JsonShapes::learn(std::string_view record, const JsonCursor& cursor, const JsonFields& fields, const DecodeSpec& spec) {
  if (resting_ > 0) return;
  auto shape = JsonShape::learn(record, cursor, fields, spec);
  if (!shape) return;
  if (shapes_.size() == kKept) shapes_.pop_back();
  shapes_.push_back(std::move(*shape));
}

}  // namespace tidemark
