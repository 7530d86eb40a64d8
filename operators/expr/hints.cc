// Suggestions, in the words of the expression at hand.
#include "operators/expr/hints.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

namespace tidemark::expr {
namespace {

bool is_number(TypeKind kind) { return kind == TypeKind::kInt || kind == TypeKind::kUint || kind == TypeKind::kDouble; }

bool is_digits(const std::string& text) {
  return !text.empty() && std::ranges::all_of(text, [](unsigned char c) { return std::isdigit(c) != 0; });
}

// `text` as `kind`: whole numbers written out just change their form.
std::string converted(const std::string& text, TypeKind from, TypeKind to) {
  if (from == TypeKind::kInt && is_digits(text)) {
    if (to == TypeKind::kDouble) return text + ".0";
    if (to == TypeKind::kUint) return text + "u";
  }
  return fmt::format("{}({})", to_string(Type(to)), text);
}

bool converts(TypeKind from, TypeKind to) {
  if (is_number(from) && is_number(to)) return true;
  if (from == TypeKind::kString) {
    return is_number(to) || to == TypeKind::kTimestamp || to == TypeKind::kDuration || to == TypeKind::kBytes;
  }
  return from == TypeKind::kInt && to == TypeKind::kTimestamp;
}

// Numbers go the way that loses least: to double, else from uint to int. Everything else goes to where text meets it.
bool prefers(TypeKind to, TypeKind from) {
  if (is_number(to) && is_number(from)) {
    return to == TypeKind::kDouble || (to == TypeKind::kInt && from == TypeKind::kUint);
  }
  return true;
}

}  // namespace

std::string conversion_hint(std::string_view symbol, const std::string& a, TypeKind type_of_a, const std::string& b,
                            TypeKind type_of_b) {
  if (type_of_a == type_of_b) return {};
  if (symbol == "+" && type_of_a == TypeKind::kString) return fmt::format("write `{} + string({})`", a, b);
  if (symbol == "+" && type_of_b == TypeKind::kString) return fmt::format("write `string({}) + {}`", a, b);
  if (converts(type_of_a, type_of_b) && prefers(type_of_b, type_of_a)) {
    return fmt::format("write `{} {} {}`", converted(a, type_of_a, type_of_b), symbol, b);
  }
  if (converts(type_of_b, type_of_a)) {
    return fmt::format("write `{} {} {}`", a, symbol, converted(b, type_of_b, type_of_a));
  }
  return {};
}

std::string null_hint(const std::string& operand, TypeKind type, bool is_field) {
  std::string_view value = "...";
  if (type == TypeKind::kInt) value = "0";
  if (type == TypeKind::kUint) value = "0u";
  if (type == TypeKind::kDouble) value = "0.0";
  if (type == TypeKind::kString) value = "''";
  if (type == TypeKind::kBool) value = "false";
  std::string hint = fmt::format("write `coalesce({}, {})`", operand, value);
  if (is_field) hint += fmt::format(", or guard it: `has({}) && ...`", operand);
  return hint;
}

}  // namespace tidemark::expr
