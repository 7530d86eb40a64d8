// Two halves: learning from a record that was walked, and reading in blocks of 16 bytes, unguarded as long as the
// record's end is far. What is not plain goes through the same functions as in the full walk.
#include "operators/formats/json_shape.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include <simdjson.h>

#include "operators/formats/byte_block.h"
#include "operators/formats/json_string.h"

namespace tidemark {
namespace {

// As many bytes from the beginning of a value on are read without a look at where the record ends.
constexpr uint32_t kUnseen = 1 + ByteBlock::kBytes + 8;

static_assert(std::endian::native == std::endian::little, "digits are gathered from little-endian words");

// All that 15 digits can need; as doubles they are exact too.
constexpr auto kPowersOfTen = [] {
  std::array<int64_t, ByteBlock::kBytes> powers{1};
  for (size_t i = 1; i < powers.size(); ++i) powers[i] = powers[i - 1] * 10;
  return powers;
}();

// The number that 1 to 8 digits spell. Reads 8 bytes.
int64_t read_digits8(const char* digits, uint32_t count) {
  uint64_t word;
  std::memcpy(&word, digits, sizeof word);
  word = (word ^ 0x3030303030303030) << (64 - 8 * count);  // zeros in front
  word = word * 10 + (word >> 8);
  return static_cast<int64_t>(((word & 0x000000FF000000FF) * 0x000F424000000064 +
                               ((word >> 16) & 0x000000FF000000FF) * 0x0000271000000001) >>
                              32);
}

// The number that 1 to 16 digits spell. Reads 8 bytes, and all digits.
int64_t read_digits(const char* digits, uint32_t count) {
  if (count <= 8) return read_digits8(digits, count);
  return read_digits8(digits, count - 8) * 100'000'000 + read_digits8(digits + count - 8, 8);
}

// Few bytes, so that a call would cost more than it saves.
bool same_bytes(const char* a, const char* b, size_t n) {
  for (size_t i = 0; i < n; ++i) {
    if (a[i] != b[i]) return false;
  }
  return true;
}

bool is_exponent(char c) { return c == 'e' || c == 'E'; }
bool is_number_byte(char c) { return (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '+' || is_exponent(c); }

}  // namespace

// ---- Reading

// Far from the record's end whole blocks are read without a look at where that is.
class JsonShape::Reader {
 public:
  enum class Place : uint8_t { kFarFromEnd, kNearEnd };

  Reader(std::string_view record, std::string& scratch, StagedField* staged)
      : at_(record.data()), end_(at_ + record.size()), scratch_(scratch), staged_(staged) {}

  size_t left() const { return static_cast<size_t>(end_ - at_); }

  // Passes the fixed bytes of a part if they stand here.
  template <Place kPlace>
  bool take_fixed(const Fixed& part, const char* fixed) {
    const char* const expected = fixed + part.begin;
    if (kPlace == Place::kFarFromEnd || left() >= ByteBlock::kBytes) {
      if ((ByteBlock(at_).equals(ByteBlock(expected)) & part.first_mask) != part.first_mask) return false;
      if (part.size > ByteBlock::kBytes && (left() < part.size || !rest_is_same(part, expected))) return false;
    } else {
      if (left() < part.size || !same_bytes(at_, expected, part.size)) return false;
    }
    at_ += part.size;
    return true;
  }

  // Passes a value; false where it is none that the full walk would call good.
  template <Place kPlace>
  bool take_value(const Item& item) {
    if (kPlace == Place::kNearEnd && at_ == end_) return false;
    const char c = *at_;
    if (c == '"') return take_string<kPlace>(item);
    if (c <= '9') return take_number<kPlace>(item);
    if (c == 'n') return take_null(item);
    return c == 't' ? take_word(item, "true", 1) : take_word(item, "false", 0);
  }

 private:
  StagedField& found(const Item& item) {
    StagedField& s = staged_[item.field];
    s.found = StagedField::Found::kValue;
    return s;
  }

