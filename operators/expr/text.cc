// The functions of CEL's strings extension that take and answer scalars; split, join and format are in lists.cc and
// format.cc. Positions count code points.
#include "operators/expr/text.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/safe_text.h"
#include "operators/expr/kernels.h"
#include "operators/expr/utf8.h"

namespace tidemark::expr {

std::optional<size_t> byte_of(std::string_view text, int64_t index) {
  if (index < 0) return std::nullopt;
  size_t at = 0;
  for (; index > 0; --index) {
    if (at == text.size()) return std::nullopt;
    do {
      ++at;
    } while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80);
  }
  return at;
}

namespace {

using Text = std::string_view;

// In double quotes, with escapes as in Go and CEL; invalid UTF-8 becomes U+FFFD.
void append_quoted_as_go(std::string_view text, std::string& out) {
  static constexpr std::string_view kSpecial = "\a\b\f\n\r\t\v\\\"";
  static constexpr std::string_view kLetters = "abfnrtv\\\"";
  out.push_back('"');
  for (const char c : valid_utf8(text)) {
    const size_t i = c == '\0' ? std::string_view::npos : kSpecial.find(c);
    if (i == std::string_view::npos) {
      out.push_back(c);
    } else {
      out.push_back('\\');
      out.push_back(kLetters[i]);
    }
  }
  out.push_back('"');
}

std::string out_of_range(int64_t index) { return fmt::format("index out of range: {}", index); }

void char_at(std::span<const Vec> args, Rows rows, Out& out) {
  const auto a = args[0].in<Text>();
  const auto index = args[1].in<int64_t>();
  auto* result = out.values<Text>();
  for_each_row(rows, [&](uint32_t row) {
    const auto from = byte_of(a[row], index[row]);
    if (!from) return out.fail(row, out_of_range(index[row]));
    const Text rest = a[row].substr(*from);
    result[row] = rest.substr(0, byte_of(rest, 1).value_or(0));
  });
}

// Where `needle` begins at or behind code point `from`, by code point; -1: nowhere.
std::optional<int64_t> index_in(Text text, Text needle, int64_t from) {
  const auto start = byte_of(text, from);
  if (!start) return std::nullopt;
  const size_t at = text.find(needle, *start);
  return at == Text::npos ? -1 : from + count_code_points(text.substr(*start, at - *start));
}

// The last place at or before code point `from` where it begins.
std::optional<int64_t> last_index_in(Text text, Text needle, int64_t from) {
  const auto start = byte_of(text, from);
  if (!start) return std::nullopt;
  const size_t at = text.rfind(needle, *start);
  return at == Text::npos ? -1 : count_code_points(text.substr(0, at));
}

template <auto Find, bool kLast>
void index_of(std::span<const Vec> args, Rows rows, Out& out) {
  const auto a = args[0].in<Text>();
  const auto needle = args[1].in<Text>();
  auto* result = out.values<int64_t>();
  for_each_row(rows, [&](uint32_t row) {
    result[row] = *Find(a[row], needle[row], kLast ? count_code_points(a[row]) : 0);
  });
}

template <auto Find>
void index_of_from(std::span<const Vec> args, Rows rows, Out& out) {
  const auto a = args[0].in<Text>();
  const auto needle = args[1].in<Text>();
  const auto from = args[2].in<int64_t>();
  auto* result = out.values<int64_t>();
  for_each_row(rows, [&](uint32_t row) {
    const auto found = Find(a[row], needle[row], from[row]);
    if (!found) return out.fail(row, out_of_range(from[row]));
    result[row] = *found;
  });
}

void substring_from(std::span<const Vec> args, Rows rows, Out& out) {
  const auto a = args[0].in<Text>();
  const auto from = args[1].in<int64_t>();
  auto* result = out.values<Text>();
  for_each_row(rows, [&](uint32_t row) {
    const auto start = byte_of(a[row], from[row]);
    if (!start) return out.fail(row, out_of_range(from[row]));
    result[row] = a[row].substr(*start);
  });
}

void substring(std::span<const Vec> args, Rows rows, Out& out) {
  const auto a = args[0].in<Text>();
  const auto from = args[1].in<int64_t>();
  const auto to = args[2].in<int64_t>();
  auto* result = out.values<Text>();
  for_each_row(rows, [&](uint32_t row) {
    if (from[row] > to[row]) {
      return out.fail(row, fmt::format("invalid substring range: from {} to {}", from[row], to[row]));
    }
    const auto start = byte_of(a[row], from[row]);
    if (!start) return out.fail(row, out_of_range(from[row]));
    const Text rest = a[row].substr(*start);
    const auto length = byte_of(rest, to[row] - from[row]);
    if (!length) return out.fail(row, out_of_range(to[row]));
    result[row] = rest.substr(0, *length);
  });
}

// Writes each result into one reused string and copies it to the arena.
template <class F>
void build(const In<Text>& texts, Rows rows, Out& out, F&& append) {
  auto* result = out.values<Text>();
  Arena& arena = out.context().arena();
  std::string text;
  for_each_row(rows, [&](uint32_t row) {
    text.clear();
    if (append(row, texts[row], text)) {
      result[row] = arena.copy(text);
    } else {
      out.fail(row, kTooLong);
    }
  });
}

template <char From, char To, int Shift>
void change_case(std::span<const Vec> args, Rows rows, Out& out) {
  build(args[0].in<Text>(), rows, out, [](uint32_t, Text text, std::string& to) {
    for (const char c : text) to.push_back(c >= From && c <= To ? static_cast<char>(c + Shift) : c);
    return true;
  });
}

void reverse(std::span<const Vec> args, Rows rows, Out& out) {
  build(args[0].in<Text>(), rows, out, [](uint32_t, Text text, std::string& to) {
    while (!text.empty()) {
      size_t last = text.size() - 1;
      while (last > 0 && (static_cast<unsigned char>(text[last]) & 0xc0) == 0x80) --last;
      to += text.substr(last);
      text = text.substr(0, last);
    }
    return true;
  });
}

void quote(std::span<const Vec> args, Rows rows, Out& out) {
  build(args[0].in<Text>(), rows, out, [](uint32_t, Text text, std::string& to) {
    append_quoted_as_go(text, to);
    return true;
  });
}

// Replaces the first `limit` places (all, when it is negative); an empty `what` is found around each code point.
bool replace(Text text, Text what, Text with, int64_t limit, std::string& to) {
  size_t at = 0;
  for (; limit != 0; --limit) {
    const size_t found = text.find(what, at);
    if (found == Text::npos) break;
    if (to.size() + (found - at) + with.size() > kMaxTextBytes) return false;
    to += text.substr(at, found - at);
    to += with;
    at = found + what.size();
    if (!what.empty()) continue;
    if (at == text.size()) break;
    const size_t next = at + byte_of(text.substr(at), 1).value_or(0);
    to += text.substr(at, next - at);
    at = next;
  }
  to += text.substr(at);
  return to.size() <= kMaxTextBytes;
}

void replace_all(std::span<const Vec> args, Rows rows, Out& out) {
  build(args[0].in<Text>(), rows, out,
        [&, what = args[1].in<Text>(), with = args[2].in<Text>()](uint32_t row, Text text, std::string& to) {
          return replace(text, what[row], with[row], -1, to);
        });
}

void replace_some(std::span<const Vec> args, Rows rows, Out& out) {
  build(args[0].in<Text>(), rows, out,
        [&, what = args[1].in<Text>(), with = args[2].in<Text>(), limit = args[3].in<int64_t>()](
            uint32_t row, Text text, std::string& to) { return replace(text, what[row], with[row], limit[row], to); });
}

// Bytes of the white space that `text` begins with, by Unicode's property White_Space; 0 for none.
size_t leading_space(Text text) {
  if (text.empty()) return 0;
  if (text[0] == ' ' || (text[0] >= '\t' && text[0] <= '\r')) return 1;
  static constexpr std::array<Text, 19> kSpaces{"\u0085", "\u00a0", "\u1680", "\u2000", "\u2001", "\u2002", "\u2003",
                                                "\u2004", "\u2005", "\u2006", "\u2007", "\u2008", "\u2009", "\u200a",
                                                "\u2028", "\u2029", "\u202f", "\u205f", "\u3000"};
  for (const Text space : kSpaces) {
    if (text.starts_with(space)) return space.size();
  }
  return 0;
}

size_t trailing_space(Text text) {
  if (text.empty()) return 0;
  size_t last = text.size() - 1;
  while (last > 0 && (static_cast<unsigned char>(text[last]) & 0xc0) == 0x80) --last;
  return leading_space(text.substr(last));
}

void trim(std::span<const Vec> args, Rows rows, Out& out) {
  const auto a = args[0].in<Text>();
  auto* result = out.values<Text>();
  for_each_row(rows, [&](uint32_t row) {
    Text text = a[row];
    while (const size_t n = leading_space(text)) text.remove_prefix(n);
    while (const size_t n = trailing_space(text)) text.remove_suffix(n);
    result[row] = text;
  });
}

}  // namespace

