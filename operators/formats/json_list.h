// Checks a JSON array against a list type and rewrites it in the one form that rows carry. Knows no fields.
#pragma once

#include <string>

#include "base/types.h"
#include "operators/formats/json_cursor.h"

namespace tidemark {

// Appends the array at the cursor as compact JSON, with strings, doubles, bytes and times in the form of all output; `list`
// is its type, `unit` that of its times. The array must have been skipped before, so that it is known to be JSON. The
// cursor ends behind it when the answer is kValue. A null element is kWrongKind. `scratch` is overwritten.
ReadOutcome append_list(JsonCursor& cursor, const Type& list, TimestampUnit unit, std::string& scratch, std::string& out);

// Whether lists of this type can be read: bool, int, double, string, bytes, timestamp, and lists of these.
bool list_is_readable(const Type& list);

}  // namespace tidemark
