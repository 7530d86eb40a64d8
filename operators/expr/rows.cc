// Between columns and values, in both directions.
#include "operators/expr/rows.h"

#include <array>
#include <cstddef>

#include <fmt/format.h>

#include "base/check.h"
#include "operators/expr/times.h"

namespace tidemark::expr {
namespace {

constexpr std::array<uint32_t, 1> kOneRow{0};

// Room for one argument in the form that kernels read.
struct alignas(Nanos) Slot {
  std::byte bytes[sizeof(Nanos)];
};
static_assert(sizeof(std::string_view) <= sizeof(Slot));

// Writes a scalar as one row of a vector, texts as views; false when the value is none.
bool write(const Value& value, void* values, uint32_t row) {
  switch (value.kind()) {
    case Kind::kBool: static_cast<uint8_t*>(values)[row] = value.as_bool() ? 1 : 0; return true;
    case Kind::kInt:
    case Kind::kDuration: static_cast<int64_t*>(values)[row] = value.as_int(); return true;
    case Kind::kUint: static_cast<uint64_t*>(values)[row] = value.as_uint(); return true;
    case Kind::kDouble: static_cast<double*>(values)[row] = value.as_double(); return true;
    case Kind::kTimestamp: static_cast<Nanos*>(values)[row] = value.as_timestamp(); return true;
    case Kind::kString:
    case Kind::kBytes: static_cast<std::string_view*>(values)[row] = value.text(); return true;
    case Kind::kNull:
    case Kind::kList:
    case Kind::kMap:
    case Kind::kDyn:
    case Kind::kType:
    case Kind::kOptional:
    case Kind::kIp:
    case Kind::kCidr:
    case Kind::kNever:
    case Kind::kError: return false;
  }
  __builtin_unreachable();
}

// Writes one row's value into the memory of a result; false when it is of another kind.
bool store(const Value& value, Kind kind, uint32_t row, void* values, Arena& arena) {
  if (value.kind() != kind) return false;
  auto* const texts = static_cast<std::string_view*>(values);
  if (kind == Kind::kList || kind == Kind::kMap) {
    std::string json;
    append_row_json(value, json);
    texts[row] = arena.copy(json);
    return true;
  }
  if (!write(value, values, row)) return false;
  if (kind == Kind::kString || kind == Kind::kBytes) texts[row] = arena.copy(texts[row]);
  return true;
}

void* room_for(Kind kind, Out& out) {
  if (kind == Kind::kBool) return out.values<uint8_t>();
  if (kind == Kind::kDouble) return out.values<double>();
  if (kind == Kind::kTimestamp) return out.values<Nanos>();
  if (kind == Kind::kInt || kind == Kind::kUint || kind == Kind::kDuration) return out.values<int64_t>();
  return out.values<std::string_view>();
}

}  // namespace

RowContext::RowContext(Context& columns) : columns_(columns), kernels_(one_, scratch_) { one_.rows = 1; }

void RowContext::enter(uint32_t row) {
  row_ = row;
  steps_ = 0;
  scratch_.clear();
  variables_.clear();
  lists_.clear();
}

Value RowContext::field(uint32_t slot, const Shape& shape) {
  if (const Value* bound = columns_.bound(slot)) return *bound;
  CHECK_OR_DIE(slot < columns_.batch().columns.size(), "the batch has a column for every slot in use");
  const Column& column = columns_.batch().columns[slot];
  if (column.valid[row_] == 0) return {};
  switch (shape.kind) {
    case Kind::kBool: return Value::of_bool(column.bools[row_] != 0);
    case Kind::kInt: return Value::of_int(column.ints[row_]);
    case Kind::kUint: return Value::of_uint(static_cast<uint64_t>(column.ints[row_]));
    case Kind::kDouble: return Value::of_double(column.doubles[row_]);
    case Kind::kDuration: return Value::of_duration(column.ints[row_]);
    case Kind::kTimestamp: return Value::of_timestamp(nanos_of_micros(column.ints[row_]));
    case Kind::kString:
    case Kind::kBytes: return Value::of_text(shape.kind, column.strings[row_]);
    case Kind::kList:
    case Kind::kMap:
    case Kind::kDyn: break;
    case Kind::kNull:
    case Kind::kType:
    case Kind::kOptional:
    case Kind::kIp:
    case Kind::kCidr:
    case Kind::kNever:
    case Kind::kError: return {};
  }
  for (const auto& [known, value] : lists_) {
    if (known == slot) return value;
  }
  if (!reader_) reader_.emplace();
  const auto read = reader_->read(column.strings[row_], shape, scratch_);
  lists_.emplace_back(slot, read ? *read : fail("a list's text is no JSON"));
  return lists_.back().second;
}

Value RowContext::call(Kernel kernel, TypeKind result_kind, std::span<const Value> args) {
  std::array<Slot, kMaxArguments> slots;
  std::array<Vec, kMaxArguments> vecs;
  for (size_t i = 0; i < args.size(); ++i) {
    spend(args[i]);
    CHECK_OR_DIE(write(args[i], &slots[i], 0), "kernels take scalars");
    vecs[i].mask = 0;
    vecs[i].values = &slots[i];
  }
  Out out(kernels_);
  kernel(std::span(vecs.data(), args.size()), kOneRow, out);
  const Vec result = out.finish();
  if (result.status_of(0) == kError) return fail(kernels_.take_message(0));
  if (exhausted()) return fail("the expression needs more memory for one record than it may have");
  return value_of(result, 0, kind_of(result_kind));
}

Vec RowsNode::eval(Context& context, Rows rows) const {
  Out out(context);
  void* values = room_for(kind_, out);
  RowContext row_context(context);
  for (const uint32_t row : rows) {
    row_context.enter(row);
    const Value value = root_->eval(row_context);
    if (store(value, kind_, row, values, context.arena())) continue;
    if (value.kind() == Kind::kNull) {
      out.mark(row, kNull);
    } else if (value.is_error()) {
      out.fail(row, std::string(value.text()));
    } else {
      out.fail(row, fmt::format("the value is of type {}, not {}", type_name(value.kind()), type_name(kind_)));
    }
  }
  return out.finish();
}

Value value_of(const Vec& vec, uint32_t row, Kind kind) {
  if (vec.status_of(row) == kNull) return {};
  switch (kind) {
    case Kind::kBool: return Value::of_bool(vec.in<uint8_t>()[row] != 0);
    case Kind::kInt: return Value::of_int(vec.in<int64_t>()[row]);
    case Kind::kUint: return Value::of_uint(vec.in<uint64_t>()[row]);
    case Kind::kDouble: return Value::of_double(vec.in<double>()[row]);
    case Kind::kDuration: return Value::of_duration(vec.in<int64_t>()[row]);
    case Kind::kTimestamp: return Value::of_timestamp(vec.in<Nanos>()[row]);
    case Kind::kString:
    case Kind::kBytes: return Value::of_text(kind, vec.in<std::string_view>()[row]);
    case Kind::kNull:
    case Kind::kList:
    case Kind::kMap:
    case Kind::kDyn:
    case Kind::kType:
    case Kind::kOptional:
    case Kind::kIp:
    case Kind::kCidr:
    case Kind::kNever:
    case Kind::kError: return {};
  }
  __builtin_unreachable();
}

}  // namespace tidemark::expr