std::vector<Overload> text_overloads() {
  using enum TypeKind;
  std::vector<Overload> all;
  const auto method = [&](std::string_view name, std::vector<TypeKind> args, TypeKind result, Kernel kernel,
                          bool fallible = false) {
    all.push_back({name, std::move(args), result, kernel, fallible, false, true});
  };
  method("charAt", {kString, kInt}, kString, char_at, true);
  method("indexOf", {kString, kString}, kInt, index_of<index_in, false>);
  method("indexOf", {kString, kString, kInt}, kInt, index_of_from<index_in>, true);
  method("lastIndexOf", {kString, kString}, kInt, index_of<last_index_in, true>);
  method("lastIndexOf", {kString, kString, kInt}, kInt, index_of_from<last_index_in>, true);
  method("substring", {kString, kInt}, kString, substring_from, true);
  method("substring", {kString, kInt, kInt}, kString, substring, true);
  method("lowerAscii", {kString}, kString, change_case<'A', 'Z', 'a' - 'A'>);
  method("upperAscii", {kString}, kString, change_case<'a', 'z', 'A' - 'a'>);
  method("reverse", {kString}, kString, reverse);
  method("replace", {kString, kString, kString}, kString, replace_all, true);
  method("replace", {kString, kString, kString, kInt}, kString, replace_some, true);
  method("trim", {kString}, kString, trim);
  all.push_back({"strings.quote", {kString}, kString, quote});
  return all;
}

}  // namespace tidemark::expr
