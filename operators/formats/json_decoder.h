// JsonDecoder reads one JSON object at a time into the declared fields. simdjson finds the tokens and checks encoding
// (its first stage); one pass over them in document order does the rest. A good record of a shape that is known is read
// sooner (json_shape.h), to the same values. Knows nothing of Kafka, time or steps.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "operators/batch.h"
#include "operators/formats/decode_spec.h"

namespace tidemark {

// Single-threaded; owns its scratch memory, which is bounded by the largest record (and shrinks again after one
// of more than 1 MiB).
//
// What is judged: the whole value must be UTF-8, start with `{` and end with the `}` that closes it, in at most 1,024
// levels; everything up to the last declared field must be JSON. What lies behind is not judged further. When a
// declared field does not occur, everything is. Of duplicate keys the first counts, on every level of a path.
class JsonDecoder {
 public:
  // The deepest nesting that a record may have; the object itself is the first level.
  static constexpr size_t kMaxLevels = 1024;

  // Refuses types that have no JSON form, such as maps.
  static Result<JsonDecoder> create(DecodeSpec spec);

  JsonDecoder(JsonDecoder&&) noexcept;
  JsonDecoder& operator=(JsonDecoder&&) noexcept;
  ~JsonDecoder();

  // Gives the columns of all needed slots their types and no rows. Once for each fresh batch.
  void prepare(Batch& batch) const;
  // Judges one record. A null Kafka value is passed as an empty one. No padding behind `value` is needed.
  DecodeResult decode(std::string_view value);
  // Pushes the record just decoded onto every needed column, strings into the arena; touches nothing else of the batch.
  // Only after a decode() that was ok, while its `value` is still there; leave it out to refuse the record.
  void push(Batch& batch) const;
  // What was wrong with the last record, for people; meaningful only if decode() answered a reason.
  const std::string& message() const;

 private:
  struct State;
  explicit JsonDecoder(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace tidemark
