// Value: what a part of an expression is for one row, where columns do not reach: lists, maps, and whatever is known
// only when the program runs. Knows how values compare; knows no functions and no JSON.
#pragma once

#include <cstdint>
#include <new>
#include <span>
#include <string>
#include <string_view>

#include "base/arena.h"
#include "operators/expr/shape.h"
#include "operators/expr/vector.h"

namespace tidemark::expr {

struct Map;

// A plain value that points into an arena; copying it is cheap and copies no elements.
class Value {
 public:
  Value() = default;
  static Value of_bool(bool v) { return Value(Kind::kBool, [&](Value& x) { x.bool_ = v; }); }
  static Value of_int(int64_t v) { return Value(Kind::kInt, [&](Value& x) { x.int_ = v; }); }
  static Value of_uint(uint64_t v) { return Value(Kind::kUint, [&](Value& x) { x.uint_ = v; }); }
  static Value of_double(double v) { return Value(Kind::kDouble, [&](Value& x) { x.double_ = v; }); }
  static Value of_duration(int64_t ns) { return Value(Kind::kDuration, [&](Value& x) { x.int_ = ns; }); }
  static Value of_timestamp(Nanos t) { return Value(Kind::kTimestamp, [&](Value& x) { x.nanos_ = t; }); }
  // kString, kBytes; kType: its name; kIp: 4 or 16 bytes; kCidr: those and one of the length; kError: what happened.
  static Value of_text(Kind kind, std::string_view text) {
    return Value(kind, [&](Value& x) { x.text_ = {text.data(), text.size()}; });
  }
  static Value of_string(std::string_view text) { return of_text(Kind::kString, text); }
  static Value of_list(std::span<const Value> elements) {
    return Value(Kind::kList, [&](Value& x) { x.list_ = {elements.data(), elements.size()}; });
  }
  static Value of_map(const Map* map) { return Value(Kind::kMap, [&](Value& x) { x.map_ = map; }); }
  // nullptr: there is none.
  static Value of_optional(const Value* v) { return Value(Kind::kOptional, [&](Value& x) { x.optional_ = v; }); }

  Kind kind() const { return kind_; }
  bool is_error() const { return kind_ == Kind::kError; }
  bool is_true() const { return kind_ == Kind::kBool && bool_; }
  bool as_bool() const { return bool_; }
  int64_t as_int() const { return int_; }
  uint64_t as_uint() const { return uint_; }
  double as_double() const { return double_; }
  Nanos as_timestamp() const { return nanos_; }
  int64_t as_duration() const { return int_; }
  std::string_view text() const { return {text_.data, text_.size}; }
  std::span<const Value> list() const { return {list_.data, list_.size}; }
  const Map& map() const { return *map_; }
  const Value* optional() const { return optional_; }

 private:
  template <class F>
  Value(Kind kind, F&& set) : kind_(kind) {
    set(*this);
  }
  struct Text {
    const char* data;
    size_t size;
  };
  struct List {
    const Value* data;
    size_t size;
  };

  Kind kind_ = Kind::kNull;
  union {
    bool bool_;
    int64_t int_;
    uint64_t uint_;
    double double_;
    Nanos nanos_ = 0;
    Text text_;
    List list_;
    const Map* map_;
    const Value* optional_;
  };
};

struct Entry {
  Value key;
  Value value;
};

// Entries in the order that they were written in, and the order by key for finding them.
struct Map {
  std::span<const Entry> entries;
  const uint32_t* by_key = nullptr;

  // nullptr when there is none. 1, 1u and 1.0 are one key.
  const Value* find(const Value& key) const;
};

// Memory for `n` elements, to be constructed by the caller.
template <class T>
std::span<T> allocate(Arena& arena, size_t n) {
  // Arenas align to 8 bytes only.
  char* p = arena.allocate(n * sizeof(T) + alignof(T));
  p += (alignof(T) - reinterpret_cast<uintptr_t>(p) % alignof(T)) % alignof(T);
  T* first = reinterpret_cast<T*>(p);
  for (size_t i = 0; i < n; ++i) new (first + i) T();
  return {first, n};
}

// An error that carries `message`.
Value error_value(Arena& arena, std::string_view message);
// A map of `entries`, which lie in the arena; or an error: a key that cannot be one, or one that is there twice.
Value make_map(Arena& arena, std::span<const Entry> entries);
Value make_optional(Arena& arena, const Value& value);
// A copy all of which lies in `arena`.
Value deep_copy(const Value& value, Arena& arena);

// Values of different kinds are unequal, but for numbers, which compare by value. NaN equals nothing.
bool equal(const Value& a, const Value& b);
// Whether maps take it as a key: bool, int, uint, string, and doubles that are whole numbers when they look up.
bool can_be_key(Kind kind);
// false, 0, 0.0, '', b'', [], {}, null, an absent optional, the epoch: what optional.ofNonZeroValue() calls zero.
bool is_zero(const Value& value);

}  // namespace tidemark::expr
