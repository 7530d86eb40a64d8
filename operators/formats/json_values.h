// Turns single JSON tokens into the values of declared fields: strict about types, exact about numbers. Knows nothing
// of objects, paths or batches.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/types.h"
#include "operators/formats/decode_spec.h"

namespace tidemark {

// How a field is read: its type and, for timestamps, its unit.
enum class ValueKind : uint8_t {
  kBool,
  kInt,
  kDouble,
  kString,
  kBytes,
  kSeconds,
  kMillis,
  kMicros,
  kIso,
  kList,
};

// None for types that have no JSON form.
std::optional<ValueKind> value_kind(const Type& type, TimestampUnit unit);

// What a token is, by its first byte. kBroken: no value can begin so.
enum class TokenKind : uint8_t { kString, kNumber, kTrue, kFalse, kNull, kObject, kArray, kBroken };

TokenKind token_kind(char first);
// "a string", "null", ...
std::string_view describe(TokenKind kind);

// One scalar as it was read; the view points into the record or into the scratch buffer.
struct ScalarValue {
  int64_t integer = 0;  // kBool: 0 or 1; kInt; timestamps: us since the epoch
  double number = 0;
  std::string_view text;
};

enum class ReadOutcome : uint8_t {
  kValue,
  kMalformed,   // the token is not JSON: the whole record is `decode`
  kWrongKind,   // a value of another type
  kNotInteger,  // a fraction or an exponent where an integer is asked for
  kOutOfRange,
  kBadBase64,
  kBadTime,
};
// For people: "is not base64".
std::string_view describe(ReadOutcome outcome);

// Reads strings with escapes undone. `scratch` must have room for `token`'s bytes, so that it does not move.
struct StringSource {
  bool may_escape = false;  // whether the record holds a backslash at all
  std::string* scratch = nullptr;
};

// Whether a scalar token (kString with its quotes) is well-formed JSON.
bool scalar_is_valid(TokenKind kind, std::string_view token, bool may_escape);

// The string in a quoted token with its escapes undone; none where one is broken.
std::optional<std::string_view> read_string(std::string_view token, const StringSource& strings);

// Reads one scalar token, not null, as `wanted`. Answers kMalformed for what is not JSON before any other outcome.
ReadOutcome read_scalar(ValueKind wanted, TokenKind kind, std::string_view token, const StringSource& strings,
                        ScalarValue& out);

// The same of a text that is no token: a string or a time as it stands, base64, `true`, `false`, or a number as JSON writes
// it. Never kMalformed: what is no value of the wanted kind is kWrongKind. `scratch` must have room for the text.
ReadOutcome read_bare(ValueKind wanted, std::string_view text, std::string& scratch, ScalarValue& out);

}  // namespace tidemark
