// Values as JSON: lists come out of columns and go back into them as text, and `tidemark eval` speaks it. Hides the
// JSON library. Knows no rows.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/arena.h"
#include "operators/expr/value.h"

namespace tidemark::expr {

// Reads documents, one after the other, with one memory. Single-threaded.
class JsonReader {
 public:
  JsonReader();
  ~JsonReader();
  // The value that `json` writes, in `arena`; nothing when it is no JSON. Where `shape` says so, numbers are uint or
  // double, and strings bytes (base64), timestamps or durations; else 3 is an int, 3.0 a double, and an object a map.
  std::optional<Value> read(std::string_view json, const Shape& shape, Arena& arena);

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
};

// Doubles always with a `.` or an exponent, NaN and infinities as strings, bytes in base64, timestamps and durations as
// text, types by their names; an absent optional is null. Keys that are no strings are written as such.
void append_json(const Value& value, std::string& out);
// The same as rows hold it: NaN and infinities are null, times are cut to microseconds.
void append_row_json(const Value& value, std::string& out);
// Base64 with or without padding; false when it is none.
bool read_base64(std::string_view text, std::string& out);

}  // namespace tidemark::expr
