#include "operators/formats/json_shape.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include <simdjson.h>

#include "operators/formats/byte_block.h"

namespace tidemark {
namespace {

static_assert(std::endian::native == std::endian::little, "digits are gathered from little-endian words");

constexpr double kPowersOfTen[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
constexpr int64_t kWholePowersOfTen[] = {1,
                                         10,
                                         100,
                                         1'000,
                                         10'000,
                                         100'000,
                                         1'000'000,
                                         10'000'000,
                                         100'000'000,
                                         1'000'000'000,
                                         10'000'000'000,
                                         100'000'000'000,
                                         1'000'000'000'000,
                                         10'000'000'000'000,
                                         100'000'000'000'000,
                                         1'000'000'000'000'000};

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

bool is_number_byte(char c) { return (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '+' || c == 'e' || c == 'E'; }

}  // namespace

// ---- Reading

class JsonShape::Reader {
 public:
  Reader(std::string_view record, std::string& scratch, std::span<StagedField> staged)
      : at_(record.data()), end_(at_ + record.size()), scratch_(scratch), staged_(staged) {}

  // Passes `size` bytes if they are those at `fixed`, which are padded to whole blocks.
  bool take_fixed(const char* fixed, size_t size) {
    if (left() < size) return false;
    while (size > 0) {
      if (left() < ByteBlock::kBytes) return take_last_fixed(fixed, size);
      const uint32_t differences = ByteBlock(at_).differences(ByteBlock(fixed));
      const size_t taken = std::min(size, ByteBlock::kBytes);
      if ((differences & ((1U << taken) - 1)) != 0) return false;
      at_ += taken;
      fixed += taken;
      size -= taken;
    }
    return true;
  }

  // Passes a value; false where it is none that the full walk would call good.
  bool take_value(const Item& item) {
    if (at_ == end_) return false;
    switch (*at_) {
      case '"': return take_string(item);
      case 't': return take_word(item, "true", 1);
      case 'f': return take_word(item, "false", 0);
      case 'n': return take_null(item);
    }
    return take_number(item);
  }

  bool at_end() const { return at_ == end_; }

 private:
  size_t left() const { return static_cast<size_t>(end_ - at_); }

  bool take_last_fixed(const char* fixed, size_t size) {
    for (size_t i = 0; i < size; ++i) {
      if (at_[i] != fixed[i]) return false;
    }
    at_ += size;
    return true;
  }

  StagedField& found(const Item& item) {
    StagedField& s = staged_[item.field];
    s.found = StagedField::Found::kValue;
    return s;
  }

  bool take_string(const Item& item) {
    const char* const begin = at_ + 1;
    uint32_t high = 0;
    const char* const quote = find_quote(begin, high);
    if (quote == nullptr) return false;
    const std::string_view text(begin, static_cast<size_t>(quote - begin));
    if (high != 0 && !simdjson::validate_utf8(text.data(), text.size())) return false;
    at_ = quote + 1;
    if (item.field == kUndeclared) return true;
    StagedField& s = found(item);
    if (item.kind == ValueKind::kString) {
      s.value.text = text;
      return true;
    }
    return read_token(item, TokenKind::kString, {begin - 1, text.size() + 2});
  }

  // The quote that ends the string, or null where it ends otherwise or needs a second look.
  const char* find_quote(const char* p, uint32_t& high) const {
    uint32_t stops = 0;
    while (static_cast<size_t>(end_ - p) >= ByteBlock::kBytes) {
      const ByteBlock block(p);
      stops = block.string_stops();
      if (stops != 0) {
        high |= block.high() & (stops ^ (stops - 1));
        return quote_at(p + std::countr_zero(stops));
      }
      high |= block.high();
      p += ByteBlock::kBytes;
    }
    // The last bytes lie at the end of the record's last whole block.
    const ByteBlock last(end_ - ByteBlock::kBytes);
    const size_t before = ByteBlock::kBytes - static_cast<size_t>(end_ - p);
    stops = last.string_stops() >> before;
    if (stops == 0) return nullptr;
    high |= (last.high() >> before) & (stops ^ (stops - 1));
    return quote_at(p + std::countr_zero(stops));
  }
  static const char* quote_at(const char* p) { return *p == '"' ? p : nullptr; }

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

  // Up to 15 digits without an exponent, nearly all numbers, are read here, to the same values as elsewhere.
  bool take_number(const Item& item) {
    constexpr size_t kRead = ByteBlock::kBytes + 8;
    char copy[kRead];
    const char* digits = at_ + (*at_ == '-' ? 1 : 0);
    const bool negative = digits != at_;
    const auto room = static_cast<size_t>(end_ - digits);
    if (room < kRead) {
      std::memset(copy, 0, sizeof copy);
      std::memcpy(copy, digits, room);
      digits = copy;
    }
    const uint32_t others = ~ByteBlock(digits).digits();  // never 0: there are bits beyond the block
    const auto whole = static_cast<uint32_t>(std::countr_zero(others));
    if (whole == 0 || (whole > 1 && digits[0] == '0')) return false;
    if (whole >= ByteBlock::kBytes) return take_odd_number(item);
    const char next = digits[whole];
    if (next == '.') {
      const auto all = whole + 1 + static_cast<uint32_t>(std::countr_zero(others >> (whole + 1)));
      const char behind = digits[all];
      if (all == whole + 1) return false;
      if (all >= ByteBlock::kBytes || behind == 'e' || behind == 'E') return take_odd_number(item);
      return take_fraction(item, negative, digits, whole, all);
    }
    if (next == 'e' || next == 'E') return take_odd_number(item);
    return take_integer(item, negative, digits, whole);
  }

  bool take_integer(const Item& item, bool negative, const char* digits, uint32_t size) {
    if (item.field != kUndeclared) {
      const int64_t magnitude = read_digits(digits, size);
      const int64_t value = negative ? -magnitude : magnitude;
      StagedField& s = found(item);
      switch (item.kind) {
        case ValueKind::kInt:
        case ValueKind::kMicros: s.value.integer = value; break;
        case ValueKind::kMillis: s.value.integer = value * 1'000; break;
        case ValueKind::kDouble: {
          const auto number = static_cast<double>(magnitude);
          s.value.number = negative ? -number : number;
          break;
        }
        default: return take_odd_number(item);
      }
    }
    at_ += size + (negative ? 1 : 0);
    return true;
  }

  bool take_fraction(const Item& item, bool negative, const char* digits, uint32_t whole, uint32_t all) {
    if (item.field != kUndeclared) {
      if (item.kind != ValueKind::kDouble) return take_odd_number(item);
      const uint32_t fraction = all - whole - 1;
      const int64_t mantissa =
          read_digits(digits, whole) * kWholePowersOfTen[fraction] + read_digits(digits + whole + 1, fraction);
      const double number = static_cast<double>(mantissa) / kPowersOfTen[fraction];
      found(item).value.number = negative ? -number : number;
    }
    at_ += all + (negative ? 1 : 0);
    return true;
  }

  bool take_odd_number(const Item& item) {
    const char* const begin = at_;
    const char* p = begin;
    while (p != end_ && is_number_byte(*p)) ++p;
    const std::string_view token(begin, static_cast<size_t>(p - begin));
    at_ = p;
    if (item.field == kUndeclared) return scalar_is_valid(TokenKind::kNumber, token, false);
    found(item);
    return read_token(item, TokenKind::kNumber, token);
  }

  bool read_token(const Item& item, TokenKind kind, std::string_view token) {
    return read_scalar(item.kind, kind, token, {false, &scratch_}, staged_[item.field].value) == ReadOutcome::kValue;
  }

  const char* at_;
  const char* const end_;
  std::string& scratch_;
  std::span<StagedField> staged_;
};

bool JsonShape::read(std::string_view record, std::string& scratch, std::span<StagedField> staged) const {
  if (record.size() < ByteBlock::kBytes) return false;
  Reader reader(record, scratch, staged);
  const char* const fixed = fixed_.data();
  for (const Item& item : items_) {
    if (!reader.take_fixed(fixed + item.begin, item.size) || !reader.take_value(item)) return false;
  }
  if (!reader.take_fixed(fixed + last_begin_, last_size_) || !reader.at_end()) return false;
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
    if (record_.size() > kMaxBytes || !take_object(&fields_.node(0), 1, shape) || cursor_.first() != '\0') return false;
    shape.last_begin_ = static_cast<uint32_t>(shape.fixed_.size());
    shape.last_size_ = add_fixed(record_.size(), shape);
    shape.fixed_.append(ByteBlock::kBytes, '\0');
    for (uint32_t i = 0; i < spec_.fields.size(); ++i) {
      if (std::ranges::none_of(shape.items_, [&](const Item& item) { return item.field == i; })) shape.absent_.push_back(i);
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
    if (c == '\0' || kind == TokenKind::kArray || !scalar_is_valid(kind, cursor_.token(), cursor_.may_escape())) return false;
    return add_item(node, shape);
  }

  bool add_item(const JsonFields::Node* node, JsonShape& shape) {
    if (shape.items_.size() == kMaxValues) return false;
    Item item;
    item.begin = static_cast<uint32_t>(shape.fixed_.size());
    item.size = add_fixed(cursor_.offset(), shape);
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

  uint32_t add_fixed(size_t end, JsonShape& shape) const {
    shape.fixed_ += record_.substr(fixed_from_, end - fixed_from_);
    return static_cast<uint32_t>(end - fixed_from_);
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
