// The strings extension's format: %s %d %f %e %b %o %x %X with an optional precision, over a list of anything.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>

#include <fmt/format.h>

#include "operators/expr/conversions.h"
#include "operators/expr/network.h"
#include "operators/expr/row_functions.h"
#include "operators/expr/text.h"
#include "operators/expr/times.h"

namespace tidemark::expr {
namespace {

// A text form that people read; maps in the order of their keys' texts. False for what has none.
bool append_plain(const Value& value, std::string& out);

bool append_plain_list(std::span<const Value> list, std::string& out) {
  out.push_back('[');
  for (const Value& value : list) {
    if (&value != list.data()) out += ", ";
    if (!append_plain(value, out)) return false;
  }
  out.push_back(']');
  return true;
}

bool append_plain_map(std::span<const Entry> entries, std::string& out) {
  std::vector<std::pair<std::string, std::string>> texts(entries.size());
  for (size_t i = 0; i < entries.size(); ++i) {
    if (!append_plain(entries[i].key, texts[i].first) || !append_plain(entries[i].value, texts[i].second)) return false;
  }
  std::ranges::sort(texts);
  out.push_back('{');
  for (const auto& [key, value] : texts) {
    if (&key != &texts.front().first) out += ", ";
    out += key + ": " + value;
  }
  out.push_back('}');
  return true;
}

bool append_plain(const Value& value, std::string& out) {
  if (out.size() > kMaxTextBytes) return false;
  switch (value.kind()) {
    case Kind::kNull: out += "null"; return true;
    case Kind::kBool: out += value.as_bool() ? "true" : "false"; return true;
    case Kind::kInt: out += std::to_string(value.as_int()); return true;
    case Kind::kUint: out += std::to_string(value.as_uint()); return true;
    case Kind::kDouble: append_double(value.as_double(), out); return true;
    case Kind::kString:
    case Kind::kBytes:
    case Kind::kType: out += value.text(); return true;
    case Kind::kTimestamp: append_timestamp(value.as_timestamp(), out); return true;
    case Kind::kDuration: append_duration(value.as_duration(), out); return true;
    case Kind::kIp:
    case Kind::kCidr: append_network(value, out); return true;
    case Kind::kList: return append_plain_list(value.list(), out);
    case Kind::kMap: return append_plain_map(value.map().entries, out);
    case Kind::kOptional:
    case Kind::kDyn:
    case Kind::kNever:
    case Kind::kError: return false;
  }
  __builtin_unreachable();
}

std::optional<double> number_of(const Value& value) {
  if (value.kind() == Kind::kInt) return static_cast<double>(value.as_int());
  if (value.kind() == Kind::kUint) return static_cast<double>(value.as_uint());
  if (value.kind() == Kind::kDouble) return value.as_double();
  return std::nullopt;
}

// %f and %e.
bool append_fraction(const Value& value, char clause, int precision, std::string& out) {
  const auto number = number_of(value);
  if (!number) return false;
  if (!std::isfinite(*number)) {
    append_double(*number, out);
  } else if (clause == 'f') {
    out += fmt::format("{:.{}f}", *number, precision);
  } else {
    out += fmt::format("{:.{}e}", *number, precision);
  }
  return true;
}

bool append_decimal(const Value& value, std::string& out) {
  if (value.kind() == Kind::kDouble) {
    append_double(value.as_double(), out);
    return true;
  }
  return (value.kind() == Kind::kInt || value.kind() == Kind::kUint) && append_plain(value, out);
}

// %b %o %x %X of an integer; a minus stands before the digits.
bool append_based(const Value& value, int base, bool upper, std::string& out) {
  char digits[72];
  std::to_chars_result end{};
  if (value.kind() == Kind::kInt) {
    end = std::to_chars(digits, digits + sizeof digits, value.as_int(), base);
  } else if (value.kind() == Kind::kUint) {
    end = std::to_chars(digits, digits + sizeof digits, value.as_uint(), base);
  } else {
    return false;
  }
  for (const char* c = digits; c != end.ptr; ++c) {
    out.push_back(upper && *c >= 'a' && *c <= 'f' ? static_cast<char>(*c - 'a' + 'A') : *c);
  }
  return true;
}

bool append_hex(const Value& value, bool upper, std::string& out) {
  if (value.kind() != Kind::kString && value.kind() != Kind::kBytes) return append_based(value, 16, upper, out);
  const std::string_view digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
  for (const char c : value.text()) {
    out.push_back(digits[static_cast<unsigned char>(c) >> 4]);
    out.push_back(digits[static_cast<unsigned char>(c) & 15]);
  }
  return true;
}

bool append_clause(char clause, int precision, const Value& value, std::string& out) {
  switch (clause) {
    case 's': return append_plain(value, out);
    case 'd': return append_decimal(value, out);
    case 'f':
    case 'e': return append_fraction(value, clause, precision, out);
    case 'b':
      if (value.kind() == Kind::kBool) return out.push_back(value.as_bool() ? '1' : '0'), true;
      return append_based(value, 2, false, out);
    case 'o': return append_based(value, 8, false, out);
    case 'x':
    case 'X': return append_hex(value, clause == 'X', out);
    default: return false;
  }
}

// Reads ".3" at `at`, if it is there; -1 when it is none or beyond reason.
int take_precision(std::string_view text, size_t& at) {
  constexpr int kDefault = 6;
  constexpr int kMost = 100;
  if (at == text.size() || text[at] != '.') return kDefault;
  int precision = 0;
  const auto [end, failed] = std::from_chars(text.data() + at + 1, text.data() + text.size(), precision);
  if (failed != std::errc{} || precision > kMost || precision < 0) return -1;
  at = static_cast<size_t>(end - text.data());
  return precision;
}

std::optional<Shape> shape_of_format(std::span<const Shape> args) {
  if (!fits(args[0], Kind::kString) || !fits(args[1], Shape::list_of(Kind::kDyn))) return std::nullopt;
  return Kind::kString;
}

Value format(std::span<const Value> args, RowContext& context) {
  if (args[0].kind() != Kind::kString || args[1].kind() != Kind::kList) return no_overload("format", args, context);
  const std::string_view text = args[0].text();
  const std::span<const Value> values = args[1].list();
  std::string out;
  size_t next = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      out.push_back(text[at]);
      continue;
    }
    if (++at < text.size() && text[at] == '%') {
      out.push_back('%');
      continue;
    }
    const int precision = take_precision(text, at);
    const char clause = at < text.size() ? text[at] : '\0';
    if (precision < 0 || clause == '\0' || std::string_view("sdfeboxX").find(clause) == std::string_view::npos) {
      return context.fail(fmt::format("`format` does not know the clause %{}", clause == '\0' ? ' ' : clause));
    }
    if (next == values.size()) return context.fail(fmt::format("`format` has no value for clause {}", next + 1));
    if (!append_clause(clause, precision, values[next], out)) {
      return context.fail(fmt::format("`format` cannot write a {} as %{}", type_name(values[next].kind()), clause));
    }
    ++next;
    if (out.size() > kMaxTextBytes) return context.fail(kTooLong);
  }
  return Value::of_string(context.scratch().copy(out));
}

}  // namespace

std::vector<RowFunction> format_functions() {
  return {{"format", 2, 2, false, true, shape_of_format, format}};
}

}  // namespace tidemark::expr
