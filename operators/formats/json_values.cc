// Each kind of field against each kind of token, with an outcome for every pair; common pairs have a shorter way to the
// same answer. What an outcome means for the record is the decoder's to say.
#include "operators/formats/json_values.h"

#include "base/time.h"
#include "base/base64.h"
#include "operators/formats/json_number.h"
#include "operators/formats/json_string.h"

namespace tidemark {
namespace {

std::string_view without_quotes(std::string_view token) { return token.substr(1, token.size() - 2); }
bool is_quoted(std::string_view token) { return token.size() >= 2 && token.back() == '"'; }

ReadOutcome scaled(std::optional<int64_t> value, int64_t micros, int64_t& out) {
  if (!value || __builtin_mul_overflow(*value, micros, &out)) return ReadOutcome::kOutOfRange;
  return ReadOutcome::kValue;
}

ReadOutcome read_integer(const JsonNumber& number, int64_t micros, int64_t& out) {
  if (!number.integer) return ReadOutcome::kNotInteger;
  return scaled(number.to_int(), micros, out);
}

ReadOutcome read_seconds(const JsonNumber& number, int64_t& out) {
  if (number.integer) return scaled(number.to_int(), 1'000'000, out);
  return scaled(number.seconds_to_micros(), 1, out);
}

// Integer tokens of few digits, nearly all of them: the same answer as JsonNumber's, sooner.
bool read_short_integer(std::string_view token, int64_t& out) {
  constexpr size_t kDigits = 18;  // never beyond 64 bits
  if (token.size() > kDigits || token[0] < '1' || token[0] > '9') return false;
  int64_t value = 0;
  for (const char c : token) {
    if (c < '0' || c > '9') return false;
    value = value * 10 + (c - '0');
  }
  out = value;
  return true;
}

ReadOutcome read_number(ValueKind wanted, std::string_view token, ScalarValue& out) {
  if (int64_t value = 0; wanted == ValueKind::kMillis && read_short_integer(token, value)) {
    return scaled(value, 1'000, out.integer);
  }
  JsonNumber number;
  if (!JsonNumber::parse(token, number)) return ReadOutcome::kMalformed;
  switch (wanted) {
    case ValueKind::kInt:
    case ValueKind::kMicros: return read_integer(number, 1, out.integer);
    case ValueKind::kMillis: return read_integer(number, 1'000, out.integer);
    case ValueKind::kSeconds: return read_seconds(number, out.integer);
    case ValueKind::kDouble: {
      const auto value = number.to_double();
      if (!value) return ReadOutcome::kOutOfRange;
      out.number = *value;
      return ReadOutcome::kValue;
    }
    case ValueKind::kBool:
    case ValueKind::kString:
    case ValueKind::kBytes:
    case ValueKind::kIso:
    case ValueKind::kList: return ReadOutcome::kWrongKind;
  }
  __builtin_unreachable();
}

ReadOutcome read_bytes(std::string_view base64, std::string& scratch, std::string_view& out) {
  const size_t start = scratch.size();
  if (!append_decoded_base64(base64, scratch)) return ReadOutcome::kBadBase64;
  out = std::string_view(scratch).substr(start);
  return ReadOutcome::kValue;
}

ReadOutcome read_plain(ValueKind wanted, std::string_view text, std::string& scratch, ScalarValue& out) {
  switch (wanted) {
    case ValueKind::kString: out.text = text; return ReadOutcome::kValue;
    case ValueKind::kBytes: return read_bytes(text, scratch, out.text);
    case ValueKind::kIso: {
      const auto time = parse_rfc3339(text);
      if (!time) return ReadOutcome::kBadTime;
      out.integer = time->us;
      return ReadOutcome::kValue;
    }
    case ValueKind::kBool:
    case ValueKind::kInt:
    case ValueKind::kDouble:
    case ValueKind::kSeconds:
    case ValueKind::kMillis:
    case ValueKind::kMicros:
    case ValueKind::kList: return ReadOutcome::kWrongKind;
  }
  __builtin_unreachable();
}

ReadOutcome read_text(ValueKind wanted, std::string_view token, const StringSource& strings, ScalarValue& out) {
  const bool plain = wanted == ValueKind::kString && !strings.may_escape && is_quoted(token);
  if (plain) {
    out.text = without_quotes(token);
    return ReadOutcome::kValue;
  }
  const auto text = read_string(token, strings);
  return text ? read_plain(wanted, *text, *strings.scratch, out) : ReadOutcome::kMalformed;
}

bool is_word(TokenKind kind, std::string_view token) {
  return token == (kind == TokenKind::kTrue ? "true" : kind == TokenKind::kFalse ? "false" : "null");
}

}  // namespace

std::optional<ValueKind> value_kind(const Type& type, TimestampUnit unit) {
  switch (type.kind) {
    case TypeKind::kBool: return ValueKind::kBool;
    case TypeKind::kInt: return ValueKind::kInt;
    case TypeKind::kDouble: return ValueKind::kDouble;
    case TypeKind::kString: return ValueKind::kString;
    case TypeKind::kBytes: return ValueKind::kBytes;
    case TypeKind::kList: return ValueKind::kList;
    case TypeKind::kTimestamp:
      switch (unit) {
        case TimestampUnit::kSeconds: return ValueKind::kSeconds;
        case TimestampUnit::kMillis: return ValueKind::kMillis;
        case TimestampUnit::kMicros: return ValueKind::kMicros;
        case TimestampUnit::kIso: return ValueKind::kIso;
      }
      __builtin_unreachable();
    case TypeKind::kNull:
    case TypeKind::kUint:
    case TypeKind::kDuration:
    case TypeKind::kMap:
    case TypeKind::kDyn: return std::nullopt;
  }
  __builtin_unreachable();
}

TokenKind token_kind(char first) {
  switch (first) {
    case '"': return TokenKind::kString;
    case '{': return TokenKind::kObject;
    case '[': return TokenKind::kArray;
    case 't': return TokenKind::kTrue;
    case 'f': return TokenKind::kFalse;
    case 'n': return TokenKind::kNull;
  }
  return first == '-' || (first >= '0' && first <= '9') ? TokenKind::kNumber : TokenKind::kBroken;
}

std::string_view describe(TokenKind kind) {
  switch (kind) {
    case TokenKind::kString: return "a string";
    case TokenKind::kNumber: return "a number";
    case TokenKind::kTrue:
    case TokenKind::kFalse: return "a bool";
    case TokenKind::kNull: return "null";
    case TokenKind::kObject: return "an object";
    case TokenKind::kArray: return "a list";
    case TokenKind::kBroken: return "no JSON value";
  }
  __builtin_unreachable();
}

std::string_view describe(ReadOutcome outcome) {
  switch (outcome) {
    case ReadOutcome::kValue: return "is good";
    case ReadOutcome::kMalformed: return "is not JSON";
    case ReadOutcome::kWrongKind: return "is of another type";
    case ReadOutcome::kNotInteger: return "is a number with a fraction or an exponent";
    case ReadOutcome::kOutOfRange: return "is a number out of range";
    case ReadOutcome::kBadBase64: return "is a string that is not base64";
    case ReadOutcome::kBadTime: return "is a string that is not an RFC 3339 time";
  }
  __builtin_unreachable();
}

bool scalar_is_valid(TokenKind kind, std::string_view token, bool may_escape) {
  switch (kind) {
    case TokenKind::kString: return is_quoted(token) && (!may_escape || escapes_are_valid(without_quotes(token)));
    case TokenKind::kNumber: {
      JsonNumber number;
      return JsonNumber::parse(token, number);
    }
    case TokenKind::kTrue:
    case TokenKind::kFalse:
    case TokenKind::kNull: return is_word(kind, token);
    case TokenKind::kObject:
    case TokenKind::kArray:
    case TokenKind::kBroken: return false;
  }
  __builtin_unreachable();
}

ReadOutcome read_bare(ValueKind wanted, std::string_view text, std::string& scratch, ScalarValue& out) {
  switch (wanted) {
    case ValueKind::kString:
    case ValueKind::kBytes:
    case ValueKind::kIso:
    case ValueKind::kList: return read_plain(wanted, text, scratch, out);
    case ValueKind::kBool:
      out.integer = text == "true" ? 1 : 0;
      return out.integer != 0 || text == "false" ? ReadOutcome::kValue : ReadOutcome::kWrongKind;
    case ValueKind::kInt:
    case ValueKind::kDouble:
    case ValueKind::kSeconds:
    case ValueKind::kMillis:
    case ValueKind::kMicros: {
      if (text.empty()) return ReadOutcome::kWrongKind;
      const auto outcome = read_number(wanted, text, out);
      return outcome == ReadOutcome::kMalformed ? ReadOutcome::kWrongKind : outcome;
    }
  }
  __builtin_unreachable();
}

std::optional<std::string_view> read_string(std::string_view token, const StringSource& strings) {
  if (!is_quoted(token)) return std::nullopt;
  const std::string_view text = without_quotes(token);
  if (!strings.may_escape || text.find('\\') == std::string_view::npos) return text;
  const size_t start = strings.scratch->size();
  if (!append_unescaped(text, *strings.scratch)) return std::nullopt;
  return std::string_view(*strings.scratch).substr(start);
}

ReadOutcome read_scalar(ValueKind wanted, TokenKind kind, std::string_view token, const StringSource& strings,
                        ScalarValue& out) {
  switch (kind) {
    case TokenKind::kString: return read_text(wanted, token, strings, out);
    case TokenKind::kNumber: return read_number(wanted, token, out);
    case TokenKind::kTrue:
    case TokenKind::kFalse:
      if (!is_word(kind, token)) return ReadOutcome::kMalformed;
      out.integer = kind == TokenKind::kTrue ? 1 : 0;
      return wanted == ValueKind::kBool ? ReadOutcome::kValue : ReadOutcome::kWrongKind;
    case TokenKind::kNull:
      return is_word(kind, token) ? ReadOutcome::kWrongKind : ReadOutcome::kMalformed;
    case TokenKind::kObject:
    case TokenKind::kArray: return ReadOutcome::kWrongKind;
    case TokenKind::kBroken: return ReadOutcome::kMalformed;
  }
  __builtin_unreachable();
}

}  // namespace tidemark
