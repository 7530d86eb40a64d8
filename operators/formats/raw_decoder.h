// RawDecoder takes a record's value as it is, as its one declared field. Knows nothing of what the bytes mean.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "operators/batch.h"
#include "operators/formats/decode_spec.h"

namespace tidemark {

// Single-threaded. The same shape as JsonDecoder. A `string` field must be UTF-8, else the verdict is `decode`.
class RawDecoder {
 public:
  // Refuses any schema but exactly one field of type `bytes` or `string` without a path; and an event-time field.
  static Result<RawDecoder> create(DecodeSpec spec);

  void prepare(Batch& batch) const;
  // A null or empty value is `decode`.
  DecodeResult decode(std::string_view value);
  void push(Batch& batch) const;
  const std::string& message() const { return message_; }

 private:
  explicit RawDecoder(DeclaredField field) : field_(std::move(field)) {}

  DeclaredField field_;
  std::string_view value_;
  std::string message_;
};

}  // namespace tidemark