  // Of a part of more than one block, behind its first; the last block overlaps the one before.
  bool rest_is_same(const Fixed& part, const char* expected) const {
    constexpr uint32_t kAll = 0xFFFF;
    const size_t last = part.size - ByteBlock::kBytes;
    for (size_t i = ByteBlock::kBytes; i < last; i += ByteBlock::kBytes) {
      if (ByteBlock(at_ + i).equals(ByteBlock(expected + i)) != kAll) return false;
    }
    return ByteBlock(at_ + last).equals(ByteBlock(expected + last)) == kAll;
  }

  template <Place kPlace>
  bool take_string(const Item& item) {
    const char* const begin = at_ + 1;
    const char* quote = find_stop<kPlace>(begin);
    if (quote == end_) return false;
    bool escaped = false;
    if (*quote != '"') [[unlikely]] {
      quote = find_quote(begin, quote, escaped);
      if (quote == nullptr) return false;
    }
    at_ = quote + 1;
    const std::string_view text(begin, static_cast<size_t>(quote - begin));
    if (item.field == kUndeclared) return !escaped || escapes_are_valid(text);
    StagedField& s = found(item);
    if (escaped || item.kind != ValueKind::kString) {
      return read_token(item, TokenKind::kString, {begin - 1, text.size() + 2}, escaped);
    }
    s.value.text = text;
    return true;
  }

  // What ends the plain stretch that begins at `p`; or the record's end.
  template <Place kPlace>
  const char* find_stop(const char* p) const {
    if constexpr (kPlace == Place::kFarFromEnd) {
      const uint32_t stops = ByteBlock(p).string_stops();
      if (stops != 0) return p + __builtin_ctz(stops);
      p += ByteBlock::kBytes;
    }
    while (static_cast<size_t>(end_ - p) >= ByteBlock::kBytes) {
      const uint32_t stops = ByteBlock(p).string_stops();
      if (stops != 0) return p + __builtin_ctz(stops);
      p += ByteBlock::kBytes;
    }
    // What is left lies at the end of the record's last block.
    const size_t before = ByteBlock::kBytes - static_cast<size_t>(end_ - p);
    const uint32_t stops = ByteBlock(end_ - ByteBlock::kBytes).string_stops() >> before;
    return stops != 0 ? p + __builtin_ctz(stops) : end_;
  }

  // The quote that ends the string, which is plain up to `p`; or null where it is not UTF-8 or does not end so.
  const char* find_quote(const char* begin, const char* p, bool& escaped) const {
    for (; p != end_ && *p != '"'; ++p) {
      if (static_cast<unsigned char>(*p) < 0x20) return nullptr;
      if (*p != '\\') continue;
      escaped = true;
      if (++p == end_) return nullptr;
    }
    if (p == end_ || !simdjson::validate_utf8(begin, static_cast<size_t>(p - begin))) return nullptr;
    return p;
  }

  bool take_word(const Item& item, std::string_view word, int64_t value) {
    if (!std::string_view(at_, left()).starts_with(word)) return false;
    at_ += word.size();
    if (item.field == kUndeclared) return true;
    found(item).value.integer = value;
    return item.kind == ValueKind::kBool;
  }

  bool take_null(const Item& item) {
    if (!item.nullable || !std::string_view(at_, left()).starts_with("null")) return false;
    at_ += 4;
    if (item.field != kUndeclared) staged_[item.field].found = StagedField::Found::kNull;
    return true;
  }

