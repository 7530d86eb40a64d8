// Of a column's vectors the one that its type names is filled, and the others stay empty. Clearing keeps types and
// memory; bytes() counts what is reserved rather than what is used.
#include "operators/batch.h"

namespace tidemark {
namespace {

template <class T>
size_t bytes_of(const std::vector<T>& v) {
  return v.capacity() * sizeof(T);
}

}  // namespace

void Column::reset(const Type& new_type, size_t rows) {
  type = new_type;
  valid.assign(rows, 0);
  bools.clear();
  ints.clear();
  doubles.clear();
  strings.clear();
  switch (type.kind) {
    case TypeKind::kBool: bools.resize(rows); return;
    case TypeKind::kDouble: doubles.resize(rows); return;
    case TypeKind::kInt:
    case TypeKind::kUint:
    case TypeKind::kTimestamp:
    case TypeKind::kDuration: ints.resize(rows); return;
    case TypeKind::kString:
    case TypeKind::kBytes:
    case TypeKind::kList:
    case TypeKind::kMap: strings.resize(rows); return;
    case TypeKind::kNull:
    case TypeKind::kDyn: return;
  }
}

size_t Column::push_null() {
  valid.push_back(0);
  switch (type.kind) {
    case TypeKind::kBool: bools.emplace_back(); break;
    case TypeKind::kDouble: doubles.emplace_back(); break;
    case TypeKind::kInt:
    case TypeKind::kUint:
    case TypeKind::kTimestamp:
    case TypeKind::kDuration: ints.emplace_back(); break;
    case TypeKind::kString:
    case TypeKind::kBytes:
    case TypeKind::kList:
    case TypeKind::kMap: strings.emplace_back(); break;
    case TypeKind::kNull:
    case TypeKind::kDyn: break;
  }
  return valid.size() - 1;
}

void Batch::clear() {
  arena.clear();
  rows = 0;
  for (Column& column : columns) column.reset(column.type, 0);
  offsets.clear();
  kafka_times.clear();
  newest_counted = Time::min();
  newest_records.clear();
  places.clear();
  event_times.clear();
  watermarks.clear();
  raw.clear();
  record_keys.clear();
  record_key_valid.clear();
  for (KeyedRows& k : keyed) {
    k.keys.clear();
    k.hashes.clear();
  }
}

size_t Batch::bytes() const {
  size_t total = sizeof(Batch) + arena.bytes_reserved();
  for (const Column& c : columns) {
    total += bytes_of(c.valid) + bytes_of(c.bools) + bytes_of(c.ints) + bytes_of(c.doubles) + bytes_of(c.strings);
  }
  total += bytes_of(offsets) + bytes_of(kafka_times) + bytes_of(event_times) + bytes_of(watermarks) + bytes_of(raw);
  total += bytes_of(record_keys) + bytes_of(record_key_valid) + bytes_of(newest_records) + bytes_of(places);
  for (const KeyedRows& k : keyed) total += bytes_of(k.keys) + bytes_of(k.hashes);
  return total;
}

}  // namespace tidemark
