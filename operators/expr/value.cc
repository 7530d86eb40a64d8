// Equality of values, and maps.
#include "operators/expr/value.h"

#include <algorithm>
#include <compare>
#include <numeric>

#include "operators/expr/numbers.h"

namespace tidemark::expr {
namespace {

// Calls `f` with the number as its C++ type.
template <class F>
auto with_number(const Value& v, F&& f) {
  if (v.kind() == Kind::kInt) return f(v.as_int());
  if (v.kind() == Kind::kUint) return f(v.as_uint());
  return f(v.as_double());
}

std::partial_ordering compare_numbers(const Value& a, const Value& b) {
  return with_number(a, [&](auto x) {
    return with_number(b, [&](auto y) -> std::partial_ordering { return compare(x, y); });
  });
}

int rank(const Value& key) { return is_number(key.kind()) ? 1 : key.kind() == Kind::kBool ? 0 : 2; }

// An order of keys: bools, numbers by value, strings.
std::partial_ordering compare_keys(const Value& a, const Value& b) {
  if (rank(a) != rank(b)) return rank(a) <=> rank(b);
  if (a.kind() == Kind::kBool) return a.as_bool() <=> b.as_bool();
  if (a.kind() == Kind::kString) return a.text() <=> b.text();
  return compare_numbers(a, b);
}

bool equal_lists(std::span<const Value> a, std::span<const Value> b) {
  return std::ranges::equal(a, b, [](const Value& x, const Value& y) { return equal(x, y); });
}

bool equal_maps(const Map& a, const Map& b) {
  if (a.entries.size() != b.entries.size()) return false;
  return std::ranges::all_of(a.entries, [&](const Entry& entry) {
    const Value* other = b.find(entry.key);
    return other != nullptr && equal(entry.value, *other);
  });
}

}  // namespace

const Value* Map::find(const Value& key) const {
  if (!can_be_key(key.kind()) && key.kind() != Kind::kDouble) return nullptr;
  const uint32_t* end = by_key + entries.size();
  const auto less = [&](uint32_t i, const Value& k) { return compare_keys(entries[i].key, k) < 0; };
  const uint32_t* at = std::lower_bound(by_key, end, key, less);
  if (at == end || compare_keys(entries[*at].key, key) != 0) return nullptr;
  return &entries[*at].value;
}

Value error_value(Arena& arena, std::string_view message) {
  return Value::of_text(Kind::kError, arena.copy(message));
}

Value make_map(Arena& arena, std::span<const Entry> entries) {
  for (const Entry& entry : entries) {
    if (can_be_key(entry.key.kind())) continue;
    return error_value(arena, "a map's key is a bool, an int, a uint or a string, but there is one of type " +
                                  std::string(type_name(entry.key.kind())));
  }
  const std::span<uint32_t> order = allocate<uint32_t>(arena, entries.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::sort(order, [&](uint32_t a, uint32_t b) { return compare_keys(entries[a].key, entries[b].key) < 0; });
  for (size_t i = 1; i < order.size(); ++i) {
    if (compare_keys(entries[order[i - 1]].key, entries[order[i]].key) == 0) {
      return error_value(arena, "a map has a key twice");
    }
  }
  Map* map = allocate<Map>(arena, 1).data();
  *map = {entries, order.data()};
  return Value::of_map(map);
}

Value make_optional(Arena& arena, const Value& value) {
  Value* copy = allocate<Value>(arena, 1).data();
  *copy = value;
  return Value::of_optional(copy);
}

Value deep_copy(const Value& value, Arena& arena) {
  switch (value.kind()) {
    case Kind::kNull:
    case Kind::kBool:
    case Kind::kInt:
    case Kind::kUint:
    case Kind::kDouble:
    case Kind::kTimestamp:
    case Kind::kDuration:
    case Kind::kDyn:
    case Kind::kNever: return value;
    case Kind::kString:
    case Kind::kBytes:
    case Kind::kType:
    case Kind::kIp:
    case Kind::kCidr:
    case Kind::kError: return Value::of_text(value.kind(), arena.copy(value.text()));
    case Kind::kOptional:
      return value.optional() == nullptr ? value : make_optional(arena, deep_copy(*value.optional(), arena));
    case Kind::kList: {
      const std::span<Value> copy = allocate<Value>(arena, value.list().size());
      std::ranges::transform(value.list(), copy.begin(), [&](const Value& v) { return deep_copy(v, arena); });
      return Value::of_list(copy);
    }
    case Kind::kMap: {
      const std::span<Entry> copy = allocate<Entry>(arena, value.map().entries.size());
      std::ranges::transform(value.map().entries, copy.begin(), [&](const Entry& e) {
        return Entry{deep_copy(e.key, arena), deep_copy(e.value, arena)};
      });
      return make_map(arena, copy);
    }
  }
  __builtin_unreachable();
}

bool equal(const Value& a, const Value& b) {
  if (is_number(a.kind()) && is_number(b.kind())) return compare_numbers(a, b) == 0;
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Kind::kNull: return true;
    case Kind::kBool: return a.as_bool() == b.as_bool();
    case Kind::kTimestamp: return a.as_timestamp() == b.as_timestamp();
    case Kind::kDuration: return a.as_duration() == b.as_duration();
    case Kind::kString:
    case Kind::kBytes:
    case Kind::kType:
    case Kind::kIp:
    case Kind::kCidr: return a.text() == b.text();
    case Kind::kList: return equal_lists(a.list(), b.list());
    case Kind::kMap: return equal_maps(a.map(), b.map());
    case Kind::kOptional: {
      const Value* x = a.optional();
      const Value* y = b.optional();
      return x == nullptr || y == nullptr ? x == y : equal(*x, *y);
    }
    case Kind::kInt:
    case Kind::kUint:
    case Kind::kDouble:
    case Kind::kDyn:
    case Kind::kNever:
    case Kind::kError: return false;
  }
  __builtin_unreachable();
}

bool can_be_key(Kind kind) {
  return kind == Kind::kBool || kind == Kind::kInt || kind == Kind::kUint || kind == Kind::kString;
}

bool is_zero(const Value& v) {
  switch (v.kind()) {
    case Kind::kNull: return true;
    case Kind::kBool: return !v.as_bool();
    case Kind::kInt:
    case Kind::kDuration: return v.as_int() == 0;
    case Kind::kUint: return v.as_uint() == 0;
    case Kind::kDouble: return v.as_double() == 0;
    case Kind::kTimestamp: return v.as_timestamp() == 0;
    case Kind::kString:
    case Kind::kBytes: return v.text().empty();
    case Kind::kList: return v.list().empty();
    case Kind::kMap: return v.map().entries.empty();
    case Kind::kOptional: return v.optional() == nullptr;
    case Kind::kType:
    case Kind::kIp:
    case Kind::kCidr:
    case Kind::kDyn:
    case Kind::kNever:
    case Kind::kError: return false;
  }
  __builtin_unreachable();
}

}  // namespace tidemark::expr