  // Numbers of less than 16 bytes without an exponent, nearly all, are read here, to the same values as elsewhere.
  template <Place kPlace>
  bool take_number(const Item& item) {
    const uint32_t negative = *at_ == '-' ? 1 : 0;
    const char* digits = at_ + negative;
    char copy[kUnseen];
    if (kPlace == Place::kNearEnd && left() < kUnseen) {
      std::memset(copy, 0, sizeof copy);
      std::memcpy(copy, digits, left() - negative);
      digits = copy;
    }
    const uint32_t others = ~ByteBlock(digits).digits();  // never 0: the block has 16 bits only
    const auto whole = static_cast<uint32_t>(__builtin_ctz(others));
    if (whole == 0 || whole >= ByteBlock::kBytes || (whole > 1 && digits[0] == '0')) return take_odd_number(item);
    const char next = digits[whole];
    if (next == '.') {
      const uint32_t all = whole + 1 + static_cast<uint32_t>(__builtin_ctz(others >> (whole + 1)));
      if (all >= ByteBlock::kBytes || all == whole + 1 || is_exponent(digits[all])) return take_odd_number(item);
      if (item.field != kUndeclared) {
        if (item.kind != ValueKind::kDouble) return take_odd_number(item);
        stage_fraction(item, negative != 0, digits, whole, all - whole - 1);
      }
      at_ += negative + all;
      return true;
    }
    if (is_exponent(next)) return take_odd_number(item);
    if (item.field != kUndeclared && !stage_integer(item, negative != 0, digits, whole)) return take_odd_number(item);
    at_ += negative + whole;
    return true;
  }

  // False where the field takes no such number, or not so simply.
  bool stage_integer(const Item& item, bool negative, const char* digits, uint32_t size) {
    StagedField& s = found(item);
    const int64_t magnitude = read_digits(digits, size);
    const int64_t value = negative ? -magnitude : magnitude;
    switch (item.kind) {
      case ValueKind::kInt:
      case ValueKind::kMicros: s.value.integer = value; return true;
      case ValueKind::kMillis: s.value.integer = value * 1'000; return true;
      case ValueKind::kDouble: {
        const auto number = static_cast<double>(magnitude);
        s.value.number = negative ? -number : number;
        return true;
      }
      default: return false;
    }
  }

  void stage_fraction(const Item& item, bool negative, const char* digits, uint32_t whole, uint32_t fraction) {
    const int64_t mantissa =
        read_digits(digits, whole) * kPowersOfTen[fraction] + read_digits(digits + whole + 1, fraction);
    const double number = static_cast<double>(mantissa) / static_cast<double>(kPowersOfTen[fraction]);
    found(item).value.number = negative ? -number : number;
  }

  bool take_odd_number(const Item& item) {
    const char* const begin = at_;
    while (at_ != end_ && is_number_byte(*at_)) ++at_;
    const std::string_view token(begin, static_cast<size_t>(at_ - begin));
    if (item.field == kUndeclared) return scalar_is_valid(TokenKind::kNumber, token, false);
    found(item);
    return read_token(item, TokenKind::kNumber, token);
  }

  bool read_token(const Item& item, TokenKind kind, std::string_view token, bool escaped = false) {
    return read_scalar(item.kind, kind, token, {escaped, &scratch_}, staged_[item.field].value) == ReadOutcome::kValue;
  }

  const char* at_;
  const char* const end_;
  std::string& scratch_;
  StagedField* const staged_;
};

bool JsonShape::read(std::string_view record, std::string& scratch, std::span<StagedField> staged) const {
  using enum Reader::Place;
  if (record.size() < ByteBlock::kBytes) return false;
  Reader reader(record, scratch, staged.data());
  const char* const fixed = fixed_.data();
  const Item* item = items_.data();
  const Item* const end = item + items_.size();
  for (; item != end && reader.left() >= item->room; ++item) {
    if (!reader.take_fixed<kFarFromEnd>(item->before, fixed) || !reader.take_value<kFarFromEnd>(*item)) return false;
  }
  for (; item != end; ++item) {
    if (!reader.take_fixed<kNearEnd>(item->before, fixed) || !reader.take_value<kNearEnd>(*item)) return false;
  }
  if (!reader.take_fixed<kNearEnd>(last_, fixed) || reader.left() != 0) return false;
  for (const uint32_t field : absent_) staged[field].found = StagedField::Found::kAbsent;
  return true;
}

// ---- Learning

class JsonShape::Learner {
 public:
  Learner(std::string_view record, JsonCursor cursor, const JsonFields& fields, const DecodeSpec& spec)
      : record_(record), cursor_(cursor), fields_(fields), spec_(spec), seen_(fields.nodes()) {}

