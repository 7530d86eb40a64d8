// Misses spend trust, and shapes rest when none is left; lessons become rarer the less they teach. Counts records,
// reads no clock.
#include "operators/formats/json_shapes.h"

#include <algorithm>
#include <utility>

namespace tidemark {

void JsonShapes::note_miss() {
  trust_ -= kPriceOfMiss;
  if (trust_ >= 0) return;
  trust_ = kTrust / 4;
  resting_ = kRest;
}

void JsonShapes::learn(std::string_view record, const JsonCursor& cursor, const JsonFields& fields,
                       const DecodeSpec& spec) {
  if (resting_ > 0 || record.size() > kMaxBytes || ++passed_ < patience_) return;
  passed_ = 0;
  auto shape = JsonShape::learn(record, cursor, fields, spec);
  const bool news = shape && std::ranges::find(shapes_, *shape) == shapes_.end();
  // A lesson costs many times what a hit saves: the fewer are of use, the fewer are taken.
  patience_ = news && shapes_.size() < kKept ? 1 : std::min(2 * patience_, kMaxPatience);
  if (!news) return;
  if (shapes_.size() == kKept) shapes_.pop_back();
  shapes_.push_back(std::move(*shape));
}

}  // namespace tidemark
