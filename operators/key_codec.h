// The canonical bytes of a window key: what is hashed, stored and compared. Equal keys have equal bytes and no others.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/arena.h"
#include "operators/batch.h"

namespace tidemark {

// Each field in `by` order: a tag byte (0 null, 1 present), then for int, timestamp and double 8 order-preserving bytes,
// for bool one byte, for string and bytes the bytes themselves when the field is the last, else with a varint length
// before them. Doubles: every NaN is one key, and -0.0 is 0.0.
// Appends the encoded key of every row in `rows` to `out` at the row's index; `out` has batch.rows entries.
void encode_keys(const Batch& batch, Rows rows, std::span<const uint32_t> key_slots, Arena& arena, KeyedRows& out);

// Sets row `row` of the first columns of `batch` (already typed by `types`, in `by` order) from the encoded key. Strings
// point into `key`. False for bytes that encode_keys did not make.
bool decode_key(std::string_view key, std::span<const Type> types, std::span<Column> columns, size_t row);

// Fills `batch.places`: where each result row stands among those of its event time, as bytes that compare as window_start
// and then the key's fields do: nulls first, text by bytes. A window's result rows begin with `key_fields` columns of keys
// and their window_start.
void encode_places(Batch& batch, size_t key_fields);

uint64_t hash_key(std::string_view key);  // XXH3 64-bit

// The lane of a key: a pure function of its hash and the number of lanes, never of threads or instances.
constexpr uint32_t lane_of(uint64_t hash, uint32_t lanes) {
  return static_cast<uint32_t>((static_cast<unsigned __int128>(hash) * lanes) >> 64);
}

}  // namespace tidemark