  bool learn(JsonShape& shape) {
    cursor_.next();
    if (!take_object(&fields_.node(0), 1, shape) || cursor_.first() != '\0') return false;
    shape.last_ = add_fixed(record_.size(), shape);
    shape.fixed_.append(ByteBlock::kBytes, '\0');
    for (uint32_t i = 0; i < spec_.fields.size(); ++i) {
      const bool present = std::ranges::any_of(shape.items_, [&](const Item& item) { return item.field == i; });
      if (!present) shape.absent_.push_back(i);
    }
    return true;
  }

 private:
  // The cursor stands behind the bracket; `node` is null where no declared field can be.
  bool take_object(const JsonFields::Node* node, size_t level, JsonShape& shape) {
    if (level > JsonCursor::kMaxLevels) return false;
    if (cursor_.first() == '}') return cursor_.next(), true;
    while (true) {
      std::string_view key;
      if (!cursor_.take_key(key) || key.find('\\') != std::string_view::npos) return false;
      if (!take_value(child_of(node, key.substr(1, key.size() - 2)), level, shape)) return false;
      const char c = cursor_.first();
      cursor_.next();
      if (c == '}') return true;
      if (c != ',') return false;
    }
  }

  // Of equal keys the first counts.
  const JsonFields::Node* child_of(const JsonFields::Node* node, std::string_view key) {
    const uint32_t child = node == nullptr ? JsonFields::kNone : fields_.find(*node, key);
    if (child == JsonFields::kNone || seen_[child]) return nullptr;
    seen_[child] = true;
    return &fields_.node(child);
  }

  bool take_value(const JsonFields::Node* node, size_t level, JsonShape& shape) {
    const char c = cursor_.first();
    if (c == '{') {
      if (node != nullptr && !node->leaves.empty()) return false;
      cursor_.next();
      return take_object(node, level + 1, shape);
    }
    const TokenKind kind = token_kind(c);
    if (c == '\0' || !scalar_is_valid(kind, cursor_.token(), cursor_.may_escape())) return false;
    return add_item(node, shape);
  }

  bool add_item(const JsonFields::Node* node, JsonShape& shape) {
    if (shape.items_.size() == kMaxValues) return false;
    Item item;
    item.before = add_fixed(cursor_.offset(), shape);
    item.room = item.before.size + kUnseen;
    if (node != nullptr && !node->leaves.empty()) {
      if (node->leaves.size() > 1) return false;
      item.field = node->leaves[0];
      const DeclaredField& declared = spec_.fields[item.field];
      item.kind = *value_kind(declared.type, declared.unit);
      item.nullable = declared.nullable && spec_.event_time != item.field;
    }
    shape.items_.push_back(item);
    fixed_from_ = cursor_.offset() + cursor_.token().size();
    cursor_.next();
    return true;
  }

  Fixed add_fixed(size_t end, JsonShape& shape) const {
    Fixed part;
    part.begin = static_cast<uint32_t>(shape.fixed_.size());
    part.size = static_cast<uint32_t>(end - fixed_from_);
    part.first_mask = part.size >= ByteBlock::kBytes ? 0xFFFF : (1U << part.size) - 1;
    shape.fixed_ += record_.substr(fixed_from_, part.size);
    return part;
  }

  const std::string_view record_;
  JsonCursor cursor_;
  const JsonFields& fields_;
  const DecodeSpec& spec_;
  std::vector<bool> seen_;  // by node
  size_t fixed_from_ = 0;   // behind the last value
};

std::optional<JsonShape> JsonShape::learn(std::string_view record, JsonCursor cursor, const JsonFields& fields,
                                          const DecodeSpec& spec) {
  JsonShape shape;
  if (!Learner(record, cursor, fields, spec).learn(shape)) return std::nullopt;
  return shape;
}

}  // namespace tidemark
