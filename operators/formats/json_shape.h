// JsonShape reads a record that has the very bytes of an earlier one around other values: the same keys in the same
// order, the same brackets and spaces. Most streams hold little else. Knows only how to say yes: whatever surprises it
// is left to the full walk, whose verdict is the only one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "operators/formats/json_cursor.h"
#include "operators/formats/json_fields.h"
#include "operators/formats/json_staged.h"

namespace tidemark {

// Immutable once learned. Its memory is bounded by kMaxValues and the size of the record.
//
// A record that read() accepts is one that the full walk finds good, with the same values: its fixed parts are those of
// a record that was found good, and every value, declared or not, is judged as JSON. Arrays, escapes in keys and equal
// paths are surprises.
class JsonShape {
 public:
  static constexpr size_t kMaxValues = 256;

  // The shape of a record that the full walk found good; `cursor` stands at its first token. None where it has none.
  static std::optional<JsonShape> learn(std::string_view record, JsonCursor cursor, const JsonFields& fields,
                                        const DecodeSpec& spec);

  // Fills `staged` and answers true, or answers false and leaves anything in it. Views point into the record or into
  // `scratch`, which must have room for what strings with escapes and base64 come to, as in JsonDecoder. Reads no byte
  // outside of the record.
  bool read(std::string_view record, std::string& scratch, std::span<StagedField> staged) const;

  bool operator==(const JsonShape&) const = default;

 private:
  static constexpr uint32_t kUndeclared = UINT32_MAX;
  // Bytes that are the same in all records of the shape.
  struct Fixed {
    uint32_t begin = 0;  // in fixed_
    uint32_t size = 0;
    uint32_t first_mask = 0;  // the part's bytes among those of its first block

    bool operator==(const Fixed&) const = default;
  };
  // A value and the fixed bytes before it.
  struct Item {
    Fixed before;
    uint32_t room = 0;  // with so many bytes left no read passes the record's end
    uint32_t field = kUndeclared;
    ValueKind kind = ValueKind::kString;  // of a declared field
    bool nullable = true;

    bool operator==(const Item&) const = default;
  };
  class Learner;
  class Reader;

  std::vector<Item> items_;
  std::string fixed_;            // with a block's worth of padding behind
  Fixed last_;                   // behind the last value
  std::vector<uint32_t> absent_; // declared fields that the record has not
};

}  // namespace tidemark
