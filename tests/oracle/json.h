// JSON for the oracle: a slow, strict reader that keeps number tokens as they were written and object members in their
// order, duplicates included. Deliberately knows no types of a schema and shares nothing with the engine's decoder.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tidemark::oracle {

struct Json {
  enum class Kind { kNull, kBool, kNumber, kString, kArray, kObject };
  Kind kind = Kind::kNull;
  bool boolean = false;
  std::string text;  // a string's bytes, or a number's token
  std::vector<Json> items;
  std::vector<std::pair<std::string, Json>> members;

  // The first member of that name; null where this is no object or has none.
  const Json* find(std::string_view name) const;
};

// The whole text as one value with only blanks around it. None where it is not JSON: bad UTF-8, a byte-order mark, more
// than 1,024 levels, unpaired surrogates and anything behind the value included.
std::optional<Json> parse_json(std::string_view text);

// `text` between quotes, with the escapes that JSON demands and no others.
std::string quote_json(std::string_view text);

// Compact, with members in their order. Tokens with a `.` or an exponent become the shortest double that reads back the
// same, so that two spellings of one double render alike while `5` and `5.0` do not.
std::string render_json(const Json& value);

// The shortest text that reads back as `value`, with a `.` or an exponent; `null` for NaN and the infinities.
std::string render_double(double value);

bool is_utf8(std::string_view text);

}  // namespace tidemark::oracle
